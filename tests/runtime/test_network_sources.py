"""Cameras behind a network: real servers on loopback, and one that does everything wrong."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

import fcn_edge
from tests.runtime.conftest import GOLDEN, Run, pictures, read_clip, read_report
from tests.runtime.test_live_page import serving

SYSTEM_PYTHON = "/usr/bin/python3"
RTSP_SERVER = Path(__file__).with_name("rtsp_server.py")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def rtsp_camera(port: int) -> Iterator[None]:
    words = [SYSTEM_PYTHON, RTSP_SERVER, port, 160, 120, 25]
    process = subprocess.Popen(
        [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        if not process.stdout.readline():
            why = process.communicate()[1].strip().splitlines()[-1]
            pytest.skip(f"gst-rtsp-server does not run here ({why}); see scripts/apt-packages-ci.txt")
        yield
    finally:
        process.kill()
        process.wait()


def test_an_rtsp_camera_is_streamed_and_found_again_after_its_loss(
    binary: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    port, report = free_port(), tmp_path / "r.json"
    words = [
        "--source",
        f"rtsp://admin:secret@127.0.0.1:{port}/camera",
        "--masks-stream",
        "rle",
        "--report",
        report,
    ]
    with rtsp_camera(port):
        stream = subprocess.Popen(
            [binary, GOLDEN, *map(str, words)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert stream.stdout is not None
        masks = fcn_edge.read_masks(stream.stdout)
        first = [next(masks).index for _ in range(20)]
    with rtsp_camera(port):
        second = [next(masks).index for _ in range(20)]
        stream.terminate()
        _, said = stream.communicate(timeout=30)
    assert stream.returncode == 0, said
    assert first + second == sorted(set(first + second))
    found = read_report(report)
    assert found["reconnects"] == 1
    assert found["frames_in"] == found["frames_out"] + found["dropped"] >= 40
    assert found["fps"] < 100  # 25 a second, in bursts on a busy machine, and not one picture again and again
    assert "secret" not in said.decode() + json.dumps(found)


def test_the_live_page_of_one_stream_is_the_camera_of_another(
    binary: Path, environment: dict[str, str], stream: Run, tmp_path: Path
) -> None:
    with serving(binary, environment) as (url, _):
        done = stream("golden", "--source", f"{url}/stream", "--limit", 20, "--out", tmp_path / "o.mp4",
                      "--report", tmp_path / "r.json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read_report(tmp_path / "r.json")["frames_out"] == 20
    assert read_clip(tmp_path / "o.mp4")[0].shape == (240, 320, 3)


class BadCamera(threading.Thread):
    """An MJPEG camera over HTTP that sends each connection its script: bytes, or seconds of silence."""

    def __init__(self, scripts: list[list[bytes | float]]) -> None:
        super().__init__(daemon=True)
        self.scripts = scripts
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/camera"

    def run(self) -> None:
        for script in self.scripts:
            viewer, _ = self.listener.accept()
            with viewer, contextlib.suppress(ConnectionError):  # a viewer may leave when it has seen enough
                viewer.recv(4096)
                viewer.sendall(
                    b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=part\r\n\r\n"
                )
                for one in script:
                    if isinstance(one, float):
                        time.sleep(one)
                    else:
                        head = b"--part\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(one)
                        viewer.sendall(head + one + b"\r\n")
                        time.sleep(0.02)
        self.listener.close()


def jpegs(count: int, size: tuple[int, int]) -> list[bytes | float]:
    return [cv2.imencode(".jpg", frame)[1].tobytes() for frame in pictures(count, size, seed=count)]


def test_garbage_cut_pictures_new_sizes_stalls_and_losses_are_survived(stream: Run, tmp_path: Path) -> None:
    small, large = jpegs(12, (120, 160)), jpegs(12, (180, 240))
    cut = [picture[: len(picture) // 2] for picture in large if isinstance(picture, bytes)]
    camera = BadCamera(
        [
            [*small, *large],
            [*large, random.Random(1).randbytes(3000), *small],
            [b"not a picture", *large],
            [*small, *cut[:3], 1.0, *small],
        ]
    )
    camera.start()
    done = stream("golden", "--source", camera.url, "--policy", "latest", "--patience", 2,
                  "--out", tmp_path / "o.mp4", "--report", tmp_path / "r.json")  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "the source gave no frame for 2 s" in done.stderr
    report = read_report(tmp_path / "r.json")
    assert report["reconnects"] >= 2
    assert report["frames_in"] == report["frames_out"] + report["dropped"]
    assert report["frames_in"] >= 40
    assert report["interval_ms"]["max"] > 900  # the stall shows
    frames = read_clip(tmp_path / "o.mp4")
    assert len(frames) == report["frames_out"]
    assert {frame.shape for frame in frames} == {(120, 160, 3)}  # a video file cannot change its size


def transport_stream(path: Path, size: str, seconds: int) -> bytes:
    picture = f"testsrc=size={size}:rate=25:duration={seconds}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", picture,
               "-c:v", "mpeg2video", "-b:v", "1M", "-f", "mpegts", str(path)]  # fmt: skip
    subprocess.run(command, check=True)
    return path.read_bytes()


def send_and_fall_silent(listener: socket.socket, data: bytes) -> None:
    viewer, _ = listener.accept()
    with viewer, contextlib.suppress(ConnectionError):
        viewer.recv(4096)
        viewer.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: video/x-matroska\r\n\r\n" + data)
        viewer.recv(1)  # until the viewer leaves


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_the_decoder_holds_no_picture_of_a_live_camera_back(
    binary: Path, environment: dict[str, str]
) -> None:
    """A decoder with a thread for each picture gives one only when the next has come."""
    encode = ["-c:v", "libx264", "-tune", "zerolatency", "-f", "matroska", "-live", "1", "-"]
    pictures = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=25", "-frames:v", "10"]
    data = subprocess.run(
        ["ffmpeg", "-v", "error", *pictures, *encode], capture_output=True, check=True
    ).stdout
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=send_and_fall_silent, args=(listener, data), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/camera"
        command = [binary, GOLDEN, "--source", url, "--policy", "block", "--masks-stream", "rle"]
        process = subprocess.Popen([*map(str, command)], env=environment, stdout=subprocess.PIPE)
        watchdog = threading.Timer(8, process.kill)
        watchdog.start()
        assert process.stdout is not None
        masks = fcn_edge.read_masks(process.stdout)
        found = []
        with contextlib.suppress(Exception):  # the end of a stream that was killed
            for _ in range(10):
                found.append(next(masks).index)
        watchdog.cancel()
        process.kill()
        process.communicate()
    assert found == list(range(10))


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_a_recording_with_damaged_packets_is_played_to_its_end(stream: Run, tmp_path: Path) -> None:
    data = bytearray(transport_stream(tmp_path / "clip.ts", "320x240", 4))
    rng = random.Random(3)
    for _ in range(60):  # the first tenth stays whole, so that the stream is recognised
        start = rng.randrange(len(data) // 10, len(data) - 40)
        data[start : start + 40] = rng.randbytes(40)
    (tmp_path / "clip.ts").write_bytes(data)
    done = stream("golden", "--source", tmp_path / "clip.ts", "--report", tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    report = read_report(tmp_path / "r.json")
    assert 60 <= report["frames_out"] <= 100
    assert report["damaged"] > 10
    assert "damaged_packets" in [warning["type"] for warning in report["warnings"]]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_a_recording_that_changes_its_size_goes_on(stream: Run, tmp_path: Path) -> None:
    parts = [transport_stream(tmp_path / "part.ts", size, 2) for size in ("320x240", "160x120")]
    (tmp_path / "clip.ts").write_bytes(b"".join(parts))
    done = stream("golden", "--source", tmp_path / "clip.ts", "--report", tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    assert read_report(tmp_path / "r.json")["frames_out"] >= 95


def test_a_server_that_does_not_answer_does_not_hold_up_the_end(
    binary: Path, environment: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/camera"
        process = subprocess.Popen([binary, GOLDEN, "--source", url], env=environment, stderr=subprocess.PIPE)
        caller, _ = silent.accept()
        with caller:  # is never answered
            process.terminate()
            _, said = process.communicate(timeout=5)
    assert process.returncode == 1
    assert b"cannot open rtsp://" in said


def test_a_gstreamer_pipeline_is_a_source(stream: Run, tmp_path: Path) -> None:
    plugins = {path.name for path in Path("/usr/lib").glob("*/gstreamer-1.0/*.so")}
    if not {"libgstvideotestsrc.so", "libgstapp.so"} <= plugins:
        pytest.skip("gstreamer1.0-plugins-base is not installed")
    pipeline = (
        "videotestsrc ! video/x-raw,width=160,height=120,framerate=50/1 ! videoconvert ! "
        "video/x-raw,format=BGR ! appsink"
    )
    done = stream("golden", "--source", pipeline, "--limit", 20, "--out", tmp_path / "o.mp4")
    if done.returncode == 1 and "cannot open GStreamer pipeline" in done.stderr:
        pytest.skip("this OpenCV is built without GStreamer")
    assert done.returncode == 0, done.stderr
    assert [frame.shape for frame in read_clip(tmp_path / "o.mp4")] == 20 * [(120, 160, 3)]
