from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from fcn_edge.backends import onnxruntime
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.half import SMALLEST, to_half
from fcn_edge.quantize.lint import lint
from fcn_edge.quantize.qdq import quantize_onnx
from fcn_edge.quantize.recipe import Recipe

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
SIZE = (48, 64)


def frames(count: int, seed: int) -> list[np.ndarray]:
    import cv2

    coarse = np.random.default_rng(seed).integers(0, 256, (count, 6, 8, 3), dtype=np.uint8)
    return [cv2.resize(image, SIZE[::-1], interpolation=cv2.INTER_CUBIC) for image in coarse]


@pytest.fixture(scope="module")
def int8(tmp_path_factory) -> Path:
    from tiny_fcn import TinyFCN

    folder = tmp_path_factory.mktemp("half")
    fp32 = export_onnx(TinyFCN(), SIZE, "mask", folder / "fp32.onnx")
    calibration = CalibrationSet(frames(8, 0), [str(i) for i in range(8)], "noise", 0, "")
    quantize_onnx(fp32, calibration, Recipe(), folder / "int8.onnx")
    return folder / "int8.onnx"


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_no_tensor_stays_float32_but_the_scales_of_resize(int8) -> None:
    model = onnx.load(int8)
    to_half(model)
    inferred = onnx.shape_inference.infer_shapes(model)
    kinds = {value.type.tensor_type.elem_type for value in inferred.graph.value_info}
    assert TensorProto.FLOAT not in kinds
    assert TensorProto.FLOAT16 in kinds
    resize = next(node for node in model.graph.node if node.op_type == "Resize")
    assert constants(model)[resize.input[2]].dtype == np.float32


def test_the_int8_weights_and_the_linter_s_verdict_do_not_change(int8) -> None:
    before, after = onnx.load(int8), onnx.load(int8)
    to_half(after)
    weights = {name for name, value in constants(before).items() if value.dtype == np.int8}
    assert all(np.array_equal(constants(before)[name], constants(after)[name]) for name in weights)
    assert lint(before) == lint(after) == []


def test_masks_stay_the_same_but_for_near_ties(int8, tmp_path) -> None:
    model = onnx.load(int8)
    to_half(model)
    onnx.save(model, tmp_path / "half.onnx")
    exact = {"optimize": "off"}  # the oracle's mode: ONNX Runtime 1.32 fuses float16 Q/DQ pairs wrongly
    engines = [onnxruntime.open(path, None, exact) for path in (int8, tmp_path / "half.onnx")]
    same = [np.mean(engines[0].infer(frame) == engines[1].infer(frame)) for frame in frames(4, 1)]
    assert np.mean(same) >= 0.98, same


def test_a_channel_with_a_scale_below_float16_is_requantized(int8) -> None:
    model = onnx.load(int8)
    dequantizers = (node for node in model.graph.node if node.op_type == "DequantizeLinear")
    node = next(node for node in dequantizers if node.input[0].endswith("weight_q"))
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    scale = numpy_helper.to_array(tensors[node.input[1]]).copy()
    scale[0] = SMALLEST / 4
    tensors[node.input[1]].CopyFrom(numpy_helper.from_array(scale, node.input[1]))
    before = numpy_helper.to_array(tensors[node.input[0]]).astype(np.float64)
    to_half(model)
    after = constants(model)
    assert after[node.input[1]][0] == SMALLEST
    meant, got = before[0] * scale[0], after[node.input[0]][0] * np.float64(SMALLEST)
    assert np.abs(meant - got).max() <= SMALLEST / 2


def test_a_constant_beyond_float16_is_refused(int8) -> None:
    model = onnx.load(int8)
    bias = next(tensor for tensor in model.graph.initializer if tensor.name.endswith("bias"))
    bias.CopyFrom(numpy_helper.from_array(np.full(list(bias.dims), 1e6, np.float32), bias.name))
    with pytest.raises(FcnEdgeError, match=r"holds 1e\+06, more than float16 can"):
        to_half(model)


def test_a_graph_with_scores_is_refused(tmp_path) -> None:
    from tiny_fcn import TinyFCN

    model = onnx.load(export_onnx(TinyFCN(), SIZE, "scores", tmp_path / "scores.onnx"))
    with pytest.raises(FcnEdgeError, match="mask tail"):
        to_half(model)
