from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, numpy_helper

from fcn_edge.backends import onnxruntime
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.half import to_half
from fcn_edge.quantize.lint import lint
from fcn_edge.quantize.qdq import quantize_onnx
from fcn_edge.quantize.recipe import Recipe
from quantize.graphs import UINT8, graph, node

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


def replace(model: onnx.ModelProto, name: str, value: np.ndarray) -> None:
    next(t for t in model.graph.initializer if t.name == name).CopyFrom(numpy_helper.from_array(value, name))


# half of a subnormal step, the smallest that must not vanish; some between; the smallest normal number
TINY = [2e-8, 2.0**-25, 1e-7, 3.3e-7, 1e-5, 2.0**-16, 6e-5, 2.0**-14]


@pytest.mark.parametrize("tiny", TINY)
def test_weights_with_a_tiny_scale_stay_as_exact_as_float16_is(int8, tiny: float) -> None:
    model = onnx.load(int8)
    dequantizers = (node for node in model.graph.node if node.op_type == "DequantizeLinear")
    node = next(node for node in dequantizers if node.input[0].endswith("weight_q"))
    scale, integers = constants(model)[node.input[1]].copy(), constants(model)[node.input[0]]
    scale[0] = tiny
    replace(model, node.input[1], scale)
    to_half(model)
    after = constants(model)
    found = after[node.input[1]].astype(np.float64)
    assert tiny <= found[0] <= tiny + 2.0**-24
    meant, got = integers[0] * np.float64(scale[0]), after[node.input[0]][0] * found[0]
    # the raised scale's rounding, half a step, is all that is lost; an exact one loses nothing
    assert np.abs(meant - got).max() <= (0 if found[0] == scale[0] else found[0] / 2)
    assert np.array_equal(after[node.input[0]][1:], integers[1:])


@pytest.mark.parametrize("unsigned", [False, True], ids=["int8", "uint8"])
@pytest.mark.parametrize("tiny", TINY)
def test_activations_with_a_tiny_scale_stay_as_exact_as_float16_is(tmp_path, tiny, unsigned) -> None:
    """A frame is made as small as the scale wants, rounded, and made large again: it comes back."""
    kind, steps = (np.uint8, 255) if unsigned else (np.int8, 127)
    down, up = steps * tiny / 250, 250 / (steps * tiny)
    nodes = [node("Cast", "frame", "f", to=1), node("Mul", "f half_down", "g"), node("Mul", "g down", "x")]
    nodes += [node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z", "d")]
    nodes += [node("Mul", "d half_up", "e"), node("Mul", "e up", "r"), node("Cast", "r", "y", to=UINT8)]
    values = {"half_down": 2.0**-10, "down": down * 2**10, "half_up": 2.0**12, "up": up / 2**12, "s": tiny}
    made = {name: np.array(value, np.float32) for name, value in values.items()} | {"z": np.array(0, kind)}
    for number, each in enumerate(nodes):
        each.name += str(number)
    model = with_shapes(graph(nodes, made, ("frame", UINT8), ("y", UINT8), (1, 4, 8, 8)))
    to_half(model)
    scale = constants(model)["s"]
    assert scale.dtype == np.float16
    assert tiny <= scale <= tiny + 2.0**-24
    options = onnxruntime_settings()
    session = ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    frame = np.linspace(0, 245, 256).astype(np.uint8).reshape(1, 4, 8, 8)
    found = session.run(None, {"frame": frame})[0].astype(float)
    # half a step of the scale, half a step of float16 where the values are, and the last Cast cuts
    most = (float(scale) + 2.0**-24) / 2 * up + 1.5
    assert np.abs(found - frame).max() <= most


def with_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    output = model.graph.output[0].type.tensor_type.shape
    output.CopyFrom(model.graph.input[0].type.tensor_type.shape)
    return model


def onnxruntime_settings() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return options


def test_scales_shared_by_two_weights_move_both_of_them() -> None:
    integers = np.random.default_rng(1).integers(-127, 128, (2, 4, 4, 1, 1)).astype(np.int8)
    nodes = [node("Cast", "frame", "f", to=1), node("DequantizeLinear", "w0 s z", "d0", axis=0)]
    nodes += [node("DequantizeLinear", "w1 s z", "d1", axis=0), node("Conv", "f d0", "a")]
    nodes += [node("Conv", "a d1", "b"), node("Cast", "b", "y", to=UINT8)]
    scale = np.full(4, 1e-7, np.float32)
    values = {"w0": integers[0], "w1": integers[1], "s": scale, "z": np.zeros(4, np.int8)}
    model = with_shapes(graph(nodes, values, ("frame", UINT8), ("y", UINT8), (1, 4, 8, 8)))
    to_half(model)
    after = constants(model)
    assert np.array_equal(after["s"], np.full(4, 2.0**-23, np.float16))
    for name, before in zip(("w0", "w1"), integers, strict=True):
        assert np.array_equal(after[name], np.rint(before * (1e-7 / 2.0**-23)))


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
