"""The masks of the C++ program equal those of `fcn_edge.open`, pixel for pixel."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

import fcn_edge
from tests.runtime.conftest import GOLDEN, Run, pictures, read_clip, write_clip

FORMATS = [  # chroma of every kind, sizes that are no multiple of a block; 10 bits: see docs/runtime.md
    ("libx264", "yuv420p", "482x358"),
    ("libx264", "yuv422p", "66x50"),
    ("libx264", "yuv444p", "131x97"),
    ("libx264", "yuvj420p", "480x360"),
    ("mjpeg", "yuvj422p", "318x242"),
    ("ffv1", "bgr0", "161x91"),
]


def masks_in(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.glob("*.png"))}


def assert_equal_to_python(folder: Path, frames: dict[str, np.ndarray]) -> None:
    segment = fcn_edge.open(GOLDEN)
    masks = masks_in(folder)
    assert list(masks) == list(frames)
    for stem, frame in frames.items():
        np.testing.assert_array_equal(masks[stem], segment(frame), err_msg=stem)


def test_masks_of_a_folder_equal_pythons_for_frames_of_any_size(stream: Run, tmp_path: Path) -> None:
    frames = {}
    sizes = np.random.default_rng(5).integers(1, 400, (12, 2)).tolist()
    print("sizes", sizes)
    for index, size in enumerate([*sizes, [48, 64], [96, 128]]):
        frames[f"frame{index:02d}"] = pictures(1, tuple(size), seed=index)[0]
    (tmp_path / "in").mkdir()
    for stem, frame in frames.items():
        cv2.imwrite(str(tmp_path / "in" / f"{stem}.png"), frame)
    done = stream("golden", "--source", tmp_path / "in", "--masks", tmp_path / "masks")
    assert done.returncode == 0, done.stderr
    assert_equal_to_python(tmp_path / "masks", frames)


@pytest.mark.parametrize("schedule", ["latency", "throughput"])
def test_masks_of_a_clip_equal_pythons_under_every_schedule(
    stream: Run, tmp_path: Path, schedule: str
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", pictures(20, (90, 150), seed=3))
    done = stream("golden", "--source", clip, "--masks", tmp_path / "masks", "--schedule", schedule)
    assert done.returncode == 0, done.stderr
    assert_equal_to_python(tmp_path / "masks", {f"{i:06d}": frame for i, frame in enumerate(read_clip(clip))})


def test_slots_and_threads_change_no_mask(stream: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", pictures(9, (72, 96), seed=4))
    results = []
    for index, choice in enumerate([["--slots", 1], ["--slots", 5], ["--threads", 1], ["--threads", 2]]):
        folder = tmp_path / str(index)
        assert stream("golden", "--source", clip, "--masks", folder, *choice).returncode == 0
        results.append(masks_in(folder))
    for other in results[1:]:
        for stem, mask in results[0].items():
            np.testing.assert_array_equal(mask, other[stem])


def test_masks_of_the_camvid_drive_equal_pythons(stream: Run, tmp_path: Path, camvid_root: Path) -> None:
    clip = camvid_root / "val_drive.mp4"
    done = stream("golden", "--source", clip, "--masks", tmp_path / "masks", "--limit", 101)
    assert done.returncode == 0, done.stderr
    frames = read_clip(clip)
    assert len(frames) == 101
    assert_equal_to_python(tmp_path / "masks", {f"{i:06d}": frame for i, frame in enumerate(frames)})


@pytest.mark.parametrize(("codec", "pixels", "size"), FORMATS)
def test_masks_of_recordings_of_other_formats_equal_pythons(
    stream: Run, tmp_path: Path, codec: str, pixels: str, size: str
) -> None:
    clip = tmp_path / "clip.mkv"
    picture = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate=10:duration=1,noise=alls=20"]
    command = ["ffmpeg", "-v", "error", *picture, "-pix_fmt", pixels, "-c:v", codec, str(clip)]
    if shutil.which("ffmpeg") is None or subprocess.run(command, check=False).returncode:
        pytest.skip(f"no ffmpeg with {codec} here")
    done = stream("golden", "--source", clip, "--masks", tmp_path / "masks")
    assert done.returncode == 0, done.stderr
    frames = read_clip(clip)
    assert len(frames) == 10
    assert_equal_to_python(tmp_path / "masks", {f"{i:06d}": frame for i, frame in enumerate(frames)})


def test_opencv_reads_recordings_to_the_same_masks_where_the_ffmpeg_module_is_not(
    binary: Path, stream: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    """A program without libfcn_edge_ffmpeg.so beside it, as one that was built without FFmpeg's headers."""
    clip = write_clip(tmp_path / "clip.mp4", pictures(9, (90, 150), seed=6))
    assert stream("golden", "--source", clip, "--masks", tmp_path / "with").returncode == 0
    alone = tmp_path / "alone"
    alone.mkdir()
    for name in (binary.name, "libfcn_edge_media.so"):
        shutil.copy2(binary.with_name(name), alone / name)
    command = [alone / binary.name, GOLDEN, "--source", clip, "--masks", tmp_path / "without"]
    subprocess.run([*map(str, command)], env=environment, capture_output=True, check=True)
    found = masks_in(tmp_path / "without")
    assert len(found) == 9
    for stem, mask in masks_in(tmp_path / "with").items():
        np.testing.assert_array_equal(found[stem], mask)
