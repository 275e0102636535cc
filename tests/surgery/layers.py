"""Random transposed convolutions and independent definitions to compare with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Case:
    """A layer in float64 with random weights, an input for it, and the seed that made both."""

    seed: int
    layer: nn.ConvTranspose2d
    x: Tensor

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.layer} on {tuple(self.x.shape)}"


def random_case(seed: int) -> Case:
    """Return a legal layer: any stride, kernel, padding, output padding, groups, bias, and any input size."""
    rng = np.random.default_rng(seed)
    while True:
        stride, kernel = rng.integers(1, 6, 2), rng.integers(1, 10, 2)
        padding, extra = rng.integers(0, 6, 2), rng.integers(0, stride)
        groups = int(rng.integers(1, 4))
        size = rng.integers(1, 8, 2)
        if ((size - 1) * stride - 2 * padding + kernel + extra < 1).any():
            continue  # no output
        channels = rng.integers(1, 4, 2) * groups
        generator = torch.Generator().manual_seed(seed)
        layer = nn.ConvTranspose2d(
            int(channels[0]), int(channels[1]), tuple(map(int, kernel)), tuple(map(int, stride)),
            tuple(map(int, padding)), tuple(map(int, extra)), groups, bias=bool(rng.integers(2)),
        ).double()  # fmt: skip
        for parameter in layer.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        n = int(rng.integers(1, 3))
        x = torch.randn(n, int(channels[0]), *map(int, size), generator=generator, dtype=torch.float64)
        return Case(seed, layer.requires_grad_(False), x)


def with_kernel(layer: nn.ConvTranspose2d, kernel: Tensor) -> nn.ConvTranspose2d:
    """Return the same layer with another weight."""
    other = nn.ConvTranspose2d(
        layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding,
        layer.output_padding, layer.groups, layer.bias is not None,
    ).double()  # fmt: skip
    other.weight.data = kernel.double()
    if layer.bias is not None:
        other.bias.data = layer.bias.data.clone()
    return other.requires_grad_(False)


def full_convolution(a: Tensor, b: Tensor) -> Tensor:
    """Return the 2-D convolution of every (.., .., ka, ka) of `a` with one (kb, kb) `b`, by definition."""
    ha, wa = a.shape[-2:]
    hb, wb = b.shape
    out = torch.zeros(*a.shape[:-2], ha + hb - 1, wa + wb - 1, dtype=a.dtype)
    for y in range(hb):
        for x in range(wb):
            out[..., y : y + ha, x : x + wa] += a * b[y, x]
    return out


def largest_difference(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape, f"{tuple(a.shape)} against {tuple(b.shape)}"
    return float((a - b).detach().abs().max())
