"""Find the transposed convolutions of a graph and read them as PyTorch layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from torch import nn

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.network.nodes import constants_of, deconvs
from fcn_edge.surgery.onnx_nodes import read_deconv


@dataclass(frozen=True)
class Upsampler:
    """One ConvTranspose node: where it stands and how it is made. Pairs are (vertical, horizontal)."""

    name: str  # of the node; in an export of ours, the dotted path in the module tree
    source: str  # the tensor that it reads
    module: nn.ConvTranspose2d
    stride: tuple[int, int]
    kernel: tuple[int, int]
    in_channels: int
    out_channels: int
    groups: int


def list_upsamplers(model: onnx.ModelProto) -> list[Upsampler]:
    """Return every ConvTranspose of the graph that can be read, in the graph's order.

    Raises FcnEdgeError when one of them has a weight that is NaN or infinite.
    """
    constants = constants_of(model.graph)
    found = []
    for name, node in deconvs(model.graph):
        _refuse_non_finite(name, node, constants)
        module = read_deconv(node, constants)
        if not isinstance(module, str):
            found.append(_describe(name, node.input[0], module))
    return found


def left_alone(model: onnx.ModelProto) -> dict[str, str]:
    """Return the ConvTranspose nodes that cannot be read: name -> why."""
    constants = constants_of(model.graph)
    read = {name: read_deconv(node, constants) for name, node in deconvs(model.graph)}
    return {name: module for name, module in read.items() if isinstance(module, str)}


def _describe(name: str, source: str, module: nn.ConvTranspose2d) -> Upsampler:
    (stride_y, stride_x), (kernel_y, kernel_x) = module.stride, module.kernel_size
    return Upsampler(
        name,
        source,
        module,
        stride=(stride_y, stride_x),
        kernel=(kernel_y, kernel_x),
        in_channels=module.in_channels,
        out_channels=module.out_channels,
        groups=module.groups,
    )


def _refuse_non_finite(name: str, node: onnx.NodeProto, constants: dict[str, npt.NDArray[Any]]) -> None:
    for key, tensor in zip(("weight", "bias"), node.input[1:], strict=False):
        value = constants.get(tensor)
        if value is None:
            continue
        bad = int((~np.isfinite(value)).sum())
        if bad:
            raise FcnEdgeError(
                f"layer '{name}': {bad} of {value.size} values of its {key} are NaN or infinite",
                hint="retrain, or take an earlier checkpoint",
            )
