"""The real builder of TensorRT-RTX, on a machine without a GPU."""

from __future__ import annotations

import json

import pytest

from fcn_edge.backends import tensorrt_rtx
from fcn_edge.backends.nvidia_layers import quantized_layers
from fcn_edge.ground.errors import FcnEdgeError, MisuseError

pytest.importorskip("tensorrt_rtx_bindings", reason="the optional wheels: pip install '.[tensorrt-rtx]'")


def test_every_quantized_convolution_is_an_int8_kernel(models, tmp_path) -> None:
    import onnx

    said = tensorrt_rtx.build(models["int8"], tmp_path, {})
    assert said["layers"]["int8"] == len(quantized_layers(onnx.load(models["int8"]))) == 9
    assert said["float_layers"] == ["up16", "up8"]  # the engine dequantizes transposed convolutions


def test_the_fp32_graph_has_no_int8_kernel(models, tmp_path) -> None:
    assert tensorrt_rtx.build(models["fp32"], tmp_path, {})["layers"] == {"int8": 0, "float": 11}


def test_the_engine_is_the_same_bytes_each_time(models, tmp_path) -> None:
    first = tensorrt_rtx.build(models["int8"], tmp_path / "a", {})
    second = tensorrt_rtx.build(models["int8"], tmp_path / "b", {})
    assert first == second
    engines = [tmp_path / side / first["file"] for side in "ab"]
    assert engines[0].read_bytes() == engines[1].read_bytes()


def test_the_side_file_holds_key_and_precisions(models, tmp_path) -> None:
    said = tensorrt_rtx.build(models["int8"], tmp_path, {"compute_capabilities": "sm89+86"})
    side = json.loads((tmp_path / said["file"]).with_suffix(".json").read_text())
    assert side["key"] == said["key"]
    assert side["key"]["device"] == "sm86+sm89"
    assert len(side["precision"]["int8"]) == 9


def test_turing_is_refused_because_it_computes_in_float(models, tmp_path) -> None:
    with pytest.raises(FcnEdgeError, match="runs 9 of 9 quantized convolutions in float"):
        tensorrt_rtx.build(models["int8"], tmp_path, {"compute_capabilities": "80+75"})
    assert not list(tmp_path.rglob("*.engine"))


@pytest.mark.parametrize("text", ["87", "", "80,86", "80+"])
def test_an_unknown_compute_capability_lists_the_known_ones(models, tmp_path, text: str) -> None:
    with pytest.raises(MisuseError, match="valid: 75, 80, 86, 89"):
        tensorrt_rtx.build(models["int8"], tmp_path, {"compute_capabilities": text})


def test_a_file_that_is_no_onnx_is_one_sentence(tmp_path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"not a model")
    with pytest.raises(FcnEdgeError, match=r"cannot read model\.onnx"):
        tensorrt_rtx.build(model, tmp_path, {})


def test_running_needs_a_gpu_and_says_so(models, tmp_path) -> None:
    with pytest.raises(FcnEdgeError, match=r"no NVIDIA GPU|no CUDA runtime"):
        tensorrt_rtx.open(models["int8"], tmp_path, {})
