"""Q/DQ insertion: an fp32 frame graph becomes an INT8 one that every engine reads the same way.

Activations are int8, symmetric, one scale a tensor, or uint8 with zero point 0 where the recipe says so and
nothing is negative; weights int8, symmetric, one scale an output channel, stored as int8; biases stay float
(TensorRT refuses INT32 biases behind DequantizeLinear). The class scores stay float too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from fcn_edge.ground.artifacts import atomic_write_bytes
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.network.nodes import LAYERS
from fcn_edge.network.parts import drop_unused_constants
from fcn_edge.quantize.bias_correction import correct_biases
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.equalize import equalize
from fcn_edge.quantize.placement import (
    activations_to_quantize,
    int8_layers,
    layer_names,
    never_negative,
    score_layers,
    share_carrier_ranges,
    tidy,
)
from fcn_edge.quantize.ranges import Measurements, Progress, clip_point
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.quantize.table import RangeTable, measure_ranges
from fcn_edge.quantize.weights import along, output_axis, quantize_weight, sqnr_db

OLDEST_OPSET = 13  # DequantizeLinear with an axis
INT8, UINT8 = 127, 255  # steps from zero to the largest magnitude


@dataclass
class QuantizeReport:
    """What was quantized and what it cost.

    ranges: tensor -> largest magnitude represented. weight_sqnr_db: layer -> signal to quantization noise
    ratio of its weights in dB. bias_correction: layer -> largest change of its bias. The hashes bind the
    ranges to the network and the frames they were measured on.
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
    known: Measurements | None = None,
) -> QuantizeReport:
    """Write the Q/DQ form of `fp32_onnx` to `out_onnx`, with ranges measured on the calibration frames.

    known: measurements to share with other networks on these frames: one
    ranges.Measurements(calibration.frames), given to every call.
    """
    with tempfile.TemporaryDirectory() as folder:
        base, table = measure(
            fp32_onnx, calibration, recipe, Path(folder) / "equalized.onnx", progress, known
        )
        return quantize_with(base, table, recipe, out_onnx)


def measure(
    fp32_onnx: Path,
    calibration: CalibrationSet,
    recipe: Recipe,
    equalized_onnx: Path,
    progress: Progress | None = None,
    known: Measurements | None = None,
) -> tuple[Path, RangeTable]:
    """Return the network to quantize and what its tensors did on the calibration frames.

    The network is `fp32_onnx`, or with `recipe.equalize` its equalized form, written to `equalized_onnx`.
    known: see quantize_onnx.
    """
    known = known or Measurements(calibration.frames)
    model = tidy(onnx.load(fp32_onnx))
    check_opset(model, fp32_onnx)
    if recipe.equalize:
        equalize(model, measure_ranges(fp32_onnx, calibration, histograms=False, known=known).seen)
        fp32_onnx = atomic_write_bytes(equalized_onnx, model.SerializeToString(deterministic=True))
    return fp32_onnx, measure_ranges(fp32_onnx, calibration, progress=progress, known=known)


def float_layers(model: onnx.ModelProto, recipe: Recipe) -> tuple[str, ...]:
    """Return the layers that a recipe keeps in float."""
    return (*recipe.float_layers, *(score_layers(model) if recipe.float_scores else ()))


def quantize_with(fp32_onnx: Path, table: RangeTable, recipe: Recipe, out_onnx: Path) -> QuantizeReport:
    """Write the Q/DQ form of `fp32_onnx` to `out_onnx`, with ranges already measured on this very network."""
    table.check(fp32_onnx)
    model = tidy(onnx.load(fp32_onnx))
    check_opset(model, fp32_onnx)
    kept = float_layers(model, recipe)
    chosen = int8_layers(model, kept)
    if not chosen:
        raise FcnEdgeError(f"{fp32_onnx.name} has no layer left to quantize", hint="keep fewer layers float")
    tensors = activations_to_quantize(model, kept)
    unsigned = never_negative(model) if recipe.activations == "uint8" else set()
    ranges = {
        name: clip_point(table.seen[name], recipe, UINT8 if name in unsigned else INT8) for name in tensors
    }
    share_carrier_ranges(model, ranges)
    report = QuantizeReport(
        int8_layers=chosen,
        float_layers=[name for name in layer_names(model) if name not in chosen],
        ranges=ranges,
        model_sha256=table.model_sha256,
        calibration_sha256=table.calibration_sha256,
        notes=[f"tensor {name} is always zero" for name in tensors if table.seen[name].peak == 0],
    )
    report.weight_sqnr_db = insert_qdq(model, ranges, chosen, recipe.weights, unsigned)
    if recipe.bias_correction:
        report.bias_correction = correct_biases(tidy(onnx.load(fp32_onnx)), model, table.seen)
    atomic_write_bytes(out_onnx, model.SerializeToString(deterministic=True))
    return report


def check_opset(model: onnx.ModelProto, path: Path) -> None:
    """Raise FcnEdgeError where a graph is too old for INT8 weights with one scale a channel."""
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset < OLDEST_OPSET:
        raise FcnEdgeError(
            f"{path.name} has ONNX opset {opset}, INT8 needs {OLDEST_OPSET} or later",
            hint="export it again with a later opset, or use onnx.version_converter",
        )


def insert_qdq(
    model: onnx.ModelProto,
    ranges: dict[str, float],
    chosen: list[str],
    weights: str,
    unsigned: Collection[str] = (),
) -> dict[str, float]:
    """Put Q/DQ pairs on the tensors of `ranges` and make the weights of the `chosen` layers int8, in place.

    weights: their range, see weights.quantize_weight. unsigned: the tensors that become uint8. Returns
    the weights' SQNR in dB by layer.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    pairs = {name: _pair(graph, name, clip, name in unsigned) for name, clip in ranges.items()}
    sqnr: dict[str, float] = {}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        is_layer = node.op_type in LAYERS
        if node.name in chosen or not is_layer:  # a float layer reads the unquantized tensor
            node.input[:] = [f"{name}_dq" if name in pairs else name for name in node.input]
        if is_layer and node.name in chosen:
            dequantize, sqnr[node.name] = _quantize_layer(graph, node, constants[node.input[1]], weights)
            nodes.append(dequantize)
        nodes.append(node)
        nodes.extend(pair for output in node.output for pair in pairs.get(output, []))
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unused_constants(graph)
    return sqnr


def _pair(graph: onnx.GraphProto, name: str, clip: float, unsigned: bool) -> list[onnx.NodeProto]:
    """Return the Q and the DQ node of a tensor; their constants go into the graph."""
    scale, kind = (clip / UINT8, np.uint8) if unsigned else (clip / INT8, np.int8)
    graph.initializer.append(numpy_helper.from_array(np.array(scale, np.float32), f"{name}_scale"))
    graph.initializer.append(numpy_helper.from_array(np.array(0, kind), f"{name}_zero"))
    parameters = [f"{name}_scale", f"{name}_zero"]
    return [
        helper.make_node("QuantizeLinear", [name, *parameters], [f"{name}_q"], f"{name}_q"),
        helper.make_node("DequantizeLinear", [f"{name}_q", *parameters], [f"{name}_dq"], f"{name}_dq"),
    ]


def _quantize_layer(
    graph: onnx.GraphProto, node: onnx.NodeProto, tensor: onnx.TensorProto, weights: str
) -> tuple[onnx.NodeProto, float]:
    """Make the weight of `node` int8; return the DequantizeLinear to put before it, and the weight's SQNR."""
    weight = numpy_helper.to_array(tensor)
    axis = output_axis(node.op_type)
    integers, scale = quantize_weight(weight, axis, weights)
    name = f"{node.name}.weight"
    graph.initializer.append(numpy_helper.from_array(integers, f"{name}_q"))
    graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
    graph.initializer.append(numpy_helper.from_array(np.zeros(scale.shape, np.int8), f"{name}_zero"))
    inputs = [f"{name}_q", f"{name}_scale", f"{name}_zero"]
    node.input[1] = f"{name}_dq"
    dequantize = helper.make_node("DequantizeLinear", inputs, [f"{name}_dq"], f"{name}_dq", axis=axis)
    return dequantize, round(sqnr_db(weight, integers * along(scale, axis, weight.ndim)), 2)
