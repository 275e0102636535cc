"""A graph as a PyTorch module, so that gradients flow through networks that came as ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper
from torch import Tensor, nn

from fcn_edge.ground.errors import FcnEdgeError

Attributes = dict[str, Any]
Operator = Callable[[list[Any], Attributes], Tensor]
INTEGERS = (onnx.TensorProto.INT64, onnx.TensorProto.INT32)


class TorchGraph(nn.Module):
    """Computes a graph node by node; differentiable in its inputs and in the modules put into it.

    modules: node name -> what computes that node in its place, given the node's first input. Weights of the
    graph itself are constants. Raises FcnEdgeError naming the operator of a node that it does not know.
    """

    def __init__(self, model: onnx.ModelProto, modules: Mapping[str, nn.Module] | None = None) -> None:
        super().__init__()
        given = modules or {}
        self.inner = nn.ModuleList(given.values())  # registered; names of nodes may hold dots
        self._given = dict(given)
        self._outputs = [value.name for value in model.graph.output]
        self._constants = {one.name: _tensor(one) for one in model.graph.initializer}
        self._nodes = []
        for node in model.graph.node:
            attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
            if node.op_type == "Constant":
                self._constants[node.output[0]] = _tensor(attributes["value"])
            elif node.name in given or node.op_type in OPERATORS:
                self._nodes.append((node, attributes))
            else:
                raise FcnEdgeError(f"no gradient through {node.op_type} (node {node.name})")

    def forward(self, feeds: Mapping[str, Tensor]) -> Tensor:
        """Return the first output for tensors by input name."""
        values: dict[str, Any] = {**self._constants, **feeds}
        for node, attributes in self._nodes:
            inputs = [values[name] if name else None for name in node.input]
            module = self._given.get(node.name)
            made = module(inputs[0]) if module is not None else OPERATORS[node.op_type](inputs, attributes)
            values[node.output[0]] = made
        return values[self._outputs[0]]


def _tensor(constant: onnx.TensorProto) -> Tensor:
    return torch.from_numpy(np.array(numpy_helper.to_array(constant)))


def _conv(x: list[Any], a: Attributes) -> Tensor:
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    padded = F.pad(x[0], [left, right, top, bottom]) if any((top, left, bottom, right)) else x[0]
    bias = x[2] if len(x) > 2 else None
    return F.conv2d(
        padded, x[1], bias, a.get("strides", 1), 0, a.get("dilations", 1), a.get("group", 1)
    )  # fmt: skip


def conv_transpose(x: list[Any], a: Attributes) -> Tensor:
    """Return ConvTranspose of (x, weight, bias) as ONNX defines it: any pads, any output_padding."""
    bias = x[2] if len(x) > 2 else None
    full = F.conv_transpose2d(
        x[0], x[1], None, a.get("strides", 1), 0, 0, a.get("group", 1), a.get("dilations", 1)
    )  # fmt: skip
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    below, beside = a.get("output_padding", [0, 0])
    made = F.pad(full, [-left, beside - right, -top, below - bottom])
    return made if bias is None else made + bias.reshape(1, -1, 1, 1)


def _slice(x: list[Any], _: Attributes) -> Tensor:
    made, starts, ends = x[0], x[1].tolist(), x[2].tolist()
    axes = x[3].tolist() if len(x) > 3 and x[3] is not None else range(len(starts))
    steps = x[4].tolist() if len(x) > 4 else [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        size = made.shape[axis]
        picked = range(size)[start:end:step]
        made = made.index_select(axis, torch.tensor(list(picked), dtype=torch.int64))
    return made


def _pad(x: list[Any], a: Attributes) -> Tensor:
    half = len(x[1]) // 2
    amounts = [n for axis in reversed(range(half)) for n in (int(x[1][axis]), int(x[1][axis + half]))]
    mode = a.get("mode", b"constant").decode()
    value = float(x[2]) if len(x) > 2 and x[2] is not None else 0.0
    if mode == "constant":
        return F.pad(x[0], amounts, value=value)
    return F.pad(x[0], amounts[:4], mode={"edge": "replicate"}.get(mode, mode))


def _resize(x: list[Any], a: Attributes) -> Tensor:
    mode, rule = a.get("mode", b"nearest").decode(), a.get("coordinate_transformation_mode", b"half_pixel")
    known: dict[tuple[str, bytes], dict[str, Any]] = {
        ("nearest", b"asymmetric"): {"mode": "nearest"},
        ("linear", b"half_pixel"): {"mode": "bilinear", "align_corners": False},
        ("linear", b"pytorch_half_pixel"): {"mode": "bilinear", "align_corners": False},
        ("linear", b"align_corners"): {"mode": "bilinear", "align_corners": True},
    }
    if (mode, rule) not in known:
        raise FcnEdgeError(f"no gradient through a {mode} Resize with {rule.decode()}")
    if len(x) > 3 and x[3] is not None:
        return F.interpolate(x[0], size=tuple(x[3].tolist()[2:]), **known[mode, rule])
    return F.interpolate(x[0], scale_factor=tuple(x[2].tolist()[2:]), **known[mode, rule])


def _reduce_mean(x: list[Any], a: Attributes) -> Tensor:
    axes = a.get("axes") or (x[1].tolist() if len(x) > 1 and x[1] is not None else range(x[0].ndim))
    return x[0].mean(dim=tuple(axes), keepdim=bool(a.get("keepdims", 1)))


def _depth_to_space(x: list[Any], a: Attributes) -> Tensor:
    block = a["blocksize"]
    if a.get("mode", b"DCR") == b"CRD":
        return F.pixel_shuffle(x[0], block)
    n, c, h, w = x[0].shape
    split = x[0].reshape(n, block, block, c // block**2, h, w)
    return split.permute(0, 3, 4, 1, 5, 2).reshape(n, c // block**2, h * block, w * block)


def _max_pool(x: list[Any], a: Attributes) -> Tensor:
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    padded = F.pad(x[0], [left, right, top, bottom], value=-torch.inf)
    return F.max_pool2d(padded, a["kernel_shape"], a.get("strides", 1), 0, a.get("dilations", 1))


def _clip(x: list[Any], _: Attributes) -> Tensor:
    low, high = (x[i] if len(x) > i else None for i in (1, 2))
    return torch.clamp(x[0], low, high)


def _reshape(x: list[Any], a: Attributes) -> Tensor:
    shape = (
        [size or x[0].shape[i] for i, size in enumerate(x[1].tolist())] if not a.get("allowzero") else x[1]
    )
    return x[0].reshape([int(size) for size in shape])


def _batch_norm(x: list[Any], a: Attributes) -> Tensor:
    return F.batch_norm(x[0], x[3], x[4], x[1], x[2], False, 0.0, a.get("epsilon", 1e-5))


def _prelu(x: list[Any], _: Attributes) -> Tensor:
    return torch.where(x[0] < 0, x[0] * x[1], x[0])


OPERATORS: dict[str, Operator] = {
    "Add": lambda x, a: x[0] + x[1],
    "BatchNormalization": _batch_norm,
    "Clip": _clip,
    "Concat": lambda x, a: torch.cat(x, a["axis"]),
    "Conv": _conv,
    "ConvTranspose": conv_transpose,
    "DepthToSpace": _depth_to_space,
    "Div": lambda x, a: x[0] / x[1],
    "GlobalAveragePool": lambda x, a: x[0].mean(dim=(2, 3), keepdim=True),
    "HardSigmoid": lambda x, a: (x[0] * a.get("alpha", 0.2) + a.get("beta", 0.5)).clamp(0, 1),
    "HardSwish": lambda x, a: F.hardswish(x[0]),
    "Identity": lambda x, a: x[0],
    "LeakyRelu": lambda x, a: F.leaky_relu(x[0], a.get("alpha", 0.01)),
    "MaxPool": _max_pool,
    "Mul": lambda x, a: x[0] * x[1],
    "PRelu": _prelu,
    "Pad": _pad,
    "ReduceMean": _reduce_mean,
    "Relu": lambda x, a: F.relu(x[0]),
    "Reshape": _reshape,
    "Resize": _resize,
    "Sigmoid": lambda x, a: torch.sigmoid(x[0]),
    "Slice": _slice,
    "Softmax": lambda x, a: F.softmax(x[0], a.get("axis", -1)),
    "Sub": lambda x, a: x[0] - x[1],
    "Tanh": lambda x, a: torch.tanh(x[0]),
    "Transpose": lambda x, a: x[0].permute(a["perm"]),
}
