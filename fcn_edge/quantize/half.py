"""The float part of a Q/DQ graph in float16: what a strongly typed engine needs to run it at half width.

TensorRT 11 (and 10, as it is used here) takes every type from the graph: a layer that is not INT8 runs in
float32 unless the graph says float16. Doing this after quantization keeps the int8 weights as they are.
Integers of Q/DQ pairs move only where float16 rounds a scale, by at most one part in 2048.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from fcn_edge.ground.errors import FcnEdgeError

OPSET = 19  # the first in which QuantizeLinear and DequantizeLinear take float16
SMALLEST = np.float32(2.0**-14)  # smallest float16 with all its digits
LARGEST = np.float32(65504)


def to_half(model: onnx.ModelProto) -> int:
    """Turn a mask-tail graph's float32 tensors into float16, in place; return how many constants changed.

    The uint8 frame goes in and the uint8 mask comes out as before. Resize keeps its float32 scales, as the
    standard wants. Raises FcnEdgeError for a constant that float16 cannot hold and for a graph that gives
    float scores.
    """
    graph = model.graph
    if any(value.type.tensor_type.elem_type == TensorProto.FLOAT for value in graph.output):
        raise FcnEdgeError("a graph with float outputs stays float32", hint="use the mask tail")
    _raise_weight_scales(model)
    keep = {name for node in graph.node if node.op_type == "Resize" for name in node.input[1:]}
    changed = 0
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in keep:
            tensor.CopyFrom(_half(tensor))
            changed += 1
    for node in graph.node:
        _retarget(node)
    for opset in model.opset_import:
        if opset.domain in ("", "ai.onnx"):
            opset.version = max(opset.version, OPSET)
    del graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    return changed


def _retarget(node: onnx.NodeProto) -> None:
    """Point a Cast to float32 at float16; other nodes take their type from their inputs."""
    for attribute in node.attribute if node.op_type == "Cast" else ():
        if attribute.name == "to" and attribute.i == TensorProto.FLOAT:
            attribute.i = TensorProto.FLOAT16


def _half(tensor: TensorProto) -> TensorProto:
    values = numpy_helper.to_array(tensor)
    if values.size and np.abs(values).max() > LARGEST:
        largest = float(np.abs(values).max())
        raise FcnEdgeError(f"{tensor.name} holds {largest:g}, more than float16 can", hint="keep it float32")
    return numpy_helper.from_array(values.astype(np.float16), tensor.name)


def _raise_weight_scales(model: onnx.ModelProto) -> None:
    """Requantize output channels whose weight scale float16 would round to few digits or to nothing.

    Such a channel's weights are all under 0.008; at the raised scale they are rounded to steps of 6e-5.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in constants:
            continue
        integers, scales = (constants[name] for name in node.input[:2])
        scale = numpy_helper.to_array(scales)
        raised = np.maximum(scale, SMALLEST)
        if scale.ndim != 1 or np.array_equal(scale, raised):
            continue
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        values = numpy_helper.to_array(integers)
        shape = [-1 if i == axis else 1 for i in range(values.ndim)]
        moved = np.rint(values * (scale / raised).reshape(shape)).astype(values.dtype)
        integers.CopyFrom(numpy_helper.from_array(moved, integers.name))
        scales.CopyFrom(numpy_helper.from_array(raised, scales.name))
