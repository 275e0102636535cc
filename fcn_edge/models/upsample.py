"""Learned upsampling and its stand-ins: four ways to write the same (N, C, h, w) -> (N, C', H, W) layer.

Every stand-in has the output size of the transposed convolution it replaces,
H = (h - 1) * stride - 2 * padding + kernel + output_padding, and sees zeros outside the input as it does.
Weights are put in by fcn_edge.surgery; docs/surgery.md has the theory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn_edge.ground.errors import FcnEdgeError, unknown_name

Deconv = nn.ConvTranspose2d  # what the FCN paper calls a deconvolution layer

# What a layer can become. "bilinear" has no parameters, "bilinear-conv" a small convolution before it.
FORMS = ("keep", "subpixel", "bilinear", "bilinear-conv", "resize-conv")


def bilinear_kernel(stride: int, channels: int) -> Tensor:
    """Return the (channels, channels, k, k) deconvolution weight of bilinear interpolation, k = 2s - s % 2.

    float32, one triangle per channel and zeros across channels; use padding = (k - stride) // 2 with it.
    Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks", section 3.3.
    """
    size = 2 * stride - stride % 2
    centre = (size - 1) / 2
    triangle = 1 - (torch.arange(size, dtype=torch.float32) - centre).abs() / stride
    weight = torch.zeros(channels, channels, size, size)
    weight[range(channels), range(channels)] = torch.outer(triangle, triangle)
    return weight


@dataclass(frozen=True)
class Axis:
    """The numbers of a transposed convolution along one axis, and what each stand-in needs of them.

    Output sample o receives kernel tap t = o + padding - stride * i from input sample i.
    """

    kernel: int
    stride: int
    padding: int
    output_padding: int

    def output_size(self, size: int) -> int:
        """Return the output size for an input of `size` samples."""
        return (size - 1) * self.stride + self.reach

    @property
    def reach(self) -> int:
        """Output samples that a single input sample gives."""
        return self.kernel - 2 * self.padding + self.output_padding

    # Sub-pixel: output o is phase (o + crop) % stride of low-resolution sample q = (o + crop) // stride; it
    # reads input q - e through tap phase + padding - crop + stride * e. This crop needs the fewest e.

    @property
    def phase_crop(self) -> int:
        """Samples before output 0 on the grid of phases."""
        return self.padding % self.stride

    @property
    def phase_shift(self) -> int:
        """Tap of phase 0 at e = 0; a multiple of the stride."""
        return self.padding - self.phase_crop

    @property
    def phase_taps(self) -> range:
        """The values of e that some phase uses."""
        first = -(self.phase_shift // self.stride)
        return range(first, first + math.ceil(self.kernel / self.stride))

    @property
    def phase_pads(self) -> tuple[int, int]:
        """Zeros before and after the input of the low-resolution convolution (negative: samples dropped)."""
        samples = math.ceil((self.reach + self.phase_crop) / self.stride)  # for an input of one sample
        return self.phase_taps[-1], samples - 1 - self.phase_taps[0]

    # Nearest resize, then a convolution with `box_taps` taps: kernels of the form box(stride) * K.

    @property
    def box_taps(self) -> int:
        """Taps of the convolution after a nearest resize; below 1 the form does not exist."""
        return self.kernel - self.stride + 1

    @property
    def box_pads(self) -> tuple[int, int]:
        """Zeros before and after the resized input (negative: samples dropped)."""
        before = self.box_taps - 1 - self.padding
        return before, before + self.output_padding

    # Convolution with offsets j (z[i] = sum of G[j] x[i - j]), then a half-pixel bilinear resize whose grid
    # lies on the middle of the kernel: output o is resized sample o + triangle_shift. FCNs with padding 0 and
    # a crop (Caffe's, pytorch-fcn) are resizes too, only shifted.

    @property
    def triangle_shift(self) -> int:
        """Resized samples before output 0; negative: output samples before the resized input."""
        return self.padding - (self.kernel - self.stride) // 2

    def triangle_position(self, tap: int) -> float:
        """Return how far kernel tap `tap` lies from its input sample, in low-resolution samples."""
        return (tap - (self.kernel - self.stride) // 2 + 0.5) / self.stride - 0.5

    @property
    def triangle_taps(self) -> range:
        """Offsets j whose triangle overlaps the kernel."""
        first = math.floor(self.triangle_position(0) - 1) + 1
        last = math.ceil(self.triangle_position(self.kernel - 1) + 1) - 1
        return range(first, last + 1)

    @property
    def triangle_ring(self) -> tuple[int, int]:
        """Low-resolution samples before and after the input that the resize must see (negative: dropped)."""
        before = -((2 * self.triangle_shift + 1 - self.stride) // (2 * self.stride))
        last = self.reach - 1 + self.triangle_shift  # resized sample of the last output of one input sample
        return before, (2 * last + 1 - self.stride) // (2 * self.stride) + 1

    @property
    def triangle_crop(self) -> int:
        """Resized samples, those of the ring included, before output 0."""
        return self.triangle_shift + self.triangle_ring[0] * self.stride


def axes_of(deconv: nn.ConvTranspose2d) -> tuple[Axis, Axis]:
    """Return the vertical and the horizontal axis of a layer."""
    k, s, p, extra = deconv.kernel_size, deconv.stride, deconv.padding, deconv.output_padding
    y, x = (Axis(int(k[i]), int(s[i]), int(p[i]), int(extra[i])) for i in (0, 1))
    return y, x


class Interleave(nn.Module):
    """(N, C * sy * sx, h, w) -> (N, C, h * sy, w * sx): nn.PixelShuffle for strides that may differ."""

    def __init__(self, strides: tuple[int, int]) -> None:
        super().__init__()
        self.strides = strides

    def forward(self, phases: Tensor) -> Tensor:
        """Return the samples of every phase in their places."""
        sy, sx = self.strides
        if sy == sx:
            return F.pixel_shuffle(phases, sy) if sy > 1 else phases
        n, channels, h, w = phases.shape
        split = phases.reshape(n, channels // (sy * sx), sy, sx, h, w)
        return split.permute(0, 1, 4, 2, 5, 3).reshape(n, channels // (sy * sx), h * sy, w * sx)


class Cut(nn.Module):
    """Cuts what a transposed convolution would give out of a canvas that starts `first` (y, x) before it."""

    def __init__(self, axes: tuple[Axis, Axis], first: tuple[int, int]) -> None:
        super().__init__()
        self.axes, self.first = axes, first

    def forward(self, canvas: Tensor, x: Tensor) -> Tensor:
        """Return (N, C', H, W) of a canvas at least as large; x (N, C, h, w) is the layer's input."""
        height, width = (axis.output_size(size) for axis, size in zip(self.axes, x.shape[-2:], strict=True))
        top, left = self.first
        if self.first == (0, 0) and canvas.shape[-2:] == (height, width):
            return canvas
        return canvas[..., top : top + height, left : left + width]


class SubpixelConv2d(nn.Module):
    """The exact form: a convolution with stride^2 as many outputs, interleaved (depth to space), cropped.

    Each phase of the stride has its own filters, hence under INT8 its own weight scale.
    Source: Shi et al. 2016, "Is the deconvolution layer the same as a convolutional layer?".
    """

    def __init__(self, deconv: nn.ConvTranspose2d) -> None:
        super().__init__()
        self.axes = axes_of(deconv)
        y, x = self.axes
        self.conv = nn.Conv2d(
            deconv.in_channels,
            deconv.out_channels * y.stride * x.stride,
            (len(y.phase_taps), len(x.phase_taps)),
            groups=deconv.groups,
            bias=deconv.bias is not None,
        )
        self.pads = _into_conv(self.conv, y.phase_pads, x.phase_pads)
        self.interleave = Interleave((y.stride, x.stride))
        self.cut = Cut(self.axes, (y.phase_crop, x.phase_crop))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to (N, C', H, W)."""
        return self.cut(self.interleave(self.conv(_pad(x, self.pads))), x)


class ResizeConv2d(nn.Module):
    """Nearest resize by the stride, then a convolution: the deconvolutions that cannot draw a checkerboard.

    Source: Odena, Dumoulin, Olah 2016, "Deconvolution and checkerboard artifacts".
    """

    def __init__(self, deconv: nn.ConvTranspose2d) -> None:
        super().__init__()
        y, x = axes_of(deconv)
        self.scale = (float(y.stride), float(x.stride))
        self.conv = nn.Conv2d(
            deconv.in_channels,
            deconv.out_channels,
            (y.box_taps, x.box_taps),
            groups=deconv.groups,
            bias=deconv.bias is not None,
        )
        self.pads = _into_conv(self.conv, y.box_pads, x.box_pads)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to (N, C', H, W)."""
        return self.conv(_pad(F.interpolate(x, scale_factor=self.scale, mode="nearest"), self.pads))


class BilinearConv2d(nn.Module):
    """A low-resolution convolution (or none), then a half-pixel bilinear resize.

    A ring of zeros around the input makes the border that of the transposed convolution; without it the
    resize would repeat the edge samples.
    """

    def __init__(self, deconv: nn.ConvTranspose2d, *, with_conv: bool) -> None:
        super().__init__()
        self.axes = axes_of(deconv)
        y, x = self.axes
        self.scale = (float(y.stride), float(x.stride))
        self.conv: nn.Module
        if with_conv:
            self.conv = nn.Conv2d(
                deconv.in_channels,
                deconv.out_channels,
                (len(y.triangle_taps), len(x.triangle_taps)),
                groups=deconv.groups,
                bias=deconv.bias is not None,
            )
            self.pads = _into_conv(self.conv, *(_ring_and_taps(axis) for axis in self.axes))
        else:
            self.conv = nn.Identity()
            self.pads = [*x.triangle_ring, *y.triangle_ring]
        self.cut = Cut(self.axes, (y.triangle_crop, x.triangle_crop))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to (N, C', H, W)."""
        return self.resize(self.conv(_pad(x, self.pads)), x)

    def resize(self, ringed: Tensor, x: Tensor) -> Tensor:
        """Resize low-resolution samples, ring included, and crop to the output size for input `x`."""
        resized = F.interpolate(ringed, scale_factor=self.scale, mode="bilinear", align_corners=False)
        return self.cut(resized, x)


def shape_like(deconv: nn.ConvTranspose2d, form: str) -> nn.Module:
    """Return the module of `form` with the geometry of `deconv` and untrained weights, to be loaded.

    "keep" returns `deconv` itself. Raises MisuseError for an unknown form and FcnEdgeError for one that this
    layer does not have.
    """
    if form not in FORMS:
        raise unknown_name("upsampling form", form, FORMS)
    if form == "keep":
        return deconv
    if reason := why_not(deconv, form):
        raise FcnEdgeError(f"this transposed convolution has no '{form}' form: {reason}")
    if form == "subpixel":
        made: nn.Module = SubpixelConv2d(deconv)
    elif form == "resize-conv":
        made = ResizeConv2d(deconv)
    else:
        made = BilinearConv2d(deconv, with_conv=form == "bilinear-conv")
    return made.to(deconv.weight.device, deconv.weight.dtype).train(deconv.training)


def why_not(deconv: nn.ConvTranspose2d, form: str) -> str:
    """Return why a layer has no such form, in words, or an empty string when it has."""
    if form == "keep":
        return ""
    if any(step != 1 for step in deconv.dilation):
        return f"dilation {tuple(deconv.dilation)} is not supported"
    if form == "resize-conv" and any(axis.box_taps < 1 for axis in axes_of(deconv)):
        return f"its kernel {tuple(deconv.kernel_size)} is smaller than its stride {tuple(deconv.stride)}"
    if form == "bilinear" and deconv.in_channels != deconv.out_channels:
        return f"a plain resize cannot turn {deconv.in_channels} channels into {deconv.out_channels}"
    return ""


def _ring_and_taps(axis: Axis) -> tuple[int, int]:
    before, after = axis.triangle_ring
    return before + axis.triangle_taps[-1], after - axis.triangle_taps[0]


def _into_conv(conv: nn.Conv2d, y: tuple[int, int], x: tuple[int, int]) -> list[int]:
    """Let the convolution do symmetric zero padding itself; return what is left for F.pad, in its order."""
    if y[0] == y[1] >= 0 and x[0] == x[1] >= 0:
        conv.padding = (y[0], x[0])
        conv._reversed_padding_repeated_twice = [x[0], x[0], y[0], y[0]]
        return []
    return [*x, *y]


def _pad(x: Tensor, pads: list[int]) -> Tensor:
    return F.pad(x, pads) if any(pads) else x
