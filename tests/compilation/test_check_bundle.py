"""A bundle is opened before compile says done; what it proves little about is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.make_golden import smooth_frames

from fcn_edge.bundle import read_bundle, write_bundle
from fcn_edge.compilation.check_bundle import drift_of, opens, warn_of_blindness
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.ground.targets import TARGETS
from fcn_edge.quantize.drift import measure

TINY = Path(__file__).parents[1] / "golden" / "tiny.fcne"
OPENVINO = TARGETS["openvino"]


def program(folder: Path, words: str, code: int) -> Path:
    """A stand-in for fcn-edge-stream that writes down its arguments, says `words` and ends with `code`."""
    path = folder / "fcn-edge-stream"
    path.write_text(f"#!/bin/sh\necho \"$@\" > {folder}/called\necho '{words}' >&2\nexit {code}\n")
    path.chmod(0o755)
    return path


def rewrite(out: Path, drift: dict[str, Any] | None, check: Any) -> Path:
    tiny = read_bundle(TINY)
    manifest = {k: v for k, v in tiny.manifest.items() if k not in ("magic", "schema", "files", "golden")}
    return write_bundle(out, manifest, tiny.model, tiny.golden(), {}, 0.98, drift=drift, check=check)


def test_the_program_self_tests_the_bundle_before_it_is_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FCN_EDGE_STREAM", str(program(tmp_path, "fcn-edge-stream: info: fine", 0)))
    out = tmp_path / "out" / "road.fcne"
    rewrite(out, None, opens(out, OPENVINO, lambda text: None))
    folder, *options = (tmp_path / "called").read_text().split()
    assert Path(folder).parent == out.parent
    assert Path(folder) != out
    assert options == ["--selftest", "--allow-ungated"]
    assert read_bundle(out).name == "tiny"


def test_what_the_program_refuses_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = Path(shutil.copytree(TINY, tmp_path / "out" / "road.fcne"))
    before = (out / "manifest.json").read_bytes()
    refusal = "fcn-edge-stream: error: drift.json has threshold 0.0"
    monkeypatch.setenv("FCN_EDGE_STREAM", str(program(tmp_path, refusal, 1)))
    with pytest.raises(FcnEdgeError, match=r"not written: fcn-edge-stream: drift\.json has threshold 0"):
        rewrite(out, None, opens(out, OPENVINO, lambda text: None))
    assert (out / "manifest.json").read_bytes() == before
    assert [entry.name for entry in out.parent.iterdir()] == ["road.fcne"]


def test_a_program_without_the_engine_is_no_fault_of_the_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    refusal = "fcn-edge-stream: error: cannot load the libtorch engine: no libfcn_edge_libtorch.so found"
    monkeypatch.setenv("FCN_EDGE_STREAM", str(program(tmp_path, refusal, 1)))
    rewrite(tmp_path / "a.fcne", None, opens(tmp_path / "a.fcne", TARGETS["torchscript"], said.append))
    assert len(said) == 1
    assert said[0].startswith("not tested by the program that ships: ")
    (tmp_path / "called").unlink()
    rewrite(tmp_path / "b.fcne", None, opens(tmp_path / "b.fcne", TARGETS["tensorrt"], said.append))
    assert not (tmp_path / "called").exists()  # no device here to run it


def test_python_refuses_statistics_that_cpp_would_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcn_edge.compilation.gate_runtime._binary", lambda: None)
    statistics = measure(smooth_frames(10))
    assert statistics is not None
    out = tmp_path / "road.fcne"
    check = opens(out, OPENVINO, lambda text: None)
    with pytest.raises(
        FcnEdgeError, match=rf"not written: {out}/drift\.json has threshold 0\.0, not between"
    ):
        rewrite(out, {**statistics.to_json(), "threshold": 0.0}, check)
    assert list(tmp_path.iterdir()) == []
    rewrite(out, statistics.to_json(), check)


def test_equal_frames_are_a_warning_and_no_statistics() -> None:
    said: list[str] = []
    assert drift_of([smooth_frames(1)[0]] * 10, said.append) is None
    assert len(said) == 1
    assert "cannot tell drift" in said[0]
    written = drift_of(smooth_frames(10), pytest.fail)
    assert written is not None
    assert json.dumps(written)


def test_a_network_that_finds_nothing_is_said_to_be_proven_only_equal() -> None:
    names, masks = ("sky", "road", "car"), [np.zeros((4, 4), np.uint8), np.ones((4, 4), np.uint8)]
    said: list[str] = []
    warn_of_blindness({"class_iou": {"sky": 0.9, "road": 0.0, "car": 0.0}}, masks, names, said.append)
    warn_of_blindness({}, [masks[1], masks[1]], names, said.append)
    assert "finds no pixel of road, car, which the labels show: the gate proves only" in said[0]
    assert said[1].startswith("every golden mask is road from edge to edge: the gate proves only")
    seen = {"class_iou": {"sky": 0.9, "road": 0.001, "car": None}}  # absent from the labels: nothing to find
    warn_of_blindness(seen, masks, names, pytest.fail)
    warn_of_blindness({}, masks, names, pytest.fail)
