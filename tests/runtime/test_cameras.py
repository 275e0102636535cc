"""V4L2 cameras: the whole program on a stand-in for the driver, and on a real device where there is one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.runtime.conftest import GOLDEN, ROOT, Run, pictures, read_clip, read_report

DOUBLE = ROOT / "build" / "cpp_runtime" / "tests" / "libfcn_edge_v4l2_double.so"


@pytest.fixture
def camera(tmp_path: Path, environment: dict[str, str]) -> dict[str, str]:
    """Return an environment with tmp_path/camera as a camera (cpp_runtime/tests/sources/v4l2_double.cpp)."""
    if not DOUBLE.is_file():
        pytest.skip(f"{DOUBLE} is not built; run make build")
    (tmp_path / "camera").touch()
    cv2.imwrite(str(tmp_path / "camera.jpg"), pictures(1, (120, 160), seed=3)[0])
    return {**environment, "LD_PRELOAD": str(DOUBLE), "FCN_EDGE_V4L2_DOUBLE": str(tmp_path / "camera")}


def run(binary: Path, camera: dict[str, str], *words: object) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in (binary, GOLDEN, *words)]
    return subprocess.run(command, env=camera, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("wishes", "size", "fps"), [(",YUYV,64x48@15", (48, 64), 15), (",160x120@30,MJPG", (120, 160), 30)]
)
def test_a_camera_gives_the_size_rate_and_format_asked_for(
    binary: Path, camera: dict[str, str], tmp_path: Path, wishes: str, size: tuple[int, int], fps: int
) -> None:
    source = f"v4l2:{tmp_path / 'camera'}{wishes}"
    done = run(binary, camera, "--source", source, "--limit", 12, "--alpha", 0, "--out", tmp_path / "o.mp4",
               "--report", tmp_path / "r.json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    frames = read_clip(tmp_path / "o.mp4")
    assert len(frames) == 12
    assert frames[0].shape == (*size, 3)
    assert cv2.VideoCapture(str(tmp_path / "o.mp4")).get(cv2.CAP_PROP_FPS) == fps
    if "MJPG" in wishes:
        sent = cv2.imread(str(tmp_path / "camera.jpg"))
        assert np.abs(frames[5][:40].astype(int) - sent[:40]).mean() < 6  # above the legend; two lossy codecs
    else:  # a ramp to the right
        assert frames[5][:20, -4:].mean() - frames[5][:20, :4].mean() > 60


def test_what_a_camera_does_not_offer_is_refused_with_what_it_offers(
    binary: Path, camera: dict[str, str], tmp_path: Path
) -> None:
    done = run(binary, camera, "--source", f"v4l2:{tmp_path / 'camera'},YUYV,1280x720@30")
    assert done.returncode == 2
    assert "it offers YUYV 64x48 @ 30, 15; MJPG 2x2 to 640x480 @ 30, 15" in done.stderr


def test_a_camera_that_is_pulled_out_is_missed_and_its_frames_are_kept(
    binary: Path, camera: dict[str, str], tmp_path: Path
) -> None:
    short = {**camera, "FCN_EDGE_V4L2_DOUBLE_FRAMES": "25"}
    done = run(binary, short, "--source", f"v4l2:{tmp_path / 'camera'}", "--patience", 2,
               "--out", tmp_path / "o.mp4", "--report", tmp_path / "r.json")  # fmt: skip
    assert done.returncode == 1
    assert "the source gave no frame for 2 s" in done.stderr
    report = read_report(tmp_path / "r.json")
    assert report["frames_in"] == report["frames_out"] + report["dropped"] > 15
    assert len(read_clip(tmp_path / "o.mp4")) == report["frames_out"]


def test_a_real_camera_is_listed_and_streamed(stream: Run) -> None:
    listed = stream("--list-cameras")
    if listed.returncode == 1 and "no V4L2 camera" in listed.stderr:
        pytest.skip("no V4L2 camera here; with rights to load modules: modprobe vivid")
    assert listed.returncode == 0, listed.stderr
    path = listed.stdout.split(":")[0]
    done = stream("golden", "--source", path, "--limit", 10)
    assert done.returncode == 0, done.stderr
