"""Q/DQ insertion: an fp32 frame graph becomes an INT8 one that every engine reads the same way.

Activations are int8, symmetric, one scale a tensor; weights int8, symmetric, one scale an output channel,
stored as int8; biases stay float (TensorRT refuses INT32 biases behind DequantizeLinear). Quantized are the
inputs of convolutions and both inputs of residual additions between them. The class scores stay float.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from fcn_edge.artifacts import atomic_write_bytes, sha256_file
from fcn_edge.errors import FcnEdgeError, unknown_name
from fcn_edge.quantize.bias_correction import correct_biases
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.ranges import Progress, clip_point, observe
from fcn_edge.quantize.recipe import Recipe

LAYERS = ("Conv", "ConvTranspose")  # operators with weights
# operators that change no value or only pick values: the scale of their input is the scale of their output
CARRIERS = ("MaxPool", "Slice", "DepthToSpace", "Transpose", "Reshape")


@dataclass
class QuantizeReport:
    """What was quantized and what it cost.

    ranges: tensor -> largest magnitude represented. weight_sqnr_db: layer -> signal to quantization noise
    ratio of its weights in dB.
    """

    int8_layers: list[str]
    float_layers: list[str]
    ranges: dict[str, float]
    model_sha256: str
    calibration_sha256: str
    weight_sqnr_db: dict[str, float] = field(default_factory=dict)
    bias_correction: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the record that goes into the bundle's evidence."""
        return dict(self.__dict__)


def quantize_onnx(
    fp32_onnx: Path,
    calibration: CalibrationSet,
    recipe: Recipe,
    out_onnx: Path,
    progress: Progress | None = None,
) -> QuantizeReport:
    """Write the Q/DQ form of `fp32_onnx` to `out_onnx`, with ranges measured on the calibration frames."""
    model = onnx.load(fp32_onnx)
    tensors = activations_to_quantize(model, recipe)
    if not tensors:
        raise FcnEdgeError(
            f"{fp32_onnx.name} has no convolution left to quantize", hint="keep fewer layers float"
        )
    seen = observe(model, tensors, calibration.frames, recipe.method != "minmax", progress)
    ranges = {name: clip_point(seen[name], recipe) for name in tensors}
    report = QuantizeReport(
        *_split_layers(model, recipe),
        ranges=ranges,
        model_sha256=sha256_file(fp32_onnx),
        calibration_sha256=calibration.sha256,
        notes=[f"tensor {name} is always zero" for name in tensors if seen[name].peak == 0],
    )
    insert_qdq(model, ranges, recipe, report.weight_sqnr_db)
    if recipe.bias_correction:
        report.bias_correction = correct_biases(onnx.load(fp32_onnx), model, seen)
    atomic_write_bytes(out_onnx, model.SerializeToString(deterministic=True))
    return report


def layer_names(model: onnx.ModelProto) -> list[str]:
    """Return the names of all layers with weights, in graph order."""
    return [node.name for node in model.graph.node if node.op_type in LAYERS]


def _split_layers(model: onnx.ModelProto, recipe: Recipe) -> tuple[list[str], list[str]]:
    names = layer_names(model)
    for name in recipe.float_layers:
        if name not in names:
            raise unknown_name("layer in float_layers", name, names)
    return [n for n in names if n not in recipe.float_layers], [n for n in names if n in recipe.float_layers]


def activations_to_quantize(model: onnx.ModelProto, recipe: Recipe) -> list[str]:
    """Return the tensors that get a Q/DQ pair, in graph order.

    The inputs of quantized layers; the inputs of additions whose sum a quantized layer reads (residual
    connections and skip fusions), so that the engine fuses the sum into the convolution before it; and, where
    such a tensor comes out of a carrier (MaxPool, a crop), the carrier's input too.
    """
    int8_layers, _ = _split_layers(model, recipe)
    producer = {output: node for node in model.graph.node for output in node.output}
    wanted = {node.input[0] for node in model.graph.node if node.name in int8_layers}
    queue = list(wanted)
    while queue:
        node = producer.get(queue.pop())
        if node is None:
            continue
        source = _sources(node, producer)
        queue.extend(name for name in source if name not in wanted)
        wanted.update(source)
    order = [output for node in model.graph.node for output in node.output]
    return [name for name in order if name in wanted]


def _sources(node: onnx.NodeProto, producer: dict[str, onnx.NodeProto]) -> list[str]:
    """Return the inputs of `node` that should be int8 because its output is."""
    if node.op_type in ("Relu", "Clip"):
        before = producer.get(node.input[0])
        return _sources(before, producer) if before is not None and before.op_type == "Add" else []
    if node.op_type == "Add":
        return list(node.input) if all(name in producer for name in node.input) else []
    return [node.input[0]] if node.op_type in CARRIERS and node.input[0] in producer else []


def insert_qdq(
    model: onnx.ModelProto, ranges: dict[str, float], recipe: Recipe, weight_sqnr_db: dict[str, float]
) -> None:
    """Put Q/DQ pairs on the tensors of `ranges` and make the weights of their layers int8, in place."""
    _share_carrier_ranges(model, ranges)
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    pairs: dict[str, list[onnx.NodeProto]] = {}
    for name, clip in ranges.items():
        pairs[name] = _pair(graph, name, np.float32(clip / 127))
    int8_layers, _ = _split_layers(model, recipe)
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name in pairs and _reads_int8(node, int8_layers):
                node.input[position] = f"{name}_dq"
        if node.name in int8_layers:
            nodes.append(_quantize_weight(graph, node, weights[node.input[1]], recipe, weight_sqnr_db))
        nodes.append(node)
        nodes.extend(pair for output in node.output for pair in pairs.get(output, []))
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _share_carrier_ranges(model: onnx.ModelProto, ranges: dict[str, float]) -> None:
    """Give both sides of a carrier one scale, so that it can run on the integers."""
    nodes = list(model.graph.node)
    for node in [*reversed(nodes), *nodes]:
        if node.op_type in CARRIERS and node.output[0] in ranges and node.input[0] in ranges:
            ranges[node.output[0]] = ranges[node.input[0]] = max(
                ranges[node.output[0]], ranges[node.input[0]]
            )


def _reads_int8(node: onnx.NodeProto, int8_layers: list[str]) -> bool:
    return node.name in int8_layers or node.op_type not in LAYERS


def _pair(graph: onnx.GraphProto, name: str, scale: np.float32) -> list[onnx.NodeProto]:
    graph.initializer.append(numpy_helper.from_array(np.array(scale, np.float32), f"{name}_scale"))
    graph.initializer.append(numpy_helper.from_array(np.array(0, np.int8), f"{name}_zero"))
    parameters = [f"{name}_scale", f"{name}_zero"]
    return [
        helper.make_node("QuantizeLinear", [name, *parameters], [f"{name}_q"], f"{name}_q"),
        helper.make_node("DequantizeLinear", [f"{name}_q", *parameters], [f"{name}_dq"], f"{name}_dq"),
    ]


def quantize_weight(
    weight: npt.NDArray[np.float32], axis: int, weights: str
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Return int8 weights and float32 scales per index of `axis` (0 for Conv, 1 for ConvTranspose).

    Symmetric. weights "full": the largest magnitude becomes 127. "pairs": so does the largest sum of two
    weights on neighbouring input channels, where they have one sign. CPUs without VNNI (vpmaddubsw) add the
    products of such a pair with two unsigned bytes in 16 bits: 255 * (w0 + w1) saturates above 128.
    """
    peak = np.abs(weight).max(axis=tuple(i for i in range(weight.ndim) if i != axis))
    if weights == "pairs":
        peak = np.maximum(peak, _largest_pair(weight, axis))
    scale = np.where(peak > 0, peak / 127, 1.0).astype(np.float32)
    return np.clip(np.rint(weight / _along(scale, axis, weight.ndim)), -127, 127).astype(np.int8), scale


def _largest_pair(weight: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    """Return per index of `axis` the largest |w[2i] + w[2i+1]| over input channels, 0 for only one."""
    by_input = np.moveaxis(weight, (axis, 1 - axis), (0, 1))
    paired = by_input.shape[1] // 2 * 2
    sums = np.abs(by_input[:, 0:paired:2] + by_input[:, 1:paired:2])
    return sums.max(axis=tuple(range(1, sums.ndim)), initial=0.0)


def _along(scale: npt.NDArray[np.float32], axis: int, ndim: int) -> npt.NDArray[np.float32]:
    return scale.reshape([-1 if i == axis else 1 for i in range(ndim)])


def _quantize_weight(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    tensor: onnx.TensorProto,
    recipe: Recipe,
    weight_sqnr_db: dict[str, float],
) -> onnx.NodeProto:
    """Replace the weight of `node` by int8 values behind a DequantizeLinear, which is returned."""
    weight = numpy_helper.to_array(tensor)
    axis = 0 if node.op_type == "Conv" else 1
    integers, scale = quantize_weight(weight, axis, recipe.weights)
    noise = float(np.square(integers * _along(scale, axis, weight.ndim) - weight).sum())
    weight_sqnr_db[node.name] = round(10 * np.log10(float(np.square(weight).sum()) / max(noise, 1e-30)), 2)
    name = f"{node.name}.weight"
    graph.initializer.append(numpy_helper.from_array(integers, f"{name}_q"))
    graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
    graph.initializer.append(numpy_helper.from_array(np.zeros(scale.shape, np.int8), f"{name}_zero"))
    node.input[1] = f"{name}_dq"
    return helper.make_node(
        "DequantizeLinear",
        [f"{name}_q", f"{name}_scale", f"{name}_zero"],
        [f"{name}_dq"],
        f"{name}_dq",
        axis=axis,
    )
