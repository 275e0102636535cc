"""The benchmark driven with a stand-in for the C++ binary, whose latencies are known."""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fcn_edge.bench import bench
from fcn_edge.bench.machine import Disturbance, device_facts
from fcn_edge.bench.warnings import clock_warnings, machine_warnings, round_warnings, sample_warnings
from fcn_edge.ground.config import BenchConfig
from fcn_edge.ground.errors import FcnEdgeError, MisuseError

STAND_IN = """#!{python}
import json, os, sys
bundle, arguments = sys.argv[1], sys.argv[2:]
options = dict(zip(arguments[::1], arguments[1:] + [""]))
with open(os.environ["STAND_IN_LOG"], "a") as log:
    log.write(os.path.basename(bundle) + " " + options["--schedule"] + "\\n")
with open(os.environ["STAND_IN_LOG"] + ".cpus", "a") as log:
    log.write(str(sorted(os.sched_getaffinity(0))) + "\\n")
if "refused" in bundle:
    sys.exit("fcn-edge-stream: error: manifest.json does not match manifest.sha256")
frames = int(options["--limit"])
base = 20.0 if "fp32" in bundle else 10.0
stage = {{"capture": 1.0, "queue": 0.0, "infer": base, "post": 0.5, "sink": 0.5}}
samples = {{name: [value + 0.001 * i for i in range(frames)] for name, value in stage.items()}}
samples["total"] = [sum(one) - 1.0 for one in zip(*samples.values())]
warnings = [{{"type": "few_samples", "message": "few", "remedy": "more"}},
            {{"type": "unsteady_latency", "message": "unsteady", "remedy": "steady it"}}]
json.dump({{"frames_in": frames, "frames_out": frames, "dropped": 0, "fps": 1000.0 / base, "latency_ms": {{}},
           "device": {{}}, "warnings": warnings, "start_ms": 200.0, "rss_mb": 90.0, "samples_ms": samples}},
          open(options["--report"], "w"))
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the stand-in and return its log: one line a run."""
    binary, log = tmp_path / "stand-in", tmp_path / "log"
    binary.write_text(STAND_IN.format(python=sys.executable))
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    log.touch()
    monkeypatch.setenv("FCN_EDGE_STREAM", str(binary))
    monkeypatch.setenv("STAND_IN_LOG", str(log))
    return log


def make_bundle(folder: Path, name: str, classes: tuple[str, ...] = ("road", "sky"), height: int = 8) -> Path:
    bundle = folder / f"{name}.fcne"
    (bundle / "golden").mkdir(parents=True)
    cv2.imwrite(str(bundle / "golden/000.png"), np.zeros((8, 12, 3), np.uint8))
    manifest = {
        "magic": "fcn-edge-bundle", "schema": [1, 0], "name": name, "target": "openvino", "precision": "int8",
        "classes": [{"name": one, "color": [0, 0, 0]} for one in classes],
        "input": {"height": height, "width": 12}, "golden": {"frames": [{"frame": "golden/000.png"}]},
        "gate": {"verdict": "pass"},
    }  # fmt: skip
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    return bundle


QUICK = BenchConfig(rounds=3, frames=120, cooldown_s=0.0)


def test_bundles_take_turns_and_every_sample_is_kept(tmp_path: Path, stand_in: Path) -> None:
    result = bench([make_bundle(tmp_path, "int8"), make_bundle(tmp_path, "fp32")], QUICK).to_json()
    turns = ["int8.fcne latency", "fp32.fcne latency"] * 3 + ["int8.fcne throughput", "fp32.fcne throughput"]
    assert stand_in.read_text().splitlines() == turns
    first, second = result["bundles"]
    assert [len(one["samples_ms"]["total"]) for one in first["rounds"]] == [120, 120, 120]
    assert first["frames_out"] == 360
    assert first["latency_ms"]["infer"]["p50"] == pytest.approx(10.059)
    assert second["latency_ms"]["infer"]["p50"] == pytest.approx(20.059)
    assert result["latency_ms"] == first["latency_ms"], "the first bundle's numbers stand on top"


def test_the_keys_that_outside_tools_read_are_there(tmp_path: Path, stand_in: Path) -> None:
    result = bench([make_bundle(tmp_path, "int8")], QUICK).to_json()
    assert {"frames_in", "frames_out", "dropped", "fps", "latency_ms", "device", "warnings"} <= set(result)
    for stage in ("capture", "queue", "infer", "post", "sink", "total"):
        assert {"p50", "p90", "p99", "p999", "max"} <= set(result["latency_ms"][stage])
    json.dumps(result, allow_nan=False)


def test_a_percentile_without_enough_samples_is_null_with_a_remedy(tmp_path: Path, stand_in: Path) -> None:
    result = bench(
        [make_bundle(tmp_path, "int8")], BenchConfig(rounds=1, frames=50, cooldown_s=0.0)
    ).to_json()
    assert result["latency_ms"]["total"]["p99"] is None
    assert result["latency_ms"]["total"]["p90"] is not None
    few = [one for one in result["warnings"] if one["type"] == "too_few_samples"]
    assert [one["message"].split(": ")[0][len("too few frames for ") :] for one in few] == ["p99", "p99.9"]
    assert all("--frames" in one["remedy"] for one in few)


def test_bundles_of_different_classes_are_not_compared(tmp_path: Path, stand_in: Path) -> None:
    other = make_bundle(tmp_path, "other", classes=("road", "sky", "tree"))
    with pytest.raises(MisuseError, match=r"other classes than .*other.fcne has 3 classes, .* has 2"):
        bench([make_bundle(tmp_path, "int8"), other], QUICK)
    assert stand_in.read_text() == "", "refused before anything was run"


def test_bundles_of_different_sizes_need_a_source_that_both_are_to_see(
    tmp_path: Path, stand_in: Path
) -> None:
    pair = [make_bundle(tmp_path, "small"), make_bundle(tmp_path, "large", height=16)]
    with pytest.raises(MisuseError, match=r"large\.fcne takes frames of 16x12 and small\.fcne 8x12.*golden"):
        bench(pair, QUICK)
    assert stand_in.read_text() == "", "refused before anything was run"
    given = replace(QUICK, rounds=1, source=pair[0] / "golden")
    assert len(bench(pair, given).to_json()["bundles"]) == 2
    with pytest.raises(MisuseError, match="other runtimes run at one size"):
        bench(pair, replace(given, against=("torch",), checkpoint="zoo:road"))


def test_everything_measured_is_bound_to_the_processors_asked_for(tmp_path: Path, stand_in: Path) -> None:
    allowed = os.sched_getaffinity(0)
    cpu = max(allowed)
    result = bench([make_bundle(tmp_path, "int8")], replace(QUICK, rounds=1, cpus=(cpu,))).to_json()
    assert set(Path(f"{stand_in}.cpus").read_text().splitlines()) == {f"[{cpu}]"}
    assert (result["device"]["cores"], result["method"]["cpus"]) == (1, [cpu])
    assert os.sched_getaffinity(0) == allowed, "and given back"


def test_a_processor_that_is_not_there_is_named_with_those_that_are(tmp_path: Path, stand_in: Path) -> None:
    with pytest.raises(MisuseError, match="--cpus names processor 4096"):
        bench([make_bundle(tmp_path, "int8")], replace(QUICK, cpus=(4096,)))


def test_a_folder_without_frames_is_refused_before_anything_runs(tmp_path: Path, stand_in: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(FcnEdgeError, match="nothing holds no image"):
        bench([make_bundle(tmp_path, "int8")], replace(QUICK, source=tmp_path / "nothing"))
    assert stand_in.read_text() == ""


def test_zero_frames_are_refused() -> None:
    with pytest.raises(MisuseError, match="--frames is 0"):
        BenchConfig(frames=0)


def test_a_clock_too_coarse_for_the_latency_is_told() -> None:
    assert clock_warnings("road", [[5.0] * 10], step_ms=1e-6) == []
    (told,) = clock_warnings("road", [[5.0] * 10], step_ms=1.0)
    assert told.to_json()["type"] == "coarse_clock"


def test_bundles_of_the_same_name_are_not_compared(tmp_path: Path, stand_in: Path) -> None:
    with pytest.raises(MisuseError, match="two bundles are called a"):
        bench([make_bundle(tmp_path / "x", "a"), make_bundle(tmp_path / "y", "a")], QUICK)


def test_what_the_runtime_refuses_is_one_sentence(tmp_path: Path, stand_in: Path) -> None:
    with pytest.raises(
        FcnEdgeError, match=r"^fcn-edge-stream: manifest.json does not match manifest.sha256$"
    ):
        bench([make_bundle(tmp_path, "refused")], QUICK)


@pytest.mark.parametrize("what", ["nothing", "empty", "foreign"])
def test_what_is_not_a_bundle_is_named(tmp_path: Path, stand_in: Path, what: str) -> None:
    path = tmp_path / what
    if what != "nothing":
        path.mkdir()
    if what == "foreign":
        (path / "manifest.json").write_text('{"magic": "something else"}')
    with pytest.raises(FcnEdgeError, match=what):
        bench([path], QUICK)


def test_a_missing_clip_is_named(tmp_path: Path, stand_in: Path) -> None:
    with pytest.raises(FcnEdgeError, match=r"no such clip or folder: .*absent\.mp4"):
        bench([make_bundle(tmp_path, "int8")], BenchConfig(source=tmp_path / "absent.mp4"))


def test_a_missing_binary_says_how_to_build_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FCN_EDGE_STREAM", str(tmp_path / "absent"))
    with pytest.raises(FcnEdgeError, match="FCN_EDGE_STREAM"):
        bench([make_bundle(tmp_path, "int8")], QUICK)


def test_a_short_warm_up_is_noticed() -> None:
    found = round_warnings("road", [[30.0] * 10, [20.0] * 10, [20.5] * 10])
    assert [type(one).__name__ for one in found] == ["SlowFirstRound"]
    assert "1.50 times" in found[0].to_json()["message"]


def test_steady_rounds_give_no_warning() -> None:
    assert round_warnings("road", [[20.0] * 10, [20.4] * 10, [19.9] * 10]) == []
    assert sample_warnings(1000) == []
    assert machine_warnings(Disturbance(steal=0.0, busy_others=0.02, throttled=0), "performance") == []


def test_each_disturbance_of_the_machine_has_its_warning() -> None:
    seen = Disturbance(steal=0.05, busy_others=0.4, throttled=3)
    kinds = [type(one).__name__ for one in machine_warnings(seen, "powersave")]
    assert kinds == ["StolenTime", "BusyMachine", "Throttled", "PowerSaving"]
    assert all(one.to_json()["remedy"] for one in machine_warnings(seen, "powersave"))


def test_device_facts_name_the_processor_and_its_cores() -> None:
    facts = device_facts()
    assert facts["cpu"]
    assert facts["cores"] >= 1
    assert facts["versions"]["python"]
    json.dumps(facts, allow_nan=False)


def test_the_runtimes_own_warnings_are_told_once_and_not_those_about_a_single_round(
    tmp_path: Path, stand_in: Path
) -> None:
    result = bench([make_bundle(tmp_path, "int8")], QUICK).to_json()
    told = [one for one in result["warnings"] if one["type"] in ("few_samples", "unsteady_latency")]
    assert told == [{"type": "unsteady_latency", "message": "int8: unsteady", "remedy": "steady it"}]
