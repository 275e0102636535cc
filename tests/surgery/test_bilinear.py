"""docs/surgery.md, statements 4 and 5: bilinear resize, its border, and the fitted convolution before it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fcn_edge.models.upsample import axes_of, bilinear_kernel, shape_like
from fcn_edge.surgery.candidates import make_candidate
from fcn_edge.surgery.fit import triangle_matrix
from surgery.layers import largest_difference, random_case


def bilinear_layer(stride: int, channels: int, groups: int = 1) -> nn.ConvTranspose2d:
    kernel = bilinear_kernel(stride, channels)
    size = kernel.shape[-1]
    layer = nn.ConvTranspose2d(
        channels, channels, size, stride, (size - stride) // 2, groups=groups, bias=False
    ).double()
    dense = kernel.double()
    layer.weight.data = dense if groups == 1 else dense[range(channels), range(channels)][:, None]
    return layer.requires_grad_(False)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 5, 8, 16, 32])
@pytest.mark.parametrize("depthwise", [False, True])
def test_bilinear_layer_becomes_a_plain_resize_that_is_equal_up_to_the_border(
    stride: int, depthwise: bool
) -> None:
    channels = 3
    layer = bilinear_layer(stride, channels, channels if depthwise else 1)
    made = make_candidate(layer, "bilinear")
    assert made.form == "bilinear"
    assert not list(made.module.parameters())
    x = torch.randn(1, channels, 5, 7, dtype=torch.float64)
    # bilinear_kernel is float32; strides that are no power of two round there
    assert largest_difference(made.module(x), layer(x)) < 1e-6


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 8, 32])
@pytest.mark.parametrize("padding", [0, 1, 5])
def test_bilinear_layer_of_any_padding_becomes_a_plain_resize_too(stride: int, padding: int) -> None:
    """FCNs of the Caffe line have padding 0 and crop afterwards."""
    layer = bilinear_layer(stride, 2)
    layer.padding = (padding, padding)
    made = make_candidate(layer, "bilinear")
    assert made.form == "bilinear"
    x = torch.randn(1, 2, 12, 15, dtype=torch.float64)
    assert largest_difference(made.module(x), layer(x)) < 1e-6


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_resize_without_the_ring_of_zeros_differs_only_within_half_a_stride_of_the_border(
    stride: int,
) -> None:
    layer = bilinear_layer(stride, 2)
    x = torch.randn(1, 2, 6, 9, dtype=torch.float64)
    clamped = nn.functional.interpolate(x, scale_factor=stride, mode="bilinear", align_corners=False)
    difference = (clamped - layer(x)).abs()
    half = stride // 2
    assert float(difference[..., half:-half, half:-half].max()) < 1e-12
    assert float(difference[..., 0, :].max()) > 1e-3


def test_convolution_and_resize_equal_the_deconvolution_with_the_kernel_they_draw() -> None:
    """Random coefficients G draw the kernel sum of G[j] triangle[t - s j], at the border too."""
    for seed in range(100):
        case = random_case(seed)
        layer = case.layer
        made = shape_like(layer, "bilinear-conv")
        conv = made.conv
        conv.weight.data = torch.randn_like(conv.weight)
        expected = draw_by_definition(conv.weight, conv.bias, layer, case.x)
        assert largest_difference(made(case.x).detach(), expected) < 1e-10, str(case)


def test_fitted_convolution_is_the_least_squares_one() -> None:
    """Nudging the fitted coefficients in any direction does not lower the distance of the kernels."""
    for seed in range(20):
        case = random_case(seed)
        made = make_candidate(case.layer, "bilinear")
        if made.form != "bilinear-conv":
            continue
        conv = made.module.conv
        at_fit = kernel_distance(conv.weight.detach(), case.layer)
        assert at_fit == pytest.approx(made.residual, abs=1e-9), str(case)
        for nudge in range(5):
            torch.manual_seed(nudge)
            near = conv.weight.detach() + 1e-3 * torch.randn_like(conv.weight)
            assert kernel_distance(near, case.layer) >= at_fit, str(case)


def triangle(position: float) -> float:
    return max(0.0, 1.0 - abs(position))


def draw_by_definition(
    weight: torch.Tensor, bias: torch.Tensor | None, layer: nn.ConvTranspose2d, x: torch.Tensor
) -> torch.Tensor:
    """Convolve x (zeros outside) at low resolution, then interpolate each output by the triangle formula."""
    axes = axes_of(layer)
    taps = [axis.triangle_taps for axis in axes]
    margin = 12
    padded = nn.functional.pad(x, [margin] * 4)
    low = nn.functional.conv2d(
        padded, weight.detach(), None if bias is None else bias.detach(), groups=layer.groups
    )
    weights = []
    for axis, tap, length, size in zip(axes, taps, low.shape[-2:], x.shape[-2:], strict=True):
        # the first sample of `low` sees inputs from -margin on, so it is number tap[-1] - margin
        # the middle of the kernel is where the resize puts an input sample
        shift = axis.padding - (axis.kernel - axis.stride) // 2
        source = (np.arange(axis.output_size(size)) + shift + 0.5) / axis.stride - 0.5
        numbers = np.arange(length) + tap[-1] - margin
        weights.append(
            torch.tensor([[triangle(s - i) for i in numbers] for s in source], dtype=torch.float64)
        )
    return weights[0] @ low @ weights[1].mT


def kernel_distance(weight: torch.Tensor, layer: nn.ConvTranspose2d) -> float:
    """Return ||D - drawn|| / ||D|| by drawing on an impulse response large enough for both kernels."""
    y, x = axes_of(layer)
    c, per_group = layer.weight.shape[:2]
    grouped = weight.flip(2, 3).reshape(layer.groups, per_group, c // layer.groups, *weight.shape[-2:])
    G = grouped.transpose(1, 2).reshape(c, per_group, *weight.shape[-2:])
    drawn = triangle_matrix(y) @ G @ triangle_matrix(x).mT
    D = torch.zeros_like(drawn)
    top, left = (-first_tap(axis) for axis in (y, x))
    D[..., top : top + y.kernel, left : left + x.kernel] = layer.weight
    return float((D - drawn).norm() / D.norm())


def first_tap(axis) -> int:
    """Return the first tap (at most 0) that some triangle of the axis reaches."""
    first = axis.triangle_taps[0]
    reached = [t for t in range(-3 * axis.stride, 1) if axis.triangle_position(t) > first - 1]
    return min(reached)
