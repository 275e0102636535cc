"""Equalization: in float nothing changes, in INT8 small channels get their share of the steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from golden.make_golden import smooth_frames
from golden.tiny_fcn import TinyFCN
from onnx import numpy_helper

from fcn_edge.backends import load_backend
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.equalize import LARGEST, equalize, factors, groups
from fcn_edge.quantize.qdq import quantize_onnx
from fcn_edge.quantize.ranges import Observed
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.quantize.table import measure_ranges
from fcn_edge.quantize.weights import sqnr_db
from quantize.graphs import graph, node, weight

SIZE = (45, 61)  # odd: upsampled maps are cropped
FRAMES = smooth_frames(8, size=SIZE)
CALIBRATION = CalibrationSet(FRAMES, [f"{i}" for i in range(8)], "smooth noise", 0, "")


def scores(path: Path) -> np.ndarray:
    engine = load_backend("onnxruntime").open(path, None, {"optimize": "off"})
    return np.stack([engine.infer(frame) for frame in FRAMES[:3]])


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with ReLU whose BatchNorms make every fourth channel eight times as large as the others."""
    net = TinyFCN()
    for name, module in list(net.named_modules()):
        if isinstance(module, torch.nn.ReLU6):
            net.set_submodule(name, torch.nn.ReLU())
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data[::4] *= 8
    return export_onnx(net, SIZE, "scores", tmp_path_factory.mktemp("equalize") / "m.onnx")


def test_float_scores_stay_and_int8_scores_come_closer_to_them(spoilt: Path, tmp_path: Path) -> None:
    model = onnx.load(spoilt)
    scaled = equalize(model, measure_ranges(spoilt, CALIBRATION, histograms=False).seen)
    onnx.save(model, tmp_path / "equal.onnx")
    wanted = scores(spoilt)
    np.testing.assert_allclose(scores(tmp_path / "equal.onnx"), wanted, rtol=1e-3, atol=1e-4)
    assert {"backbone.0.0", "backbone.1.1.0", "up16"} <= set(scaled)
    assert max(scaled.values()) > 2
    noise = {}
    for equal in (False, True):
        recipe = Recipe("minmax", weights="full", equalize=equal)
        quantize_onnx(spoilt, CALIBRATION, recipe, tmp_path / "q.onnx")
        noise[equal] = sqnr_db(wanted, scores(tmp_path / "q.onnx"))
    assert noise[True] > noise[False] + 3, noise


def test_what_relu6_and_the_output_touch_stays(tmp_path: Path) -> None:
    fp32 = export_onnx(TinyFCN(), SIZE, "scores", tmp_path / "m.onnx")
    model = onnx.load(fp32)
    scaled = equalize(model, measure_ranges(fp32, CALIBRATION, histograms=False).seen)
    assert "backbone.0.0" not in scaled  # before ReLU6
    assert "score8" not in scaled  # the class scores themselves
    before = {t.name: numpy_helper.to_array(t) for t in onnx.load(fp32).graph.initializer}
    stem = next(t for t in model.graph.initializer if t.name == "fcn.backbone.0.0.weight")
    np.testing.assert_array_equal(numpy_helper.to_array(stem), before[stem.name])


def test_factors_make_up_for_what_a_channel_does_not_use() -> None:
    peaks = np.array([8.0, 2.0, 0.01, 0.0], np.float32)
    seen = Observed(8.0, peaks=peaks)
    np.testing.assert_allclose(factors([seen], 1.0), [1, 4, LARGEST, 1])
    np.testing.assert_allclose(factors([seen], 0.5), [1, 2, LARGEST, 1])
    other = Observed(2.0, peaks=np.array([0.5, 1.0, 2.0, 1.0], np.float32))  # tied: the larger share counts
    np.testing.assert_allclose(factors([seen, other], 1.0), [1, 2, 1, 2])


@pytest.mark.parametrize(
    ("between", "free"),
    [("Relu", True), ("Clip", False), ("Sigmoid", False), ("MaxPool", True), ("DepthToSpace", False)],
)
def test_only_operators_that_scale_with_their_input_let_a_group_be_scaled(between: str, free: bool) -> None:
    extra = {"MaxPool": {"kernel_shape": [2, 2]}, "DepthToSpace": {"blocksize": 2}}.get(between, {})
    last = weight(1, (4, 1 if between == "DepthToSpace" else 4, 3, 3))
    nodes = [
        onnx.helper.make_node("Conv", ["x", "a"], ["p"], "first"),
        node(between, "p", "q", **extra),
        onnx.helper.make_node("Conv", ["q", "b"], ["y"], "last"),
    ]
    found = {frozenset(group.tensors): group for group in groups(graph(nodes, {"a": weight(), "b": last}))}
    assert found[frozenset({"p", "q"})].free is free
    assert not found[frozenset({"x"})].free
    assert not found[frozenset({"y"})].free


def test_weights_that_two_layers_share_are_not_scaled() -> None:
    nodes = [
        onnx.helper.make_node("Conv", ["x", "a"], ["p"], "first"),
        onnx.helper.make_node("Conv", ["p", "a"], ["y"], "last"),
    ]
    assert not any(group.free for group in groups(graph(nodes, {"a": weight()})) if "p" in group.tensors)
