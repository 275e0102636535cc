"""The float part of a Q/DQ graph in float16: what a strongly typed engine needs to run it at half width.

TensorRT 11 (and 10, as it is used here) takes every type from the graph: a layer that is not INT8 runs in
float32 unless the graph says float16. Doing this after quantization keeps the int8 weights as they are.

The scales of Q/DQ pairs become float16 too: up to opset 22 ONNX wants the type of the data. Down to 6e-5
float16 rounds a scale by at most one part in 2048, and the integers stay. Smaller ones are subnormal:
multiples of 6e-8. They are rounded up, so that nothing saturates and none becomes 0, and int8 weights are
rounded anew to the raised scale. Such a step grows by 6e-8 at most, the step of float16 itself there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, numpy_helper

from fcn_edge.ground.errors import FcnEdgeError

Array = npt.NDArray[np.float32]
OPSET = 19  # the first in which QuantizeLinear and DequantizeLinear take float16
NORMAL = np.float32(2.0**-14)  # smallest float16 with all its digits
STEP = np.float32(2.0**-24)  # of the float16 numbers below it
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
    _raise_scales(model)
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


def _raise_scales(model: onnx.ModelProto) -> None:
    """Round the scales of Q/DQ pairs below NORMAL up to float16 numbers, and their int8 weights to them."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    raised: dict[str, tuple[Array, Array]] = {}  # scale -> before, after
    moved: set[str] = set()
    for node in model.graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear") or node.input[1] not in constants:
            continue
        name = node.input[1]
        if name not in raised:
            before = numpy_helper.to_array(constants[name])
            up = np.where(before < NORMAL, np.maximum(np.ceil(before / STEP), 1) * STEP, before)
            raised[name] = before, up.astype(np.float32)
        if node.op_type == "DequantizeLinear" and node.input[0] in constants.keys() - moved:
            moved.add(node.input[0])
            _requantize(node, constants, *raised[name])
    for name, (_, after) in raised.items():
        constants[name].CopyFrom(numpy_helper.from_array(after, name))


def _requantize(node: onnx.NodeProto, constants: dict[str, TensorProto], before: Array, after: Array) -> None:
    """Round the integers of a DequantizeLinear, with one scale or one a channel, to the scale `after`."""
    if np.array_equal(before, after):
        return
    values = numpy_helper.to_array(constants[node.input[0]])
    axis = next((a.i for a in node.attribute if a.name == "axis"), 1) % max(values.ndim, 1)
    shape = [-1 if i == axis else 1 for i in range(values.ndim)] if before.size > 1 else []
    zero = numpy_helper.to_array(constants[node.input[2]]) if len(node.input) > 2 else np.zeros_like(before)
    zero = zero.astype(np.int64).reshape(shape)
    found = np.rint((values - zero) * (before / after).reshape(shape)) + zero
    constants[node.input[0]].CopyFrom(numpy_helper.from_array(found.astype(values.dtype), node.input[0]))
