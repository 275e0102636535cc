"""Several sources in one process: each gets its turn, its counts and its files."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

import fcn_edge
from tests.runtime.conftest import GOLDEN, Run, pictures, read_clip, read_report, write_clip
from tests.runtime.test_live_page import read_pictures, serving


def test_sources_that_want_more_than_the_engine_gives_get_equal_shares(stream: Run, tmp_path: Path) -> None:
    rates = (2000, 1500, 1000)
    sources = [word for rate in rates for word in ("--source", f"test:320x240@{rate}")]
    # --masks slows every frame down, so that no source gets all it wants
    done = stream(
        "golden", *sources, "--seconds", 3, "--masks", tmp_path / "m", "--report", tmp_path / "r.json"
    )
    assert done.returncode == 0, done.stderr
    report = read_report(tmp_path / "r.json")
    each = report["sources"]
    assert [one["source"] for one in each] == [f"test:320x240@{rate}" for rate in rates]
    for key in ("frames_in", "frames_out", "dropped"):
        assert report[key] == sum(one[key] for one in each)
    for index, one in enumerate(each):
        assert one["frames_in"] == one["frames_out"] + one["dropped"]
        assert (one["coded"]["out_of_order"], one["coded"]["unreadable"]) == (0, 0)
        assert one["coded"]["read"] == one["frames_out"] == len(list((tmp_path / "m" / str(index)).iterdir()))
    shares = [one["frames_out"] for one in each if one["drops"]["superseded"] > 0.2 * one["frames_in"]]
    print("frames of those that got less than they gave:", shares)
    assert not shares or max(shares) - min(shares) <= 0.1 * max(shares) + 3


def test_every_source_has_its_own_files_and_python_gives_the_same_masks(stream: Run, tmp_path: Path) -> None:
    sizes = [(90, 150), (72, 96)]
    clips = [
        write_clip(tmp_path / f"clip{index}.mp4", pictures(8 + 4 * index, size, seed=index))
        for index, size in enumerate(sizes)
    ]
    done = stream("golden", "--source", clips[0], "--source", clips[1], "--out", tmp_path / "o.mp4",
                  "--masks", tmp_path / "masks", "--areas", tmp_path / "areas.jsonl")  # fmt: skip
    assert done.returncode == 0, done.stderr
    segment = fcn_edge.open(GOLDEN)
    for index, clip in enumerate(clips):
        frames = read_clip(clip)
        assert [frame.shape for frame in read_clip(tmp_path / f"o-{index}.mp4")] == [
            frame.shape for frame in frames
        ]
        for number, frame in enumerate(frames):
            mask = cv2.imread(
                str(tmp_path / "masks" / str(index) / f"{number:06d}.png"), cv2.IMREAD_UNCHANGED
            )
            np.testing.assert_array_equal(mask, segment(frame))
    lines = [json.loads(line) for line in (tmp_path / "areas.jsonl").read_text().splitlines()]
    assert [line["source"] for line in lines] == 8 * [0, 1] + 4 * [1]


def test_a_source_that_breaks_does_not_stop_the_others(stream: Run, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), pictures(1, (40, 40), 0)[0])
    (tmp_path / "images" / "b.png").write_bytes((tmp_path / "images" / "a.png").read_bytes()[:60])
    clip = write_clip(tmp_path / "clip.mp4", pictures(10, (72, 96), seed=1))
    done = stream("golden", "--source", tmp_path / "images", "--source", clip, "--out", tmp_path / "o.mp4",
                  "--report", tmp_path / "r.json")  # fmt: skip
    assert done.returncode == 1
    assert re.search("cannot read image .*b.png", done.stderr.splitlines()[-1])
    broken, whole = read_report(tmp_path / "r.json")["sources"]
    assert "cannot read image" in broken["failure"]
    assert (broken["frames_out"], whole["frames_out"]) == (1, 10)
    assert "failure" not in whole
    assert len(read_clip(tmp_path / "o-1.mp4")) == 10
    assert len(read_clip(tmp_path / "o-0.mp4")) == 1  # what it gave is kept


def test_the_live_page_shows_each_source(binary: Path, environment: dict[str, str]) -> None:
    with serving(binary, environment, "--source", "test:160x128@20") as (url, _):
        assert read_pictures(f"{url}/stream", 2)[0].shape == (240, 320, 3)
        assert read_pictures(f"{url}/stream?source=1", 2)[0].shape == (128, 160, 3)
        with urllib.request.urlopen(f"{url}/status.json?source=1") as answer:
            assert json.load(answer)["sources"] == ["test:320x240@30", "test:160x128@20"]
        with urllib.request.urlopen(f"{url}/metrics") as answer:
            metrics = answer.read().decode()
        for source in (0, 1):
            assert re.search(rf'^fcn_edge_frames_out_total{{source="{source}"}} \d+$', metrics, re.MULTILINE)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}/stream?source=2")


def test_cpus_bind_every_thread(stream: Run, tmp_path: Path) -> None:
    cpu = stream(
        "golden", "--source", "test:160x120", "--cpus", 0, "--limit", 20, "--report", tmp_path / "r.json"
    )
    if "there is no CPU 0" in cpu.stderr:
        pytest.skip("CPU 0 is not for this process")
    assert cpu.returncode == 0, cpu.stderr
    assert read_report(tmp_path / "r.json")["cpus"] == [0]
    assert stream("golden", "--source", "test:160x120", "--cpus", 4000).returncode == 2
