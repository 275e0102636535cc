"""Where results go: links, devices, pipes, a stdout that takes nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.runtime.conftest import GOLDEN, Run, pictures, read_clip, read_report, write_clip

FAILURE, MISUSE = 1, 2


def errors_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    lines = done.stderr.splitlines()
    return [line for line in lines if not re.match(r"fcn-edge-stream: (info|warning): ", line)]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", pictures(3, (72, 96), seed=1))


def run_shell(binary: Path, environment: dict[str, str], words: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-c", f'"{binary}" {words}']
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("option", ["--report", "--areas", "--out"])
def test_a_device_is_written_through_and_stays(stream: Run, clip: Path, option: str) -> None:
    before = Path("/dev/null").stat()
    link = clip.parent / "nothing"
    link.symlink_to("/dev/null")
    done = stream("golden", "--source", clip, option, link)
    assert done.returncode == 0, done.stderr
    assert link.is_symlink()
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert Path("/dev/null").stat().st_ino == before.st_ino


def test_a_full_device_is_a_failure(stream: Run, clip: Path) -> None:
    link = clip.parent / "full"
    link.symlink_to("/dev/full")
    done = stream("golden", "--source", clip, "--report", link)
    assert done.returncode == FAILURE
    assert len(errors_of(done)) == 1
    assert "No space left" in errors_of(done)[0]


def test_a_named_pipe_gets_the_report(stream: Run, clip: Path) -> None:
    pipe = clip.parent / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    done = stream("golden", "--source", clip, "--report", pipe)
    reader.join(20)
    assert done.returncode == 0, done.stderr
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert json.loads(got[0])["frames_out"] == 3


def test_a_process_substitution_gets_the_report(
    binary: Path, environment: dict[str, str], clip: Path
) -> None:
    copy = clip.parent / "copy.json"
    done = run_shell(
        binary, environment, f'"{GOLDEN}" --source "{clip}" --report >(cat > "{copy}") && sleep 0.3'
    )
    assert done.returncode == 0, done.stderr
    assert read_report(copy)["frames_out"] == 3


def test_a_linked_report_and_video_go_where_the_links_lead(stream: Run, clip: Path) -> None:
    there = clip.parent / "there"
    there.mkdir()
    for name in ("r.json", "o.mp4"):
        (clip.parent / name).symlink_to(there / name)
    done = stream("golden", "--source", clip, "--report", clip.parent / "r.json",
                  "--out", clip.parent / "o.mp4")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (clip.parent / "r.json").is_symlink()
    assert (clip.parent / "o.mp4").is_symlink()
    assert sorted(path.name for path in there.iterdir()) == ["o.mp4", "r.json"]
    assert read_report(there / "r.json")["frames_out"] == 3


@pytest.mark.parametrize("stdout", ["> /dev/full", ">&-"])
@pytest.mark.parametrize(
    "words",
    ["--report -", "--areas -", "--masks-stream raw", "--masks-stream rle", "--help", "--version"],
)
def test_a_stdout_that_takes_nothing_is_a_failure(
    binary: Path, environment: dict[str, str], clip: Path, words: str, stdout: str
) -> None:
    before = clip.read_bytes()
    done = run_shell(binary, environment, f'"{GOLDEN}" --source "{clip}" {words} {stdout}')
    assert done.returncode == FAILURE, done.stderr
    assert len(errors_of(done)) == 1, done.stderr
    assert re.search("cannot write .*stdout", errors_of(done)[0])
    assert clip.read_bytes() == before


def test_no_file_takes_the_number_of_a_closed_stdout(
    binary: Path, environment: dict[str, str], clip: Path
) -> None:
    areas = clip.parent / "areas.jsonl"
    words = f'"{GOLDEN}" --source "{clip}" --areas "{areas}" --report - <&- >&- 2> /dev/null'
    assert run_shell(binary, environment, words).returncode == FAILURE
    assert [json.loads(line)["frame"] for line in areas.read_text().splitlines()] == [0, 1, 2]


def refused(done: subprocess.CompletedProcess[str], says: str) -> None:
    assert done.returncode == MISUSE, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert re.search(says, done.stderr), done.stderr


@pytest.mark.parametrize("option", ["--out", "--report", "--areas"])
@pytest.mark.parametrize("way", ["itself", "link", "hard link", "detour"])
def test_an_output_that_is_the_source_is_refused(stream: Run, clip: Path, option: str, way: str) -> None:
    other = clip.parent / "other.mp4"
    if way == "link":
        other.symlink_to("clip.mp4")
    elif way == "hard link":
        other.hardlink_to(clip)
    elif way == "detour":
        (clip.parent / "deep").mkdir()
        other = clip.parent / "deep" / ".." / "clip.mp4"
    before = clip.read_bytes()
    output = clip if way == "itself" else other
    refused(stream("golden", "--source", clip, option, output), f"{option} .* would overwrite --source")
    assert clip.read_bytes() == before


def test_a_source_folder_is_not_overwritten(stream: Run, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for i, picture in enumerate(pictures(2, (72, 96), seed=1)):
        cv2.imwrite(str(images / f"{i}.png"), picture)
    before = {path.name: path.read_bytes() for path in images.iterdir()}
    (tmp_path / "same").symlink_to(images)
    refused(stream("golden", "--source", images, "--masks", tmp_path / "same"), "--masks .* would overwrite")
    refused(stream("golden", "--source", images, "--report", images / "1.png"), "--report .* would overwrite")
    refused(stream("golden", "--source", images / "1.png", "--masks", images), "--masks .* would overwrite")
    assert {path.name: path.read_bytes() for path in images.iterdir()} == before
    done = stream("golden", "--source", images, "--masks", images / "masks", "--report", images / "r.json")
    assert done.returncode == 0, done.stderr


def test_numbered_outputs_are_compared_too(stream: Run, clip: Path) -> None:
    second = write_clip(clip.parent / "o-1.mp4", pictures(3, (72, 96), seed=2))
    done = stream("golden", "--source", clip, "--source", second, "--out", clip.parent / "o.mp4")
    refused(done, r"--out .*o-1\.mp4 would overwrite --source")


def test_the_bundle_and_other_outputs_are_not_overwritten(stream: Run, clip: Path) -> None:
    bundle = clip.parent / "tiny.fcne"
    shutil.copytree(GOLDEN, bundle)
    for option, name in (("--report", "manifest.json"), ("--masks", "golden"), ("--out", "new/o.mp4")):
        refused(stream(bundle, "--source", clip, option, bundle / name), f"{option} .* lies in the bundle")
    report = clip.parent / "r.json"
    refused(stream("golden", "--source", clip, "--report", report, "--areas", report), "are both")
    refused(stream("golden", "--source", clip, "--out", clip.parent), "is a folder")
    done = stream("golden", "--source", clip, "--report", "/dev/null", "--areas", "/dev/null")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["o.gif", "o.webm", "o.ogv", "o.flv", "o", "o.mp3", "o.ts", "o.mpg"])
def test_a_kind_of_video_that_is_not_written_is_one_line(stream: Run, clip: Path, name: str) -> None:
    refused(stream("golden", "--source", clip, "--out", clip.parent / name), r"give a name ending in \.mp4, ")
    assert [path.name for path in clip.parent.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("name", ["o.mp4", "o.MKV", "o.mov", "o.avi", "o.m4v", "o.3gp", "o.wmv"])
def test_nobody_elses_lines_stand_beside_a_video(stream: Run, clip: Path, name: str) -> None:
    done = stream("golden", "--source", clip, "--out", clip.parent / name)
    assert done.returncode == 0, done.stderr
    assert errors_of(done) == []
    assert len(read_clip(clip.parent / name)) == 3


@pytest.mark.parametrize("size", [(359, 639), (360, 639), (359, 640)])
def test_pictures_of_odd_sizes_lose_no_row_or_column(
    stream: Run, tmp_path: Path, size: tuple[int, int]
) -> None:
    height, width = size
    picture = np.full((height, width, 3), 40, np.uint8)
    picture[-8:] = picture[:, -8:] = 220
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), picture)
    done = stream("golden", "--source", tmp_path / "images", "--out", tmp_path / "o.mp4", "--alpha", 0)
    assert done.returncode == 0, done.stderr
    (frame,) = read_clip(tmp_path / "o.mp4")
    assert frame.shape == (height + height % 2, width + width % 2, 3)
    assert frame[-9 - height % 2 :, 480].mean(axis=-1).astype(int) == pytest.approx(
        [40] + (8 + height % 2) * [220], abs=25
    )
    assert frame[10, -1].mean() > 195


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_an_output_that_a_pipeline_reads_is_refused(stream: Run, clip: Path, quote: str) -> None:
    before = clip.read_bytes()
    pipeline = f"filesrc location={quote}{clip}{quote} ! decodebin ! videoconvert ! appsink"
    refused(stream("golden", "--source", pipeline, "--out", clip), "would overwrite --source")
    assert clip.read_bytes() == before


@pytest.mark.parametrize("way", ["link", "hard link"])
def test_a_mask_that_would_go_into_a_picture_of_the_source_is_refused(
    stream: Run, tmp_path: Path, way: str
) -> None:
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    for name, picture in zip(("a.png", "b.png"), pictures(2, (48, 64), 0), strict=True):
        cv2.imwrite(str(images / name), picture)
    before = (images / "b.png").read_bytes()
    if way == "link":
        (masks / "a.png").symlink_to(images / "b.png")
    else:
        (masks / "a.png").hardlink_to(images / "b.png")
    refused(stream("golden", "--source", images, "--masks", masks), "--masks .* would overwrite --source")
    assert (images / "b.png").read_bytes() == before


def test_a_named_pipe_is_no_recording(stream: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "v.mp4")
    refused(stream("golden", "--source", tmp_path / "v.mp4"), r"v\.mp4 is a named pipe, .*--source raw:")
