"""Folders of images: which files count, what becomes of one that cannot be read, and of two with one stem."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

import fcn_edge
from tests.runtime.conftest import GOLDEN, Run, pictures, read_clip, read_report

SUFFIXES = ("jpg", "JPEG", "png", "bmp", "webp", "tif", "TIFF")


def save(path: Path, seed: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    """Write a picture and return it as it is read back."""
    done, data = cv2.imencode(path.suffix.lower(), pictures(1, size, seed)[0])
    assert done
    path.write_bytes(data.tobytes())
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def masks_in(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.iterdir())}


def test_every_kind_of_image_is_read_and_hidden_files_are_not(stream: Run, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    frames = {suffix: save(folder / f"{suffix}.{suffix}", seed) for seed, suffix in enumerate(SUFFIXES)}
    (folder / "._jpg.jpg").write_bytes(b"\0\5\x16\7 what macOS leaves")
    save(folder / ".hidden.png", 9)
    (folder / "notes.txt").write_text("no image")
    (folder / "folder.png").mkdir()
    done = stream(
        "golden", "--source", folder, "--masks", tmp_path / "masks", "--areas", tmp_path / "a.jsonl"
    )
    assert done.returncode == 0, done.stderr
    found = masks_in(tmp_path / "masks")
    assert sorted(found) == sorted(frames)
    segment = fcn_edge.open(GOLDEN)
    for suffix, frame in frames.items():
        np.testing.assert_array_equal(found[suffix], segment(frame))


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp", "tif"])
def test_a_file_that_ends_too_early_gets_no_mask(stream: Run, tmp_path: Path, suffix: str) -> None:
    whole = tmp_path / f"whole.{suffix}"
    save(whole, 1, (120, 160))
    data = whole.read_bytes()
    for part in (0.3, 0.5, 0.75, 0.95):
        cut = tmp_path / f"cut.{suffix}"
        cut.write_bytes(data[: int(part * len(data))])
        done = stream("golden", "--source", cut, "--masks", tmp_path / "masks")
        assert done.returncode == 1, f"{part} of {len(data)} bytes"
        assert re.search(rf"error: cannot read image .*cut\.{suffix}", done.stderr.splitlines()[-1])
        assert masks_in(tmp_path / "masks") == {}


@pytest.fixture
def with_a_bad_one(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for index in range(6):
        save(folder / f"{index}.png", index)
    (folder / "3.png").write_bytes((folder / "3.png").read_bytes()[:200])
    (folder / "5.png").write_bytes(b"")
    return folder


def test_by_default_a_bad_image_stops_and_what_was_made_is_kept(
    stream: Run, tmp_path: Path, with_a_bad_one: Path
) -> None:
    done = stream("golden", "--source", with_a_bad_one, "--masks", tmp_path / "masks",
                  "--out", tmp_path / "o.mp4", "--report", tmp_path / "r.json")  # fmt: skip
    assert done.returncode == 1
    assert re.search(r"cannot read image .*3\.png: it is cut short; .*--on-bad-image skip", done.stderr)
    assert list(masks_in(tmp_path / "masks")) == ["0", "1", "2"]
    assert len(read_clip(tmp_path / "o.mp4")) == read_report(tmp_path / "r.json")["frames_out"] == 3


def test_bad_images_can_be_skipped_and_are_counted(stream: Run, tmp_path: Path, with_a_bad_one: Path) -> None:
    done = stream("golden", "--source", with_a_bad_one, "--masks", tmp_path / "masks",
                  "--on-bad-image", "skip", "--report", tmp_path / "r.json", "--loop", 2)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list(masks_in(tmp_path / "masks")) == ["0", "1", "2", "4"]
    report = read_report(tmp_path / "r.json")
    assert (report["frames_out"], report["bad_images"]) == (8, 4)
    assert "bad_images" in [warning["type"] for warning in report["warnings"]]
    assert len(re.findall(r"warning: left out .*3\.png: it is cut short", done.stderr)) == 2
    assert len(re.findall(r"warning: left out .*5\.png: it is empty", done.stderr)) == 2


def test_a_folder_of_bad_images_only_is_a_failure(stream: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    done = stream("golden", "--source", tmp_path, "--on-bad-image", "skip")
    assert done.returncode == 1
    assert "none of the 1 images can be read" in done.stderr.splitlines()[-1]


def test_two_images_of_one_stem_have_a_mask_each(stream: Run, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    frames = {
        "a": save(folder / "a.jpg", 1),
        "a.png": save(folder / "a.png", 2),
        "b": save(folder / "b.png", 3),
    }
    done = stream("golden", "--source", folder, "--masks", tmp_path / "masks")
    assert done.returncode == 0, done.stderr
    found = masks_in(tmp_path / "masks")
    segment = fcn_edge.open(GOLDEN)
    assert sorted(found) == sorted(frames)
    for name, frame in frames.items():
        np.testing.assert_array_equal(found[name], segment(frame))
    save(folder / "a.png.bmp", 4)  # its mask would be a.png.png too: it is named by its full name
    assert stream("golden", "--source", folder, "--masks", tmp_path / "m").returncode == 0
    assert sorted(masks_in(tmp_path / "m")) == ["a", "a.png", "a.png.bmp", "b"]


def test_two_folders_read_at_once_leave_stderr_as_it_was(stream: Run, tmp_path: Path) -> None:
    """Decoders are silenced for the whole process; what the program says is not."""
    sources: list[object] = []
    for name in ("left", "right"):
        folder = tmp_path / name
        folder.mkdir()
        for index in range(40):
            save(folder / f"{index:02d}.jpg", index, (96, 128))
        (folder / "99.jpg").write_bytes(b"\xff\xd8 no image \xff\xd9" * 3)
        sources += ["--source", folder]
    for _ in range(4):
        done = stream("golden", *sources, "--policy", "latest", "--on-bad-image", "skip")
        assert done.returncode == 0
        assert len(re.findall(r"left out .*99\.jpg", done.stderr)) == 2
        assert "frames in," in done.stderr.splitlines()[-1]
        assert all(line.startswith("fcn-edge-stream: ") for line in done.stderr.splitlines()), done.stderr


def test_a_folder_that_vanishes_at_run_time_is_a_failure_not_a_misuse(stream: Run, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    save(folder / "a.png", 1)
    threading.Timer(1.5, (folder / "a.png").unlink).start()
    done = stream("golden", "--source", folder, "--loop", 0, "--seconds", 20)
    assert done.returncode == 1, done.stderr
