"""The ONNX nodes of each stand-in, and the reading of a ConvTranspose node."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn

from fcn_edge.models.upsample import Axis, BilinearConv2d, ResizeConv2d, SubpixelConv2d
from fcn_edge.network.torch_graph import conv_transpose

END = 2**31 - 1  # "to the end" in a Slice


def read_deconv(node: onnx.NodeProto, constants: dict[str, npt.NDArray[Any]]) -> nn.ConvTranspose2d | str:
    """Return a ConvTranspose node as a torch layer, or why it is left alone.

    Padding that differs before and after is carried by output_padding, which may then be negative.
    """
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    weight = constants.get(node.input[1])
    bias = constants.get(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    if weight is None or (len(node.input) > 2 and node.input[2] and bias is None):
        return "its weights are computed in the graph"
    if weight.ndim != 4:
        return f"it is {weight.ndim - 2}-dimensional"
    if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or "output_shape" in attributes:
        return "its padding depends on the input size (auto_pad or output_shape)"
    if not np.isfinite(weight).all() or (bias is not None and not np.isfinite(bias).all()):
        return "its weights are not finite"
    pads = attributes.get("pads", [0, 0, 0, 0])
    extra = attributes.get("output_padding", [0, 0])
    groups = attributes.get("group", 1)
    layer = ReadDeconv(
        weight.shape[0],
        weight.shape[1] * groups,
        weight.shape[2:],
        tuple(attributes.get("strides", [1, 1])),
        (pads[0], pads[1]),
        (extra[0] + pads[0] - pads[2], extra[1] + pads[1] - pads[3]),
        groups,
        bias is not None,
        tuple(attributes.get("dilations", [1, 1])),
    )
    layer.weight.data = torch.tensor(weight)
    if bias is not None:
        layer.bias = nn.Parameter(torch.tensor(bias))
    return layer.requires_grad_(False)


class ReadDeconv(nn.ConvTranspose2d):
    """A transposed convolution whose output_padding may be negative or large, as ONNX allows."""

    def forward(self, x: torch.Tensor, output_size: Any = None) -> torch.Tensor:
        """Map (N, C, h, w) to (N, C', H, W)."""
        top, left = (int(size) for size in self.padding)
        attributes = {
            "strides": self.stride, "dilations": self.dilation, "group": self.groups,
            "pads": [top, left, top, left], "output_padding": self.output_padding,
        }  # fmt: skip
        return conv_transpose([x, self.weight, self.bias], attributes)


class NodeWriter:
    """Writes the nodes of one stand-in, named after the ConvTranspose they replace.

    A convolution is called NAME.conv, as it is in an export of the operated network.
    """

    def __init__(self, name: str, source: str, target: str) -> None:
        self.name, self.target = name, target
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self._last = source

    def write(self, module: nn.Module) -> None:
        """Write all nodes; the last one gives the original's output."""
        if isinstance(module, SubpixelConv2d):
            self._subpixel(module)
        elif isinstance(module, BilinearConv2d):
            self._bilinear(module)
        else:
            assert isinstance(module, ResizeConv2d)
            self._resize(module.scale, mode="nearest", coordinates="asymmetric", nearest_mode="floor")
            self._conv(module.conv, module.pads)
        self.nodes[-1].output[0] = self.target

    def _subpixel(self, module: SubpixelConv2d) -> None:
        self._conv(module.conv, module.pads)
        stride = module.axes[0].stride
        if stride > 1:
            self._add("DepthToSpace", [], blocksize=stride, mode="CRD")
        self._crop([(axis.phase_crop, _after_phases(axis)) for axis in module.axes])

    def _bilinear(self, module: BilinearConv2d) -> None:
        if isinstance(module.conv, nn.Conv2d):
            self._conv(module.conv, module.pads)
        else:
            self._pad(module.pads)
        self._resize(module.scale, mode="linear", coordinates="half_pixel")
        self._crop([(axis.triangle_crop, _after_triangles(axis)) for axis in module.axes])

    def _conv(self, conv: nn.Conv2d, pads: list[int]) -> None:
        """Pads are (left, right, top, bottom) where the convolution does not do them itself."""
        height, width = (int(size) for size in conv.padding)
        own = pads or [width, width, height, height]
        if min(own) < 0:
            self._pad(own)
            own = [0, 0, 0, 0]
        inputs = [self._tensor("weight", conv.weight)]
        if conv.bias is not None:
            inputs.append(self._tensor("bias", conv.bias))
        left, right, top, bottom = own
        self._add("Conv", inputs, "conv", pads=[top, left, bottom, right], group=conv.groups)

    def _pad(self, pads: list[int]) -> None:
        left, right, top, bottom = pads
        amounts = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
        self._add("Pad", [self._array("pads", amounts)], mode="constant")

    def _resize(self, scale: tuple[float, float], *, mode: str, coordinates: str, **more: str) -> None:
        scales = self._array("scales", np.array([1, 1, *scale], np.float32))
        self._add("Resize", ["", scales], mode=mode, coordinate_transformation_mode=coordinates, **more)

    def _crop(self, cuts: list[tuple[int, int]]) -> None:
        """Cut (before, after) samples off the vertical and the horizontal axis."""
        if not any(after or before for before, after in cuts):
            return
        starts = np.array([before for before, _ in cuts], np.int64)
        ends = np.array([-after if after else END for _, after in cuts], np.int64)
        axes = np.array([2, 3], np.int64)
        self._add(
            "Slice", [self._array(k, v) for k, v in (("starts", starts), ("ends", ends), ("axes", axes))]
        )

    def _add(self, kind: str, inputs: list[str], name: str = "", **attributes: Any) -> None:
        output = f"{self.name}.{name or f'{kind}_{len(self.nodes)}'}"
        self.nodes.append(helper.make_node(kind, [self._last, *inputs], [output], output, **attributes))
        self._last = output

    def _tensor(self, name: str, value: torch.Tensor) -> str:
        return self._array(name, value.detach().numpy())

    def _array(self, name: str, value: npt.NDArray[Any]) -> str:
        full = f"{self.name}.{name}_{len(self.nodes)}"
        self.tensors.append(numpy_helper.from_array(value, full))
        return full


def _after_phases(axis: Axis) -> int:
    filled = -(-(axis.reach + axis.phase_crop) // axis.stride) * axis.stride
    return filled - axis.phase_crop - axis.reach


def _after_triangles(axis: Axis) -> int:
    return (axis.triangle_ring[1] + 1) * axis.stride - axis.triangle_shift - axis.reach
