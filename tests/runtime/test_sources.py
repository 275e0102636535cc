"""Sources without hardware: coded test pictures, raw frames on stdin, class areas as JSON lines."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

import fcn_edge
from tests.runtime.conftest import GOLDEN, Run, pictures, read_clip, read_report


def test_test_pictures_come_out_in_order_and_only_counted_ones_are_missing(
    stream: Run, tmp_path: Path
) -> None:
    done = stream("golden", "--source", "test:320x240@60", "--seconds", 3, "--report", tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    report = read_report(tmp_path / "r.json")
    coded = report["coded"]
    assert coded["read"] == report["frames_out"] > 0
    assert (coded["unreadable"], coded["out_of_order"]) == (0, 0)
    assert coded["missing"] <= report["dropped"]
    assert report["frames_in"] == report["frames_out"] + report["dropped"]
    assert coded["age_ms"]["p50"] > 0
    assert report["schedule"] == "latency"


def test_a_recording_of_test_pictures_loses_nothing(stream: Run, tmp_path: Path) -> None:
    stream("golden", "--source", "test:160x120", "--limit", 500, "--report", tmp_path / "r.json")
    report = read_report(tmp_path / "r.json")
    assert (report["frames_out"], report["dropped"]) == (500, 0)
    assert report["coded"]["missing"] == 0


@pytest.mark.parametrize(
    ("policy", "reason"), [("every-n:3", "skipped"), ("deadline-ms:1", "late"), ("latest", "superseded")]
)
def test_every_drop_is_counted_by_its_reason(stream: Run, tmp_path: Path, policy: str, reason: str) -> None:
    stream("golden", "--source", "test:640x480@400", "--policy", policy, "--seconds", 2, "--out",
           tmp_path / "o.mp4", "--report", tmp_path / "r.json")  # fmt: skip
    report = read_report(tmp_path / "r.json")
    assert report["dropped"] == sum(report["drops"].values())
    assert report["frames_in"] == report["frames_out"] + report["dropped"]
    assert report["drops"][reason] > 0, report["drops"]


def test_raw_frames_on_stdin_give_pythons_masks(
    binary: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    frames = pictures(4, (54, 70), seed=2)
    done = subprocess.run(
        [binary, GOLDEN, "--source", "raw:70x54", "--masks", tmp_path],
        input=b"".join(frame.tobytes() for frame in frames),
        env=environment, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    segment = fcn_edge.open(GOLDEN)
    for index, frame in enumerate(frames):
        mask = cv2.imread(str(tmp_path / f"{index:06d}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, segment(frame))


def test_raw_frames_that_end_midway_are_an_error(binary: Path, environment: dict[str, str]) -> None:
    done = subprocess.run([binary, GOLDEN, "--source", "raw:70x54"], input=bytes(5000), env=environment,
                          capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 1
    assert b"standard input ended within a frame: 5000 of 11340 bytes" in done.stderr


@pytest.mark.parametrize("source", ["test:banana", "test:20x20@30", "raw:", "raw:0x10", "raw:99999x10"])
def test_impossible_sizes_are_refused(stream: Run, source: str) -> None:
    done = stream("golden", "--source", source)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_areas_are_one_json_line_a_frame_and_sum_to_one(stream: Run) -> None:
    done = stream("golden", "--source", "test:160x120", "--limit", 5, "--areas", "-")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["frame"] for line in lines] == [0, 1, 2, 3, 4]
    for line in lines:
        assert abs(sum(line["areas"].values()) - 1) < 1e-9


def test_soak_reports_memory_and_files(stream: Run, tmp_path: Path) -> None:
    stream("golden", "--source", "test:160x120@50", "--seconds", 6, "--soak", "--report", tmp_path / "r.json")
    soak = read_report(tmp_path / "r.json")["soak"]
    assert soak["fds"]["begin"] == soak["fds"]["end"]
    assert soak["rss_mb"]["end"] < soak["rss_mb"]["begin"] + 20
    assert set(soak["mean_age_ms"]) == {"first_half", "second_half"}


def test_a_lost_camera_is_an_error_but_what_it_gave_is_kept(
    binary: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """FFmpeg serves one MJPEG clip over HTTP and goes away: the source is opened again, in vain."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/camera"
    camera = subprocess.Popen(
        ["ffmpeg", "-v", "quiet", "-re", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=2",
         "-f", "mpjpeg", "-listen", "1", url]
    )  # fmt: skip
    time.sleep(1.5)
    done = subprocess.run(
        [binary, GOLDEN, "--source", url, "--policy", "latest", "--patience", "3",
         "--out", tmp_path / "o.mp4", "--report", tmp_path / "r.json"],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    camera.wait(timeout=10)
    assert done.returncode == 1, done.stderr
    assert "the source gave no frame for 3 s" in done.stderr
    report = read_report(tmp_path / "r.json")
    assert report["frames_out"] > 20
    assert len(read_clip(tmp_path / "o.mp4")) == report["frames_out"]
