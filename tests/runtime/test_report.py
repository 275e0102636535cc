"""Counts, percentiles and outputs of a run."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np

from tests.runtime.conftest import GOLDEN, Run, pictures, read_clip, read_report, write_clip

STAGES = ["capture", "queue", "infer", "post", "sink", "total"]


def test_report_of_a_clip_counts_every_frame_and_has_the_contracts_keys(stream: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", pictures(12, (72, 96), seed=1))
    done = stream("golden", "--source", clip, "--loop", 10, "--report", tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    report = read_report(tmp_path / "r.json")
    assert (report["frames_in"], report["frames_out"], report["dropped"]) == (120, 120, 0)
    assert sorted(report["latency_ms"]) == sorted(STAGES)
    for stage in STAGES:
        assert sorted(report["latency_ms"][stage]) == ["max", "p50", "p90", "p99", "p999"]
        assert report["latency_ms"][stage]["p999"] is None  # 120 frames cannot tell
    assert report["fps"] > 0
    assert report["device"]["cores"] >= 1
    assert "few_samples" in [warning["type"] for warning in report["warnings"]]
    assert all(set(warning) == {"type", "message", "remedy"} for warning in report["warnings"])


def test_percentiles_equal_those_of_the_raw_samples(stream: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", pictures(10, (72, 96), seed=2))
    stream("golden", "--source", clip, "--loop", 0, "--limit", 1000, "--warmup", 7, "--raw-samples",
           "--report", tmp_path / "r.json")  # fmt: skip
    report = read_report(tmp_path / "r.json")
    assert report["frames_out"] == 1007
    for stage in STAGES:
        samples = np.array(report["samples_ms"][stage])
        assert len(samples) == report["frames_measured"] == 1000
        for name, fraction in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)]:
            expected = np.quantile(samples, fraction, method="inverted_cdf")
            assert abs(report["latency_ms"][stage][name] - expected) <= 0.001 * expected + 1e-4
        assert abs(report["latency_ms"][stage]["max"] - samples.max()) < 1e-4


def test_report_goes_to_stdout_as_the_only_thing_there(stream: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", pictures(3, (72, 96), seed=1))
    assert json.loads(stream("golden", "--source", clip, "--report", "-").stdout)["frames_out"] == 3


def test_overlay_video_has_every_frame_at_the_sources_size_and_rate(stream: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", pictures(15, (90, 150), seed=6), fps=12.0)
    done = stream("golden", "--source", clip, "--out", tmp_path / "deep" / "overlay.mp4")
    assert done.returncode == 0, done.stderr
    frames = read_clip(tmp_path / "deep" / "overlay.mp4")
    assert len(frames) == 15
    assert frames[0].shape == (90, 150, 3)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["overlay.mp4"]


def test_alpha_zero_leaves_the_picture_as_it_was(stream: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 5 * pictures(1, (96, 128), seed=8))
    stream("golden", "--source", clip, "--out", tmp_path / "plain.mp4", "--alpha", 0)
    stream("golden", "--source", clip, "--out", tmp_path / "painted.mp4", "--alpha", 1)
    # the upper quarter, above the legend
    source, plain, painted = (read_clip(path)[2].astype(int)[:24] for path in
                              (clip, tmp_path / "plain.mp4", tmp_path / "painted.mp4"))  # fmt: skip
    assert np.abs(source - plain).mean() < 4  # two lossy codecs
    assert np.abs(source - painted).mean() > 20


def test_sigterm_leaves_a_playable_video_and_a_complete_report(
    binary: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", pictures(10, (72, 96), seed=1))
    video, report, masks = tmp_path / "o.mp4", tmp_path / "r.json", tmp_path / "masks"
    words = [GOLDEN, "--source", clip, "--loop", 0, "--out", video, "--masks", masks, "--report", report]
    process = subprocess.Popen([binary, *map(str, words)], env=environment, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while len(list(masks.glob("0*.png"))) < 30 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    frames = read_report(report)["frames_out"]
    assert frames >= 30
    assert len(read_clip(video)) == frames
    assert len(list(masks.iterdir())) == frames
