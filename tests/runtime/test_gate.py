"""The gate through the C++ program: its masks are judged; without it Python's are, and either is said."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from golden.make_golden import smooth_frames

import fcn_edge
from fcn_edge.bundle import read_bundle, write_bundle
from fcn_edge.compilation.check_bundle import opens
from fcn_edge.compilation.gate_runtime import shipped
from fcn_edge.data import Sample
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.ground.targets import TARGETS
from fcn_edge.quantize.drift import measure
from tests.runtime.conftest import GOLDEN

FRAMES = [*smooth_frames(6, seed=3), *smooth_frames(2, seed=4, size=(61, 90))]
DATASET: Any = [Sample(f"{index}", frame, None) for index, frame in enumerate(FRAMES)]


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A compilation that has come as far as the golden bundle's network."""
    golden = read_bundle(GOLDEN)
    manifest = {k: v for k, v in golden.manifest.items() if k not in ("magic", "schema", "files", "golden")}
    monkeypatch.setattr("fcn_edge.compilation.gate_runtime.describe", lambda *args, **words: manifest)
    (tmp_path / "engines").mkdir()
    said: list[str] = []
    return SimpleNamespace(
        open=lambda model: fcn_edge.open(GOLDEN), config=None, network=None, size=golden.size,
        target=SimpleNamespace(engine="openvino", tail="scores"), precision="int8", layers={}, engine={},
        work=tmp_path, note=said.append, warn=lambda text: said.append(f"warning: {text}"), said=said,
    )  # fmt: skip


def test_masks_of_the_program_are_judged_in_the_datas_order(build: Any, binary: Path) -> None:
    judged = shipped(build, read_bundle(GOLDEN).model, DATASET, len(FRAMES))
    assert judged.measured_by.startswith("fcn-edge-stream ")
    assert "OpenVINO" in judged.measured_by
    in_python = fcn_edge.open(GOLDEN)
    for frame in FRAMES:
        np.testing.assert_array_equal(judged.predict(frame), in_python(frame))
    assert build.said == [f"gating through {binary}"]


def test_without_the_program_python_judges_and_says_so(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Path:
        raise FcnEdgeError("not built")

    monkeypatch.delenv("FCN_EDGE_STREAM", raising=False)
    monkeypatch.setattr("fcn_edge.compilation.gate_runtime.find_stream", missing)
    judged = shipped(build, read_bundle(GOLDEN).model, DATASET, 2)
    assert judged.measured_by.startswith("openvino ")
    assert judged.measured_by.endswith(" in Python")
    assert "fcn-edge-stream is not built (`make build`)" in build.said[0]
    assert judged.predict(FRAMES[0]).shape == build.size


def test_a_program_that_cannot_run_the_bundle_is_a_warning_with_its_words(
    build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "fcn-edge-stream"
    broken.write_text("#!/bin/sh\necho 'fcn-edge-stream: error: no engine here' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("FCN_EDGE_STREAM", str(broken))
    judged = shipped(build, read_bundle(GOLDEN).model, DATASET, len(FRAMES))
    assert judged.measured_by.endswith(" in Python")
    assert build.said[-1].startswith("warning: the gate was measured in Python")
    assert build.said[-1].endswith("fcn-edge-stream: no engine here")


def test_a_wrong_path_to_the_program_is_an_error(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FCN_EDGE_STREAM", "/nowhere/fcn-edge-stream")
    with pytest.raises(FcnEdgeError, match="is not a program that can be run"):
        shipped(build, read_bundle(GOLDEN).model, DATASET, 1)


def test_a_target_without_a_device_is_judged_by_the_oracle(build: Any) -> None:
    build.target = SimpleNamespace(engine=None, tail="mask")
    assert shipped(build, read_bundle(GOLDEN).model, DATASET, 1).measured_by.endswith(" in Python")
    assert build.said == []


def test_the_finished_bundle_is_opened_by_the_program_and_what_it_refuses_is_not_written(
    binary: Path, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FCN_EDGE_STREAM", str(binary))
    monkeypatch.setenv("FCN_EDGE_CACHE", environment["FCN_EDGE_CACHE"])
    out = tmp_path / "out" / "road.fcne"
    check = opens(out, TARGETS["openvino"], pytest.fail)
    tiny = read_bundle(GOLDEN)
    manifest = {k: v for k, v in tiny.manifest.items() if k not in ("magic", "schema", "files", "golden")}
    drift = measure(FRAMES[:6])
    assert drift is not None
    write_bundle(out, manifest, tiny.model, tiny.golden(), {}, 0.98, drift=drift.to_json(), check=check)
    golden = [(frame, np.where(mask == 0, 1, 0).astype(np.uint8)) for frame, mask in tiny.golden()]
    with pytest.raises(FcnEdgeError, match=r"not written: fcn-edge-stream: self-test failed"):
        write_bundle(out, manifest, tiny.model, golden, {}, 0.98, check=check)
    assert len(read_bundle(out).golden()) == 2
    assert read_bundle(out).golden()[0][1].max() > 1
