"""Closed-form fits of a transposed convolution's kernel D by the kernels of its stand-ins (docs/surgery.md).

All fits are separable: a stand-in with coefficients K draws the kernel A_y K A_x^T, with one small matrix A
per axis, so the least-squares K is pinv(A_y) D pinv(A_x)^T. Everything is computed in float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn_edge.models.upsample import Axis, axes_of


@dataclass(frozen=True)
class Fit:
    """Weights of a stand-in convolution and what they lose."""

    weight: Tensor  # (C', C / groups, m_y, m_x) float64, as nn.Conv2d takes it
    residual: float  # ||D - drawn kernel|| / ||D||, Frobenius over all channels; 0 = exact


def subpixel_weight(deconv: nn.ConvTranspose2d) -> Tensor:
    """Return the convolution weight of SubpixelConv2d, float64: D in another order, nothing lost.

    Output channel c * s_y * s_x + phase_y * s_x + phase_x, as nn.PixelShuffle reads them.
    """
    D = _kernel(deconv)
    y, x = axes_of(deconv)
    my, mx = len(y.phase_taps), len(x.phase_taps)
    full = F.pad(D, [0, mx * x.stride - x.kernel, 0, my * y.stride - y.kernel])
    split = full.reshape(*D.shape[:2], my, y.stride, mx, x.stride).flip(2, 4)
    phases = split.permute(0, 1, 3, 5, 2, 4).reshape(D.shape[0], -1, my, mx)  # (C, C'/g * phases, my, mx)
    return _as_conv(phases, deconv.groups)


def fit_resize_conv(deconv: nn.ConvTranspose2d) -> Fit:
    """Project D onto the kernels box(stride) * K: what a nearest resize and a convolution can draw.

    The residual is the layer's checkerboard energy: the part of D that answers at multiples of 1 / stride.
    """
    y, x = axes_of(deconv)
    return _fit(deconv, _kernel(deconv), box_matrix(y), box_matrix(x))


def fit_bilinear_conv(deconv: nn.ConvTranspose2d) -> Fit:
    """Fit D by a low-resolution convolution followed by a bilinear resize."""
    y, x = axes_of(deconv)
    return _fit(deconv, _in_triangle_frame(deconv), triangle_matrix(y), triangle_matrix(x))


def bilinear_residual(deconv: nn.ConvTranspose2d) -> float:
    """Return ||D - B|| / ||D|| for B the bilinear kernel of each channel onto itself: 0 = a plain resize."""
    y, x = axes_of(deconv)
    D = _in_triangle_frame(deconv)
    triangle = torch.outer(_centre_column(y), _centre_column(x))
    B = torch.zeros_like(D)
    per_group = D.shape[1]
    for channel in range(min(deconv.in_channels, deconv.out_channels)):
        B[channel, channel % per_group] = triangle
    return _relative(D - B, D)


def box_matrix(axis: Axis) -> Tensor:
    """Return A (kernel, box_taps): column u is a box of `stride` ones that starts at tap u."""
    t = torch.arange(axis.kernel)[:, None]
    u = torch.arange(axis.box_taps)[None, :]
    return ((t >= u) & (t < u + axis.stride)).double()


def triangle_matrix(axis: Axis) -> Tensor:
    """Return A (taps of all triangles, triangle_taps): column j is the triangle around offset j."""
    position = torch.tensor([axis.triangle_position(t) for t in _triangle_frame(axis)], dtype=torch.float64)
    offset = torch.tensor(list(axis.triangle_taps), dtype=torch.float64)
    return (1 - (position[:, None] - offset[None, :]).abs()).clamp_min(0)


def _fit(deconv: nn.ConvTranspose2d, D: Tensor, A_y: Tensor, A_x: Tensor) -> Fit:
    K = torch.linalg.pinv(A_y) @ D @ torch.linalg.pinv(A_x).mT
    residual = _relative(D - A_y @ K @ A_x.mT, D)
    return Fit(_as_conv(K.flip(2, 3), deconv.groups), residual)


def _kernel(deconv: nn.ConvTranspose2d) -> Tensor:
    return deconv.weight.detach().double()


def _as_conv(weight: Tensor, groups: int) -> Tensor:
    """(C, C'/groups, a, b) as a transposed convolution has it -> (C', C/groups, a, b) as a convolution."""
    c, per_group, a, b = weight.shape
    grouped = weight.reshape(groups, c // groups, per_group, a, b).transpose(1, 2)
    return grouped.reshape(groups * per_group, c // groups, a, b).contiguous()


def _triangle_frame(axis: Axis) -> range:
    """Taps, from before 0 to beyond the kernel, that the triangles of all offsets reach."""
    first, last = axis.triangle_taps[0], axis.triangle_taps[-1]
    taps = range(-2 * axis.stride, axis.kernel + 2 * axis.stride)
    reached = [t for t in taps if first - 1 < axis.triangle_position(t) < last + 1]
    return range(min(reached[0], 0), max(reached[-1], axis.kernel - 1) + 1)


def _in_triangle_frame(deconv: nn.ConvTranspose2d) -> Tensor:
    y, x = (_triangle_frame(axis) for axis in axes_of(deconv))
    kernel_y, kernel_x = deconv.kernel_size
    return F.pad(_kernel(deconv), [-x[0], x[-1] + 1 - kernel_x, -y[0], y[-1] + 1 - kernel_y])


def _centre_column(axis: Axis) -> Tensor:
    """Return the triangle of the input sample itself (offset 0); zeros when the kernel does not reach it."""
    position = torch.tensor([axis.triangle_position(t) for t in _triangle_frame(axis)], dtype=torch.float64)
    return (1 - position.abs()).clamp_min(0)


def _relative(error: Tensor, reference: Tensor) -> float:
    norm = float(reference.norm())
    return float(error.norm()) / norm if norm > 0 else float(error.norm() > 0)
