"""Drift in the C++ program: the same numbers as Python's, one warning, and old bundles that cannot tell."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fcn_edge
from fcn_edge.bundle import read_bundle, write_bundle
from fcn_edge.compilation.check_bundle import drift_of
from tests.runtime.conftest import GOLDEN, Run, pictures, read_clip, read_report, write_clip


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden bundle, calibrated on smooth pictures."""
    golden = read_bundle(GOLDEN)
    manifest = {k: v for k, v in golden.manifest.items() if k not in ("magic", "schema", "files", "golden")}
    drift = drift_of(pictures(20, golden.size, seed=30), pytest.fail)
    out = tmp_path_factory.mktemp("drift") / "tiny.fcne"
    return write_bundle(out, manifest, golden.model, golden.golden(), {}, 0.98, drift=drift)


def run(stream: Run, bundle: Path, clip: Path, report: Path) -> tuple[dict[str, Any], str]:
    done: subprocess.CompletedProcess[str] = stream(bundle, "--source", clip, "--report", report)
    assert done.returncode == 0, done.stderr
    return read_report(report), done.stderr


def test_drift_of_a_clip_equals_pythons_and_is_said_once(stream: Run, bundle: Path, tmp_path: Path) -> None:
    frames = pictures(70, (90, 150), seed=31)
    dark = [frame if index < 12 else frame // 6 for index, frame in enumerate(frames)]
    clip = write_clip(tmp_path / "clip.mp4", dark)
    report, said = run(stream, bundle, clip, tmp_path / "r.json")
    segmenter = fcn_edge.open(bundle)
    for frame in read_clip(clip):
        segmenter(frame)
    expected = segmenter.drift
    assert expected is not None
    assert report["drift"].pop("groups") == pytest.approx(expected.pop("groups"), rel=1e-12)
    assert report["drift"] == pytest.approx(expected, rel=1e-12)
    assert report["drift"]["highest"] > report["drift"]["threshold"]
    assert said.count("has left what the bundle was calibrated on, most in light") == 1
    assert "drift" in [warning["type"] for warning in report["warnings"]]


def test_calibrated_scenes_raise_no_warning(stream: Run, bundle: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", pictures(30, (48, 64), seed=32))
    report, said = run(stream, bundle, clip, tmp_path / "r.json")
    assert report["drift"]["score"] < report["drift"]["threshold"]
    assert "calibrated" not in said


def test_a_bundle_without_statistics_runs_and_cannot_tell(stream: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", pictures(12, (48, 64), seed=33))
    assert run(stream, GOLDEN, clip, tmp_path / "r.json")[0]["drift"] is None
    assert fcn_edge.open(GOLDEN).drift is None


def test_broken_statistics_are_one_sentence(stream: Run, bundle: Path, tmp_path: Path) -> None:
    golden = read_bundle(bundle)
    manifest = {k: v for k, v in golden.manifest.items() if k not in ("magic", "schema", "files", "golden")}
    drift = json.loads((bundle / "drift.json").read_text())
    drift["groups"]["light"]["running"][0][0] = -1
    out = write_bundle(tmp_path / "b.fcne", manifest, golden.model, golden.golden(), {}, 0.98, drift=drift)
    done = stream(out, "--source", write_clip(tmp_path / "clip.mp4", [np.zeros((48, 64, 3), np.uint8)]))
    assert done.returncode == 1
    assert "drift.json has groups.light.running[0][0] -1, not between 0 and" in done.stderr
    assert len(done.stderr.splitlines()) == 1
