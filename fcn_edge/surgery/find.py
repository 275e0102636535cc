"""Find the transposed convolutions of a network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from fcn_edge.ground.errors import FcnEdgeError


@dataclass(frozen=True)
class Upsampler:
    """One transposed convolution: where it sits and how it is made. Pairs are (vertical, horizontal)."""

    name: str  # dotted path in the module tree
    module: nn.ConvTranspose2d
    stride: tuple[int, int]
    kernel: tuple[int, int]
    in_channels: int
    out_channels: int
    groups: int


def list_upsamplers(model: nn.Module) -> list[Upsampler]:
    """Return every ConvTranspose2d of the module tree in definition order; none gives an empty list.

    Raises FcnEdgeError when one of them has a weight that is NaN or infinite.
    """
    found = [
        _describe(name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ConvTranspose2d)
    ]
    for layer in found:
        _refuse_non_finite(layer)
    return found


def _describe(name: str, module: nn.ConvTranspose2d) -> Upsampler:
    stride_y, stride_x = module.stride
    kernel_y, kernel_x = module.kernel_size
    return Upsampler(
        name,
        module,
        stride=(stride_y, stride_x),
        kernel=(kernel_y, kernel_x),
        in_channels=module.in_channels,
        out_channels=module.out_channels,
        groups=module.groups,
    )


def _refuse_non_finite(layer: Upsampler) -> None:
    for key, value in layer.module.named_parameters():
        bad = int((~torch.isfinite(value)).sum())
        if bad:
            raise FcnEdgeError(
                f"layer '{layer.name}': {bad} of {value.numel()} values of its {key} are NaN or infinite",
                hint="retrain, or take an earlier checkpoint",
            )
