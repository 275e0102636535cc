"""What engines say they compute one layer of an INT8 graph in."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import onnx

from fcn_edge.backends import load_backend
from fcn_edge.ground.errors import FcnEdgeError

CAPABILITY = "86"  # one is enough: 80, 86, 89 and 120 gave the same precisions


def openvino_precision(graph: onnx.ModelProto, layer: str) -> str:
    """Return what OpenVINO runs the layer's convolution in: that of the kernel it picks.

    Its "runtimePrecision" is that of the input: a 16x16 deconvolution of stride 8 says i8 and runs a kernel
    named brgconv_avx2_f32.
    """
    import openvino as ov

    core = ov.Core()
    network = core.read_model(graph.SerializeToString())
    compiled = core.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    own = {name for node in _convolutions(graph, layer) for name in (node.name, *node.output)}
    found = set()
    for node in compiled.get_runtime_model().get_ops():
        info = node.get_rt_info()
        names = _text(info, "originalLayersNames").split(",")
        if _text(info, "layerType") in ("Convolution", "Deconvolution") and own & set(names):
            found.add("int8" if _text(info, "primitiveType").lower().endswith("i8") else "float")
    return " and ".join(sorted(found)) or "no convolution"


def tensorrt_rtx_precision(int8: Path, layer: str) -> str:
    """Return what TensorRT-RTX's builder says of the layer's convolution; it needs no GPU."""
    try:
        said = _built(int8, int8.stat().st_mtime_ns)
    except FcnEdgeError as error:
        return error.what
    own = [node.name for node in _convolutions(onnx.load(int8), layer)]
    found = {"float" if name in said["float_layers"] else "int8" for name in own}
    return " and ".join(sorted(found)) or "no convolution"


def _convolutions(graph: onnx.ModelProto, layer: str) -> list[onnx.NodeProto]:
    """Return the convolution of a layer: the layer itself, or the one in its stand-in."""
    own = (layer, f"{layer}.conv")
    return [n for n in graph.graph.node if n.op_type in ("Conv", "ConvTranspose") and n.name in own]


@cache
def _built(int8: Path, changed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        options = {"compute_capabilities": CAPABILITY}
        return dict(load_backend("tensorrt-rtx").build(int8, Path(folder), options))


def _text(info: Any, key: str) -> str:
    if key not in info:
        return ""
    value = info[key]
    return str(value.astype(str) if hasattr(value, "astype") else value)
