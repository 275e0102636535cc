"""Small blocks that several networks share. Every conv here is followed by ops that fold into it for INT8."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn_edge.models.upsample import bilinear_kernel


def conv_bn(
    in_channels: int,
    out_channels: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    dilation: int = 1,
    eps: float = 1e-5,
) -> nn.Sequential:
    """Return conv (no bias, padded to size ceil(n / stride)) and its BatchNorm, keys `.0` and `.1`."""
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels, eps=eps))


def conv_bn_relu(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return conv, BatchNorm, ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def conv_bn_relu6(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1, eps: float = 1e-5
) -> nn.Sequential:
    """Return conv, BatchNorm, ReLU6."""
    return conv_bn(in_channels, out_channels, kernel, stride, groups, eps=eps).append(nn.ReLU6(inplace=True))


def tapped(blocks: Iterable[nn.Module], taps: Mapping[int, int], x: Tensor) -> dict[int, Tensor]:
    """Return {stride: output} of those of the blocks, run one after the other, that `taps` gives a stride."""
    found: dict[int, Tensor] = {}
    for number, block in enumerate(blocks):
        x = block(x)
        if number in taps:
            found[taps[number]] = x
    return found


def bilinear_deconv(channels: int, stride: int, out_channels: int | None = None) -> nn.ConvTranspose2d:
    """Return a transposed conv of kernel 2s, stride s that starts as bilinear upsampling of each channel.

    (N, channels, h, w) -> (N, out_channels, s*h, s*w). It is dense: training may mix the channels. With other
    out_channels it starts as bilinear upsampling of random mixtures of variance 1 / channels.
    """
    deconv = nn.ConvTranspose2d(
        channels, out_channels or channels, 2 * stride, stride, stride // 2, bias=False
    )
    with torch.no_grad():
        if out_channels in (None, channels):
            deconv.weight.copy_(bilinear_kernel(stride, channels))
        else:
            mixture = torch.randn(*deconv.weight.shape[:2]) / channels**0.5
            deconv.weight.copy_(mixture[..., None, None] * bilinear_kernel(stride, 1))
    return deconv


def upsample_bilinear(x: Tensor, stride: int) -> Tensor:
    """Return x enlarged by `stride`, half-pixel centres, edges clamped: (N, C, h, w) -> (N, C, s*h, s*w)."""
    return F.interpolate(x, scale_factor=float(stride), mode="bilinear", align_corners=False)


def crop(x: Tensor, height: int, width: int) -> Tensor:
    """Return the top left (height, width) of x: what rounding up added lies at the bottom and right."""
    return x[..., :height, :width]


class ContextBranch(nn.Module):
    """What the whole picture says, added to every position: global mean, 1x1 conv, ReLU (ParseNet, 2015).

    Its conv has a bias instead of a BatchNorm: one value a picture is too few for batch statistics.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, width, 1, 1) of x (N, C, h, w)."""
        return self.relu(self.conv(x.mean(dim=(2, 3), keepdim=True)))


def normal_init(conv: nn.Module) -> None:
    """Fill a scoring conv with N(0, 0.01) weights and zero bias."""
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    nn.init.normal_(conv.weight, std=0.01)
    nn.init.zeros_(conv.bias)
