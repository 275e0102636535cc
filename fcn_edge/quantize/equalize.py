"""Cross-layer equalization: channels that use little of their tensor's INT8 range are scaled up to use it.

A channel scaled by s in the layer that makes it and by 1 / s in the layers that read it leaves the network as
it was, but not its rounding: one INT8 range serves all channels of a tensor, and the small ones now get more
of its steps (M. Nagel et al., "Data-Free Quantization through Weight Equalization and Bias Correction",
ICCV 2019, section 4.1). The makers' weights have a scale per output channel and lose nothing. Readers that
are depthwise lose nothing either; in dense ones the channel's weights shrink beside the others, so only the
square root of what is missing is made up (G. Xiao et al., "SmoothQuant", ICML 2023, with alpha = 0.5).
ReLU6 does not scale with its input: what it stands between stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from fcn_edge.network.nodes import LAYERS
from fcn_edge.quantize.ranges import Observed

Array = npt.NDArray[np.float32]
LARGEST = 16.0  # factor: a channel that shows less than a sixteenth may show more on other frames
DENSE = 0.5  # power of the missing factor where the reader is dense
SCALING = ("Relu", "Add", "MaxPool", "Slice", "ReduceMean")  # scaled input, scaled output: channel by channel


@dataclass
class Group:
    """Tensors that operators between layers tie together: their channels can only be scaled alike."""

    tensors: set[str]
    makers: list[onnx.NodeProto] = field(default_factory=list)
    readers: list[onnx.NodeProto] = field(default_factory=list)
    free: bool = True  # whether only layers stand at its ends


def equalize(model: onnx.ModelProto, seen: dict[str, Observed]) -> dict[str, float]:
    """Scale the channels of `model` in place; return layer -> the largest factor on its outputs.

    seen: what the quantized tensors did on the calibration frames. In float the network computes the same.
    """
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    scaled: dict[str, float] = {}
    for group in groups(model):
        observed = [seen[name] for name in sorted(group.tensors) if name in seen and seen[name].peak > 0]
        if not (group.free and group.makers and group.readers and observed):
            continue
        dense = [not is_depthwise(node, weights[node.input[1]].dims) for node in group.readers]
        factor = factors(observed, DENSE if any(dense) else 1.0)
        for node in group.makers:
            _scale(weights[node.input[1]], factor, 1 if node.op_type == "ConvTranspose" else 0)
            if len(node.input) > 2 and node.input[2]:
                _scale(weights[node.input[2]], factor, 0)
            scaled[node.name] = float(factor.max())
        for node, is_dense in zip(group.readers, dense, strict=True):
            axis = 1 if is_dense and node.op_type == "Conv" else 0
            _scale(weights[node.input[1]], np.reciprocal(factor), axis)
    return scaled


def factors(observed: list[Observed], power: float) -> Array:
    """Return the factor of every channel, 1..LARGEST, from the share of its tensor's peak that it reaches."""
    share = np.max([one.peaks / one.peak for one in observed], axis=0)
    missing = np.divide(1.0, share, out=np.ones_like(share), where=share > 0)
    return np.minimum(missing**power, LARGEST).astype(np.float32)


def groups(model: onnx.ModelProto) -> list[Group]:
    """Return the groups of tensors between the layers of a graph."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    uses = [name for node in model.graph.node for name in node.input]
    found: dict[str, Group] = {}

    def group_of(name: str) -> Group:
        return found.setdefault(name, Group({name}))

    def join(names: list[str]) -> Group:
        first = group_of(names[0])
        for name in names[1:]:
            other = group_of(name)
            if other is not first:
                first.tensors |= other.tensors
                first.makers += other.makers
                first.readers += other.readers
                first.free &= other.free
                found.update(dict.fromkeys(other.tensors, first))
        return first

    for node in model.graph.node:
        data = [name for name in node.input if name and name not in constants]
        if node.op_type in LAYERS:
            group_of(data[0]).readers.append(node)
            maker = group_of(node.output[0])
            maker.makers.append(node)
            parameters = [name for name in node.input[1:] if name]
            shared = any(uses.count(name) > 1 or name not in constants for name in parameters)
            if shared or (_split(node) > 1 and not is_depthwise(node, constants[node.input[1]].shape)):
                group_of(data[0]).free = maker.free = False
        elif data:
            group = join([*data, node.output[0]])
            group.free &= _scales_with_input(node, data, constants)
    for value in [*model.graph.input, *model.graph.output]:
        group_of(value.name).free = False
    return list({id(group): group for group in found.values()}.values())


def is_depthwise(node: onnx.NodeProto, weight_shape: Sequence[int]) -> bool:
    """Return whether a convolution has one filter for each of its input channels, and no other."""
    return node.op_type == "Conv" and weight_shape[1] == 1 and _split(node) == weight_shape[0] > 1


def _split(node: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)


def _scales_with_input(node: onnx.NodeProto, data: list[str], constants: dict[str, Array]) -> bool:
    """Return whether scaling a channel of all inputs scales it in the output, and nothing else."""
    if node.op_type == "Slice":
        return (_axes(node, 3, constants) or {0}) <= {2, 3}
    if node.op_type == "ReduceMean":
        return _axes(node, 1, constants) == {2, 3}
    return node.op_type in SCALING and (node.op_type != "Add" or len(data) == 2)


def _axes(node: onnx.NodeProto, position: int, constants: dict[str, Array]) -> set[int] | None:
    """Return the axes of a Slice or ReduceMean (an attribute in older opsets); None if not constant."""
    for attribute in node.attribute:
        if attribute.name == "axes":
            return set(attribute.ints)
    name = node.input[position] if len(node.input) > position else ""
    return set(constants[name].tolist()) if name in constants else None


def _scale(tensor: onnx.TensorProto, factor: Array, axis: int) -> None:
    value = numpy_helper.to_array(tensor)
    shape = [-1 if i == axis else 1 for i in range(value.ndim)]
    tensor.CopyFrom(numpy_helper.from_array((value * factor.reshape(shape)).astype(np.float32), tensor.name))
