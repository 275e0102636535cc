"""The live page: what it serves, whom it refuses, and that viewers do not hold the stream."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.runtime.conftest import GOLDEN, Run, pictures, read_report, write_clip

SOURCE = "test:320x240@30"


@contextmanager
def serving(
    binary: Path, environment: dict[str, str], *words: object, host: str = "127.0.0.1"
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the stream with --serve on a port of the system's choice; yield its address."""
    command = [binary, GOLDEN, "--source", SOURCE, "--serve", f"{host}:0", *words]
    process = subprocess.Popen(
        [str(word) for word in command], env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"live page on (http://\S+)/", line):
                yield found[1], process
                break
        else:
            raise AssertionError("the page was never announced")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def fetch(url: str, **headers: str) -> tuple[int, bytes, str]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read(), answer.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers["Content-Type"]


def read_pictures(url: str, count: int) -> list[np.ndarray]:
    """Return the first JPEGs of an MJPEG stream, decoded."""
    found = []
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.headers["Content-Type"].startswith("multipart/x-mixed-replace")
        for _ in range(count):
            assert answer.readline() == b"--picture\r\n"
            headers = {}
            while (line := answer.readline()) != b"\r\n":
                name, value = line.decode().split(":")
                headers[name] = value.strip()
            data = answer.read(int(headers["Content-Length"]))
            found.append(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
            answer.readline()
    return found


def test_page_picture_stream_status_and_metrics_are_served(binary: Path, environment: dict[str, str]) -> None:
    with serving(binary, environment) as (url, _):
        status, page, kind = fetch(f"{url}/")
        assert (status, kind) == (200, "text/html; charset=utf-8")
        assert b"<title>fcn-edge live</title>" in page
        assert not re.search(rb'(src|href)="https?:', page)  # no external assets
        for picture in read_pictures(f"{url}/stream", 3):
            assert picture.shape == (240, 320, 3)
        time.sleep(1.2)  # the counts are refreshed twice a second
        state = json.loads(fetch(f"{url}/status.json")[1])
        assert state["frames_out"] > 10
        assert abs(sum(entry["share"] for entry in state["classes"]) - 1) < 1e-6
        metrics = fetch(f"{url}/metrics")[1].decode()
        assert re.search(r'^fcn_edge_frames_out_total{source="0"} \d+$', metrics, re.MULTILINE)
        assert fetch(f"{url}/nothing")[0] == 404


@pytest.mark.skipif(
    shutil.which("chromium") is None or "FCN_EDGE_SLOW_TESTS" not in os.environ,
    reason="needs chromium and a machine that is not busy: set FCN_EDGE_SLOW_TESTS=1",
)
def test_a_browser_shows_picture_classes_counts_and_the_choice_of_source(
    binary: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    with serving(binary, environment, "--source", "test:160x128@10") as (url, _):
        # the picture never ends loading, so Chromium looks after a time; more of it on a busy machine
        for milliseconds in (3000, 8000, 20000):
            command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
                       f"--timeout={milliseconds}", f"--user-data-dir={tmp_path}", f"{url}/"]  # fmt: skip
            page = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
            if found := re.search(r"[\d.]+ frames/s, \d+ of \d+ frames shown", page):
                break
    assert found
    for one in json.loads((GOLDEN / "manifest.json").read_text())["classes"]:
        assert f"</span>{one['name']}</td>" in page
    assert [*re.findall(r"<option [^>]*>([^<]*)</option>", page)] == [f"0: {SOURCE}", "1: test:160x128@10"]
    assert '<p id="trouble" role="alert"></p>' in page


def test_alpha_changes_the_picture_only_for_the_pages_own_requests(
    binary: Path, environment: dict[str, str]
) -> None:
    def post(url: str, **headers: str) -> int:
        request = urllib.request.Request(url, method="POST", headers=headers, data=b"")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    with serving(binary, environment) as (url, _):
        assert post(f"{url}/alpha?value=1") == 400
        assert post(f"{url}/alpha?value=7", **{"X-Fcn-Edge": "1"}) == 400
        assert post(f"{url}/alpha?value=1", **{"X-Fcn-Edge": "1"}) == 204
        painted = read_pictures(f"{url}/stream", 3)[-1]
        assert post(f"{url}/alpha?value=0", **{"X-Fcn-Edge": "1"}) == 204
        plain = read_pictures(f"{url}/stream", 3)[-1]
        assert np.abs(plain[:40].astype(int) - painted[:40]).mean() > 10


def test_another_sites_name_for_this_machine_is_refused(binary: Path, environment: dict[str, str]) -> None:
    with serving(binary, environment) as (url, _):
        for name in ("evil.example", "127.evil.com", "127.0.0.1.evil.com:80", "[::1].evil.com"):
            assert fetch(f"{url}/", Host=name)[0] == 403
        for name in ("127.0.0.1", "127.1.2.3:8080", "localhost:1", "[::1]:80"):
            assert fetch(f"{url}/", Host=name)[0] == 200


def test_a_token_opens_the_page_and_nothing_else_does(binary: Path, environment: dict[str, str]) -> None:
    token = "a-long-secret"
    with serving(binary, environment, "--serve-token", token, host="0.0.0.0") as (url, _):
        url = url.replace("0.0.0.0", "127.0.0.1")
        assert fetch(f"{url}/")[0] == 403
        assert fetch(f"{url}/metrics?token=a-long-secreT")[0] == 403
        assert fetch(f"{url}/?token={token}")[0] == 200
        assert fetch(f"{url}/metrics", Authorization=f"Bearer {token}")[0] == 200


@pytest.mark.parametrize("address", ["0.0.0.0:8080", "127.evil.com:80"])
def test_an_open_address_without_a_token_is_refused(stream: Run, address: str) -> None:
    done = stream("golden", "--source", SOURCE, "--serve", address)
    assert done.returncode == 2
    assert "add --serve-token" in done.stderr


def test_a_taken_port_is_one_line(stream: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = stream("golden", "--source", SOURCE, "--serve", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 1
    assert "cannot serve on 127.0.0.1" in done.stderr


def test_a_second_program_on_the_same_port_ends_with_one_line(
    binary: Path, environment: dict[str, str], stream: Run
) -> None:
    with serving(binary, environment) as (url, _):
        done = stream("golden", "--source", SOURCE, "--limit", "3", "--serve", url.removeprefix("http://"))
        assert fetch(f"{url}/")[0] == 200
    assert done.returncode == 1
    assert "another program has this port" in done.stderr.splitlines()[-1]


def _connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def _memory_mb(process: subprocess.Popen[str]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1000  # type: ignore[index]


def test_the_stream_and_those_with_the_token_get_through_an_attack(
    binary: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    token, report = "a-long-secret", tmp_path / "r.json"
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, usual[1]))  # for the program, which inherits it
    try:
        attacked = serving(binary, environment, "--serve-token", token, "--report", report)
        url, process = attacked.__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, usual[1]), usual[1]))
    with contextlib.ExitStack() as stack:
        stack.push(attacked)
        secret = {"Authorization": f"Bearer {token}"}
        status, _, _ = fetch(f"{url}/status.json", **secret)
        before, begun = _memory_mb(process), time.monotonic()

        idle = [stack.enter_context(_connect(url)) for _ in range(400)]
        assert fetch(f"{url}/metrics", **secret)[0] == 200
        assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) < 100

        with _connect(url) as endless:
            endless.sendall(b"GET / HTTP/1.1\r\n")
            with contextlib.suppress(ConnectionError, TimeoutError):
                for _ in range(104):
                    endless.sendall(b"X-Line: 0123456789\r\n" * 50_000)  # 1 MB
        assert _memory_mb(process) - before < 50

        trickling = [stack.enter_context(_connect(url)) for _ in range(40)]
        for byte in b"GET /stream HTTP/1.1\r\nX-T":
            for one in trickling:
                with contextlib.suppress(ConnectionError):
                    one.send(bytes([byte]))
            asked = time.monotonic()
            assert fetch(f"{url}/metrics", **secret)[0] == 200
            assert time.monotonic() - asked < 2
        assert len(read_pictures(f"{url}/stream?token={token}", 3)) == 3
        assert fetch(f"{url}/metrics")[0] == 403
        took = time.monotonic() - begun
        del idle
    result = read_report(report)
    assert status == 200
    assert result["frames_out"] > 15 * took  # of 30 a second
    assert result["coded"]["out_of_order"] == 0


def test_a_password_is_nowhere_to_be_seen(
    binary: Path, environment: dict[str, str], tmp_path: Path, stream: Run
) -> None:
    clip, report = write_clip(tmp_path / "clip.mp4", pictures(5, (96, 128), seed=1)), tmp_path / "r.json"

    class Serves(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(clip.stat().st_size))
            self.end_headers()
            self.wfile.write(clip.read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Serves) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = f"127.0.0.1:{server.server_port}/clip.mp4"
        address = f"http://me:pa55@{where}?user=me&password=pa55#pa55"
        words = ("--source", address, "--loop", "0", "--policy", "latest", "--report", report)
        with serving(binary, environment, *words) as (url, _):
            time.sleep(1.5)
            said = [fetch(f"{url}/{page}")[1].decode() for page in ("status.json", "metrics")]
        server.shutdown()
    said.append(report.read_text())
    for text in said:
        assert f"http://***@{where}?***" in text
    gone = (
        "rtsp://me:pa55@127.0.0.1:9/x",
        "rtsp://me:pa55/@127.0.0.1:9/x",
        "rtsp://me:pa55#@127.0.0.1:9/x",
        "http://127.0.0.1:9/?password=pa55",
        "me:pa55@127.0.0.1/x",
        "rtspsrc location=rtsp://127.0.0.1:9 user-pw=pa55 ! appsink",
    )
    for source in gone:
        for words in (("--source", source), (source, "--source", "0"), (f"--sorce={source}",)):
            done = stream("golden", *words)
            assert done.returncode != 0
            said.append(done.stderr)
    for text in said:
        assert "pa55" not in text


@pytest.mark.parametrize("viewers", [6])
def test_viewers_that_stop_reading_do_not_hold_the_stream(
    binary: Path, environment: dict[str, str], tmp_path: Path, viewers: int
) -> None:
    report = tmp_path / "r.json"
    with serving(binary, environment, "--report", report) as (url, _):
        host, port = url.removeprefix("http://").split(":")
        sockets = []
        for _ in range(viewers):
            viewer = socket.create_connection((host, int(port)))
            viewer.sendall(b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            sockets.append(viewer)  # never read from
        for _ in range(4):
            read_pictures(f"{url}/stream", 8)
        for viewer in sockets:
            viewer.close()
    result = read_report(report)
    assert result["latency_ms"]["sink"]["p50"] < 5
    assert result["coded"]["out_of_order"] == 0
