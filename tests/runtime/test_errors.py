"""Bad input ends in one line on stderr, the documented exit code, and no half-written file."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.runtime.conftest import GOLDEN, Run, pictures, write_clip

FAILURE, MISUSE = 1, 2


def assert_one_line(done: subprocess.CompletedProcess[str], code: int, says: str) -> None:
    errors = [line for line in done.stderr.splitlines() if "info:" not in line and "warning:" not in line]
    assert done.returncode == code, done.stderr
    assert len(errors) == 1, done.stderr
    assert errors[0].startswith("fcn-edge-stream: error: ")
    assert re.search(says, errors[0]), errors[0]
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["golden", "--sorce", "0"], MISUSE, "unknown option '--sorce'; did you mean --source"),
        (["golden"], MISUSE, "no --source given"),
        ([], MISUSE, "no bundle given"),
        (["golden", "--source", "no-such-file.mp4"], MISUSE, "no such source: no-such-file.mp4"),
        (["golden", "--source", "57"], FAILURE, "there is no camera /dev/video57"),
        (["golden", "--source", "rtsp://127.0.0.1:1/x"], FAILURE, "cannot open rtsp://127.0.0.1:1/x"),
        (["golden", "--source", "x", "--policy", "newest"], MISUSE, "valid: auto.block.*latest"),
        (["golden", "--source", "x", "--alpha", "3"], MISUSE, "--alpha is outside 0 to 1"),
        (["no-such.fcne", "--selftest"], MISUSE, "no such bundle: no-such.fcne"),
        (["/usr", "--selftest"], FAILURE, "/usr is not a bundle"),
    ],
)
def test_wrong_use_is_one_line(stream: Run, words: list[str], code: int, says: str) -> None:
    assert_one_line(stream(*words), code, says)


def test_a_folder_without_images_is_one_line(stream: Run, tmp_path: Path) -> None:
    assert_one_line(stream("golden", "--source", tmp_path), MISUSE, "holds no image")


@pytest.mark.parametrize("name", ["broken.mp4", "broken.png"])
def test_a_file_that_is_no_video_or_image_is_one_line(stream: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(5000))
    done = stream(
        "golden", "--source", tmp_path / name, "--out", tmp_path / "o.mp4", "--report", tmp_path / "r.json"
    )
    assert_one_line(done, FAILURE, name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_broken_image_in_a_folder_is_named(stream: Run, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), pictures(1, (40, 40), 0)[0])
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    assert_one_line(stream("golden", "--source", tmp_path), FAILURE, "cannot read image .*b.png")


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json", "golden/000.png"])
def test_one_flipped_byte_is_refused_naming_the_file(stream: Run, tmp_path: Path, name: str) -> None:
    bundle = tmp_path / "road.fcne"
    shutil.copytree(GOLDEN, bundle)
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / name).write_bytes(data)
    assert_one_line(stream(bundle, "--selftest"), FAILURE, f"{name} does not match")


def test_a_truncated_file_is_refused_naming_the_file(stream: Run, tmp_path: Path) -> None:
    bundle = tmp_path / "road.fcne"
    shutil.copytree(GOLDEN, bundle)
    (bundle / "model.onnx").write_bytes((bundle / "model.onnx").read_bytes()[:100])
    assert_one_line(stream(bundle, "--selftest"), FAILURE, "model.onnx has 100 bytes")


@pytest.mark.parametrize("output", [["--out", "o.mp4"], ["--masks", "masks"], ["--report", "r.json"]])
def test_a_full_disk_is_one_line_and_leaves_no_half_file(
    stream: Run, tmp_path: Path, output: list[str]
) -> None:
    """A file size limit of one block stands in for a full disk: writes fail with EFBIG instead of ENOSPC."""
    noise = np.random.default_rng(0).integers(0, 256, (30, 180, 240, 3), dtype=np.uint8)
    clip = write_clip(tmp_path / "clip.mp4", list(noise))
    place = tmp_path / "out"
    place.mkdir()
    # the smallest file is a mask of 48x64 (some 300 bytes)
    limit = {"--out": 100_000, "--masks": 64, "--report": 64}[output[0]]

    def limit_file_size() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    flag, name = output
    done = stream("golden", "--source", clip, flag, place / name, preexec_fn=limit_file_size)
    assert_one_line(done, FAILURE, f"cannot write .*{name}")
    assert [path for path in place.rglob("*") if path.is_file()] == []


def test_a_place_that_cannot_be_written_is_one_line(stream: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", pictures(3, (40, 40), 0))
    (tmp_path / "file").write_text("in the way")
    for flag in ["--out", "--masks", "--report"]:
        done = stream("golden", "--source", clip, flag, tmp_path / "file" / "x.mp4")
        assert_one_line(done, FAILURE, "cannot write")


def test_a_window_without_a_screen_is_one_line(
    stream: Run, tmp_path: Path, environment: dict[str, str]
) -> None:
    environment.pop("DISPLAY", None)
    environment.pop("WAYLAND_DISPLAY", None)
    clip = write_clip(tmp_path / "clip.mp4", pictures(3, (40, 40), 0))
    assert_one_line(stream("golden", "--source", clip, "--window"), MISUSE, "--window needs a screen")


def test_a_window_on_a_screen_that_does_not_answer_is_one_line(
    binary: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", pictures(3, (40, 40), 0))
    done = subprocess.run(
        [binary, GOLDEN, "--source", clip, "--window"], env={**environment, "DISPLAY": ":77"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert_one_line(done, FAILURE, "--window cannot open a window")


def test_an_unwritable_cache_only_costs_the_cache(stream: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = stream("golden", "--selftest", "--cache-dir", tmp_path / "file" / "cache")
    assert done.returncode == 0, done.stderr
