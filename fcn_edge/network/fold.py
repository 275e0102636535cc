"""Fold the BatchNorm that follows a transposed convolution into its weights (inference, exact)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from fcn_edge.network.nodes import constants_of, deconvs

Array = npt.NDArray[np.float64]


def fold_following_batchnorm(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which no ConvTranspose is followed by a BatchNormalization that reads nothing else.

    Nothing is folded where others read the layer's output too, or where a weight is computed in the graph.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for _, node in deconvs(made.graph):
        norm = _only_reader(made.graph, node.output[0])
        if norm is not None and norm.op_type == "BatchNormalization":
            _fold(made.graph, node, norm)
    return made


def _only_reader(graph: onnx.GraphProto, tensor: str) -> onnx.NodeProto | None:
    readers = [node for node in graph.node if tensor in node.input]
    is_output = any(value.name == tensor for value in graph.output)
    return readers[0] if len(readers) == 1 and not is_output else None


def _fold(graph: onnx.GraphProto, deconv: onnx.NodeProto, norm: onnx.NodeProto) -> None:
    constants = constants_of(graph)
    wanted = [*deconv.input[1:], *norm.input[1:]]
    if any(name and name not in constants for name in wanted):
        return
    weight = constants[deconv.input[1]].astype(np.float64)
    bias = constants[deconv.input[2]] if len(deconv.input) > 2 and deconv.input[2] else 0.0
    gamma, beta, mean, variance = (constants[name].astype(np.float64) for name in norm.input[1:5])
    attributes = {one.name: helper.get_attribute_value(one) for one in [*deconv.attribute, *norm.attribute]}
    gain = gamma / np.sqrt(variance + attributes.get("epsilon", 1e-5))
    # Weight (C, C'/g, k, k): output channel group * C'/g + o is row-block `group`, column o.
    groups = attributes.get("group", 1)
    rows = np.repeat(gain.reshape(groups, 1, -1), weight.shape[0] // groups, axis=1)
    folded = weight * rows.reshape(weight.shape[0], -1)[:, :, None, None]
    name = deconv.name or deconv.output[0]
    values: dict[str, Array] = {"weight": folded, "bias": beta + (bias - mean) * gain}
    for key, value in values.items():
        graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), f"{name}.folded_{key}"))
    deconv.input[:] = [deconv.input[0], *(f"{name}.folded_{key}" for key in values)]
    deconv.output[0] = norm.output[0]
    graph.node.remove(norm)
