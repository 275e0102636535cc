"""What compile does with the transposed convolutions, and what the bundle says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import onnx
import pytest
import torch
from golden.make_golden import smooth_frames
from surgery.nets import tiny_fcn

import fcn_edge.compilation.compile
from fcn_edge.bundle import read_bundle
from fcn_edge.compilation.compile import compile_checkpoint, operate
from fcn_edge.compilation.start import start
from fcn_edge.data import Classes
from fcn_edge.ground.config import CompileConfig
from fcn_edge.models.upsample import SubpixelConv2d
from fcn_edge.surgery.fidelity import Measurement
from fcn_edge.train.checkpoint import save_checkpoint

SIZE = (40, 56)
CLASSES = Classes(("sky", "road", "car"), ((128, 128, 128), (128, 64, 128), (64, 0, 128)))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Frames without masks."""
    root = tmp_path_factory.mktemp("data")
    for split, seed in (("train", 0), ("val", 1)):
        (root / split).mkdir()
        for index, frame in enumerate(smooth_frames(16, seed, SIZE)):
            cv2.imwrite(str(root / split / f"{index:03d}.png"), frame)
    (root / "classes.json").write_text(json.dumps({"classes": CLASSES.to_json(), "void_id": 255}))
    return f"camvid:{root}"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("run")
    save_checkpoint(folder, tiny_fcn(), CLASSES, {})
    return str(folder)


def config(checkpoint: str, out: Path, data: str, **changes: Any) -> CompileConfig:
    loose = {"max_drop": 1.0, "max_class_drop": 1.0, "min_agreement": 0.0, "labelled": False}
    return CompileConfig(checkpoint, out, data=data, calibration_count=16, **{**loose, **changes})


class PrefersSubpixel:
    """A measure that runs nothing: every network is as good as the original, sub-pixel ones are faster."""

    def __init__(self, *given: Any) -> None: ...

    def __call__(self, stand_ins: Mapping[str, torch.nn.Module]) -> Measurement:
        exact = sum(isinstance(module, SubpixelConv2d) for module in stand_ins.values())
        return Measurement(agreement=1.0, sqnr_db=40.0, latency_ms=10.0 - exact)


def test_bundle_ships_what_was_chosen_and_carries_the_table(
    checkpoint: str, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcn_edge.compilation.compile, "TargetMeasure", PrefersSubpixel)
    compile_checkpoint(config(checkpoint, tmp_path / "road.fcne", data, int8=True, limit=2))
    bundle = read_bundle(tmp_path / "road.fcne")
    assert "evidence/surgery.json" in bundle.manifest["files"]
    table = json.loads((tmp_path / "road.fcne" / "evidence" / "surgery.json").read_text())
    assert [(layer["name"], layer["chosen"]) for layer in table["layers"]] == [
        ("up.16", "subpixel"), ("up.8", "subpixel"), ("final", "subpixel"),
    ]  # fmt: skip
    for layer in table["layers"]:
        assert "faster" in layer["why"]
        assert [c["kind"] for c in layer["candidates"]] == ["keep", "subpixel", "bilinear", "resize-conv"]
    nodes = [node.op_type for node in onnx.load(tmp_path / "road.fcne" / "model.onnx").graph.node]
    assert nodes.count("DepthToSpace") == 3
    assert "ConvTranspose" not in nodes


def test_float_compilation_with_a_lossy_kind_fits_it_to_the_data(
    checkpoint: str, data: str, tmp_path: Path
) -> None:
    build = start(config(checkpoint, tmp_path / "road.fcne", data, upsample="resize-conv"), tmp_path, print)
    assert operate(build, None)
    table = build.evidence["surgery"]
    rows = [c for layer in table["layers"] for c in layer["candidates"] if c["kind"] == "resize-conv"]
    assert all(row["layer_sqnr_db"] >= row["kernel_sqnr_db"] for row in rows)
    assert any(row["layer_sqnr_db"] > row["kernel_sqnr_db"] + 1 for row in rows)
    assert table["recovery"]["after"]["agreement"] >= table["recovery"]["before"]["agreement"]


def test_float_compilation_without_data_says_that_a_lossy_kind_is_fitted_to_the_kernels(
    checkpoint: str, tmp_path: Path
) -> None:
    wanted = CompileConfig(checkpoint, tmp_path / "road.fcne", size=SIZE, upsample="resize-conv")
    build = start(wanted, tmp_path, print)
    assert operate(build, None)
    assert "--upsample resize-conv is fitted to the kernels alone" in build.warnings[0]
