"""Between training for INT8 and the Q/DQ graph: where ranges start, and how the learned ones are exported."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from fcn_edge.ground.artifacts import atomic_write_bytes, sha256_file
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models.fake_quant import FakeQuantized, weights_digest
from fcn_edge.models.fcn import FCN
from fcn_edge.models.tensor_names import FRAME, other, relu, total
from fcn_edge.network.nodes import LAYERS
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.placement import (
    CARRIERS,
    activations_to_quantize,
    layer_names,
    share_carrier_ranges,
)
from fcn_edge.quantize.qdq import QuantizeReport, insert_qdq
from fcn_edge.quantize.ranges import clip_point
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.quantize.table import measure_ranges


def prepare(fcn: FCN, calibration: CalibrationSet, recipe: Recipe) -> FakeQuantized:
    """Return `fcn` made to round as the engine will, its ranges those that calibration alone would take.

    recipe: with its weights decided. The network is changed (FakeQuantized); its device stays.
    """
    with tempfile.TemporaryDirectory() as folder:
        size = calibration.frames[0].shape[:2]
        fp32 = export_onnx(copy.deepcopy(fcn).cpu(), size, "scores", Path(folder) / "fp32.onnx")
        model, table = onnx.load(fp32), measure_ranges(fp32, calibration)
    names = tensor_names(model)
    ranges: dict[str, float] = {}
    for tensor in activations_to_quantize(model):
        name = names[tensor]
        ranges[name] = max(ranges.get(name, 0.0), clip_point(table.seen[tensor], recipe))
    return FakeQuantized(fcn, ranges, recipe.weights).to(next(fcn.parameters()).device)


def quantize_trained(fp32_onnx: Path, fcn: FCN, record: Mapping[str, Any], out_onnx: Path) -> QuantizeReport:
    """Write the Q/DQ form of a network trained for INT8, with the ranges it learned.

    fcn: the network `fp32_onnx` was exported from. record: FakeQuantized.record(); one of other weights is an
    error, since its ranges would mean nothing.
    """
    if record["weights_sha256"] != weights_digest(fcn):
        raise FcnEdgeError(
            "the INT8 ranges in this checkpoint were learned with other weights",
            hint="train again (fcn-edge train --qat), or calibrate anew with --recipe percentile",
        )
    model = onnx.load(fp32_onnx)
    names, chosen = tensor_names(model), layer_names(model)
    ranges = {}
    for tensor in activations_to_quantize(model):
        if names[tensor] not in record["ranges"]:
            raise FcnEdgeError(f"the checkpoint holds no INT8 range for tensor {names[tensor]}")
        ranges[tensor] = float(record["ranges"][names[tensor]])
    share_carrier_ranges(model, ranges)
    report = QuantizeReport(chosen, [], ranges, sha256_file(fp32_onnx), "")
    report.weight_sqnr_db = insert_qdq(model, ranges, chosen, record["weights"])
    atomic_write_bytes(out_onnx, model.SerializeToString(deterministic=True))
    return report


def tensor_names(model: onnx.ModelProto) -> dict[str, str]:
    """Return tensor of an exported graph -> its name by models/tensor_names.py."""
    names = {model.graph.input[0].name: FRAME}
    for node in model.graph.node:
        sources = [names[name] for name in node.input if name in names]
        if not sources:
            continue
        if node.op_type in LAYERS:
            name = node.name
        elif node.op_type in ("Relu", "Clip"):
            name = relu(sources[0])
        elif node.op_type == "Add" and len(sources) == 2:
            name = total(*sources)
        elif node.op_type in CARRIERS or sources[0] == FRAME:  # up to the first layer: the normalisation
            name = sources[0]
        else:
            name = other(sources[0])
        names[node.output[0]] = name
    return names
