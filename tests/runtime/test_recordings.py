"""Recordings as phones, dashcams and servers give them: turned, cut short, damaged, oddly named."""

from __future__ import annotations

import contextlib
import http.server
import random
import shutil
import socket
import socketserver
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

import fcn_edge
from fcn_edge.data.capture import open_capture
from tests.runtime.conftest import GOLDEN, Run, pictures, read_clip, read_report, write_clip

TURNS = {
    "upright": (1, 0, 0, 1),
    "right": (0, 1, -1, 0),
    "half": (-1, 0, 0, -1),
    "left": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "mirrored half": (1, 0, 0, -1),
    "mirrored left": (0, 1, 1, 0),
    "mirrored right": (0, -1, -1, 0),
}


def set_display_matrix(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Write (a, b, c, d) into an MP4's track header: a pixel (x, y) is shown at (a x + c y, b x + d y)."""
    data = bytearray(path.read_bytes())
    box = data.index(b"tkhd")
    at = box + 4 + (36 if data[box + 4] == 1 else 24) + 16
    assert struct.unpack_from(">9i", data, at) == (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    a, b, c, d = (value << 16 for value in matrix)
    struct.pack_into(">9i", data, at, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def turned(frame: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    a, b, c, d = matrix
    if a == 0:
        return frame.transpose(1, 0, 2)[:: b or 1, :: c or 1]
    return frame[::d, ::a]


def masks_of(folder: Path) -> list[np.ndarray]:
    return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("name", TURNS)
def test_a_turned_recording_is_shown_as_players_show_it(stream: Run, tmp_path: Path, name: str) -> None:
    clip = write_clip(tmp_path / "clip.mp4", pictures(5, (72, 112), seed=3))
    coded = read_clip(clip)
    set_display_matrix(clip, TURNS[name])
    done = stream("golden", "--source", clip, "--masks", tmp_path / "masks")
    assert done.returncode == 0, done.stderr
    segment = fcn_edge.open(GOLDEN)
    found = masks_of(tmp_path / "masks")
    assert len(found) == len(coded) == 5
    for mask, frame in zip(found, coded, strict=True):
        upright = np.ascontiguousarray(turned(frame, TURNS[name]))
        np.testing.assert_array_equal(mask, segment(upright))
    capture = open_capture(str(clip))
    assert capture is not None
    for frame in coded:
        done, shown = capture.read()
        assert done
        np.testing.assert_array_equal(shown, turned(frame, TURNS[name]))


@pytest.fixture
def clip(stream: Run, tmp_path: Path) -> Path:
    """Return an MP4 of 30 frames with its index in front, as servers want it."""
    path = write_clip(tmp_path / "whole.mp4", pictures(30, (120, 160), seed=1))
    return index_in_front(path)


def index_in_front(path: Path) -> Path:
    data = path.read_bytes()
    boxes, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        boxes.append((data[at + 4 : at + 8], data[at : at + length]))
        at += length
    movie = bytearray(next(box for kind, box in boxes if kind == b"moov"))
    at = movie.index(b"stco") + 8
    (count,) = struct.unpack_from(">I", movie, at)
    for place in range(at + 4, at + 4 + 4 * count, 4):
        struct.pack_into(">I", movie, place, struct.unpack_from(">I", movie, place)[0] + len(movie))
    rest = b"".join(box for kind, box in boxes if kind not in (b"ftyp", b"moov"))
    path.write_bytes(next(box for kind, box in boxes if kind == b"ftyp") + movie + rest)
    return path


def test_a_recording_cut_short_is_said_and_what_it_gave_is_kept(
    stream: Run, tmp_path: Path, clip: Path
) -> None:
    assert stream("golden", "--source", clip, "--masks", tmp_path / "all").returncode == 0
    whole = masks_of(tmp_path / "all")
    assert len(whole) == 30
    data = clip.read_bytes()
    for part in (0.3, 0.5, 0.8):
        (tmp_path / "part.mp4").write_bytes(data[: int(part * len(data))])
        done = stream("golden", "--source", tmp_path / "part.mp4", "--masks", tmp_path / f"m{part}",
                      "--out", tmp_path / "o.mp4", "--report", tmp_path / "r.json")  # fmt: skip
        assert done.returncode == 1, done.stderr
        assert "cannot read" in done.stderr.splitlines()[-1]
        assert "beyond frame" in done.stderr.splitlines()[-1]
        report = read_report(tmp_path / "r.json")
        assert 3 < report["frames_out"] < 28
        assert "beyond frame" in report["failure"]
        assert len(read_clip(tmp_path / "o.mp4")) == report["frames_out"]


@pytest.mark.parametrize(
    ("name", "fourcc"),
    [("clip.avi", "MJPG"), ("clip.avi", "mp4v"), ("clip.mkv", "mp4v"), ("clip.mp4", "mp4v")],
)
def test_wherever_a_recording_is_cut_it_is_said(stream: Run, tmp_path: Path, name: str, fourcc: str) -> None:
    path = tmp_path / name
    frames = pictures(20, (96, 128), seed=4)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), 25, (128, 96))
    for frame in frames:
        writer.write(frame)
    writer.release()
    if name.endswith(".mp4"):
        index_in_front(path)
    assert stream("golden", "--source", path).returncode == 0
    data = path.read_bytes()
    seed = time.time_ns() % 100000
    print("seed", seed)
    for part in random.Random(seed).choices(range(4 * len(data) // 10, 8 * len(data) // 10), k=4):
        path.write_bytes(data[:part])
        done = stream("golden", "--source", path)
        assert done.returncode == 1, f"cut at {part} of {len(data)}: {done.stderr}"
        assert "error: cannot read" in done.stderr.splitlines()[-1]


def h264(path: Path, frames: list[np.ndarray], stream: Run) -> Path:
    """Encode by the program itself: opencv-python has no encoder for H.264."""
    folder = path.with_suffix("")
    folder.mkdir()
    for index, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{index:03d}.png"), frame)
    done = stream("golden", "--source", folder, "--alpha", 0, "--out", path)
    assert done.returncode == 0, done.stderr
    if b"avc1" not in path.read_bytes():
        pytest.skip("FFmpeg has no encoder for H.264 here")
    return path


def test_a_slice_that_the_decoder_conceals_counts_as_damaged(stream: Run, tmp_path: Path) -> None:
    clip = h264(tmp_path / "clip.mp4", pictures(40, (240, 320), seed=8), stream)
    done = stream("golden", "--source", clip, "--report", tmp_path / "r.json")
    assert (done.returncode, read_report(tmp_path / "r.json")["damaged"]) == (0, 0)
    data = bytearray(clip.read_bytes())
    begin = data.index(b"mdat") + 4
    end = begin + struct.unpack_from(">I", data, begin - 8)[0] - 8
    middle = (begin + end) // 2
    data[middle : middle + 60] = random.Random(5).randbytes(60)
    clip.write_bytes(data)
    done = stream("golden", "--source", clip, "--report", tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    report = read_report(tmp_path / "r.json")
    assert report["frames_out"] >= 35
    assert 1 <= report["damaged"] <= 5
    assert "damaged_packets" in [warning["type"] for warning in report["warnings"]]


@pytest.mark.parametrize("name", ["2026-11-27T20:15:30.mp4", "a ! b.mp4", "http:clip.mp4", "50%d.mp4"])
def test_a_file_is_opened_whatever_its_name(
    binary: Path, environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    write_clip(tmp_path / "clip.mp4", pictures(4, (48, 64), seed=0)).rename(tmp_path / name)
    for source in (name, str(tmp_path / name)):
        done = subprocess.run(
            [binary, GOLDEN, "--source", source, "--masks", "masks"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert len(list((tmp_path / "masks").iterdir())) == 4


@contextlib.contextmanager
def serving(data: bytes, *, sent: int | None = None) -> Iterator[str]:
    """Serve `data` over HTTP without ranges; close the connection after `sent` bytes of it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp4")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Connection", "close")
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(data[:sent])

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/clip"
        server.shutdown()


def raw_mpeg4(path: Path, frames: list[np.ndarray]) -> bytes:
    """Return an MPEG transport stream: nothing in it says how long it is."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 25, (160, 120))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path.read_bytes()


def test_a_recording_from_a_server_is_played_once(stream: Run, tmp_path: Path, clip: Path) -> None:
    del clip
    data = raw_mpeg4(tmp_path / "clip.ts", pictures(30, (120, 160), seed=1))
    with serving(data) as url:
        done = stream("golden", "--source", url, "--seconds", 20, "--report", tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    report = read_report(tmp_path / "r.json")
    assert (report["frames_out"], report["reconnects"]) == (30, 0)


def test_a_server_that_closes_early_is_said(stream: Run, tmp_path: Path, clip: Path) -> None:
    data = clip.read_bytes()
    with serving(data) as url:
        done = stream("golden", "--source", url, "--report", tmp_path / "r.json")
        assert (done.returncode, read_report(tmp_path / "r.json")["frames_out"]) == (0, 30), done.stderr
    with serving(data, sent=len(data) // 2) as url:
        done = stream("golden", "--source", url, "--masks", tmp_path / "m", "--report", tmp_path / "r.json")
    assert done.returncode == 1, done.stderr
    assert "beyond frame" in done.stderr.splitlines()[-1]
    assert 3 < read_report(tmp_path / "r.json")["frames_out"] == len(masks_of(tmp_path / "m")) < 28


def test_patience_holds_for_a_server_that_hangs_at_opening(stream: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/clip"
        began = time.monotonic()
        done = stream("golden", "--source", url, "--patience", 2)
        took = time.monotonic() - began
    assert done.returncode == 1
    assert "cannot open http://" in done.stderr
    assert 1.5 < took < 7


def test_an_overlay_of_a_variable_rate_says_so_and_ends_with_the_recording(
    stream: Run, tmp_path: Path
) -> None:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("ffmpeg, which makes the recording, is not installed")
    uneven = "select='lt(n,20)+not(mod(n,4))'"  # 20 frames at 30 a second, then one of four
    made = [
        ffmpeg,
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=64x48:rate=30",
        "-t",
        "2",
        "-vf",
        uneven,
    ]
    subprocess.run([*made, "-fps_mode", "vfr", str(tmp_path / "uneven.mp4")], check=True)
    done = stream(GOLDEN, "--source", tmp_path / "uneven.mp4", "--out", tmp_path / "shown.mp4")
    assert "has a variable frame rate: " in done.stderr
    assert "at 17.65 a second throughout" in done.stderr
    clip = cv2.VideoCapture(str(tmp_path / "shown.mp4"))
    seconds = clip.get(cv2.CAP_PROP_FRAME_COUNT) / clip.get(cv2.CAP_PROP_FPS)
    assert seconds == pytest.approx(1.7, abs=0.05)
    steady = write_clip(tmp_path / "even.mp4", pictures(5, (48, 64), 0))
    even = stream(GOLDEN, "--source", steady, "--out", tmp_path / "even-shown.mp4")
    assert even.returncode == 0, even.stderr
    assert "variable" not in even.stderr
