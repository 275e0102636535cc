"""What a graph costs: multiply-accumulates, weights, and how far its features see."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper

from fcn_edge.network.nodes import LAYERS, constants_of, node_name

POOLS = ("MaxPool", "AveragePool")
FINEST = 4  # features at strides below are the stem's
UPSAMPLING = ("ConvTranspose", "Resize", "DepthToSpace")
SEES_ALL = ("GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax")


@dataclass(frozen=True)
class GraphCost:
    """macs: of all convolutions for one frame, by layer name. receptive_field: stride -> pixels across."""

    layers: dict[str, int]
    parameters: int
    receptive_field: dict[int, int]


def measure_cost(model: onnx.ModelProto) -> GraphCost:
    """Return the cost of a graph whose shapes are fixed, counted as fcn_edge.models.cost counts a module."""
    constants = constants_of(model.graph)
    inferred = onnx.shape_inference.infer_shapes(model).graph
    values = [*inferred.value_info, *inferred.input, *inferred.output]
    shapes = {one.name: [dim.dim_value for dim in one.type.tensor_type.shape.dim] for one in values}
    layers, parameters = {}, 0
    for position, node in enumerate(model.graph.node):
        if node.op_type not in LAYERS or node.input[1] not in constants:
            continue
        counted = node.input[0] if node.op_type == "ConvTranspose" else node.output[0]
        per_element = constants[node.input[1]][0].size
        layers[node_name(position, node)] = math.prod(shapes.get(counted, [0])[1:]) * per_element
        parameters += sum(constants[name].size for name in node.input[1:] if name in constants)
    return GraphCost(layers, parameters, _receptive_field(model, constants))


def _receptive_field(model: onnx.ModelProto, constants: dict[str, np.ndarray]) -> dict[int, int]:
    """Return, by stride, the largest receptive field on the way down, before anything is upsampled.

    Along the deepest path: kernel k and dilation d on a map of stride j add d * (k - 1) * j pixels. Global
    pooling sees everything and is left out, as is what follows an upsampling.
    """
    reach: dict[str, tuple[int, int]] = {model.graph.input[0].name: (1, 1)}  # tensor -> pixels, stride
    everything: set[str] = set()  # tensors behind a global pooling: they widen nothing that they are added to
    found: dict[int, int] = {}
    for node in model.graph.node:
        computed = [name for name in node.input if name and name not in constants]
        seen = [name for name in computed if name not in everything]
        if node.op_type in SEES_ALL or not seen:
            everything |= set(node.output)
            continue
        if node.op_type in UPSAMPLING or any(name not in reach for name in seen):
            continue
        pixels, stride = max(reach[name] for name in seen)
        if node.op_type in ("Conv", *POOLS):
            attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
            kernel = attributes.get("kernel_shape") or constants[node.input[1]].shape[2:]
            step, dilation = attributes.get("strides", [1]), attributes.get("dilations", [1])
            pixels, stride = pixels + dilation[0] * (kernel[0] - 1) * stride, stride * step[0]
        reach |= dict.fromkeys(node.output, (pixels, stride))
        if stride >= FINEST:
            found[stride] = max(found.get(stride, 0), pixels)
    return dict(sorted(found.items()))
