"""MobileNetV3 large and small (Howard et al. 2019) with torchvision's key names.

For those who have its weights. Squeeze-excite and hard-swish cost INT8 engines more than they give: for a new
model take a backbone with ReLU only (docs/models.md).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from fcn_edge.models.layers import conv_bn, tapped

BN_EPS = 1e-3


class Row(NamedTuple):
    """One block in the tables 1 and 2 of the paper."""

    kernel: int
    expanded: int
    channels: int
    squeeze: bool  # squeeze-excite
    swish: bool  # hard-swish, else ReLU
    stride: int


LARGE = (
    Row(3, 16, 16, False, False, 1), Row(3, 64, 24, False, False, 2), Row(3, 72, 24, False, False, 1),
    Row(5, 72, 40, True, False, 2), Row(5, 120, 40, True, False, 1), Row(5, 120, 40, True, False, 1),
    Row(3, 240, 80, False, True, 2), Row(3, 200, 80, False, True, 1), Row(3, 184, 80, False, True, 1),
    Row(3, 184, 80, False, True, 1), Row(3, 480, 112, True, True, 1), Row(3, 672, 112, True, True, 1),
    Row(5, 672, 160, True, True, 2), Row(5, 960, 160, True, True, 1), Row(5, 960, 160, True, True, 1),
)  # fmt: skip
SMALL = (
    Row(3, 16, 16, True, False, 2), Row(3, 72, 24, False, False, 2), Row(3, 88, 24, False, False, 1),
    Row(5, 96, 40, True, True, 2), Row(5, 240, 40, True, True, 1), Row(5, 240, 40, True, True, 1),
    Row(5, 120, 48, True, True, 1), Row(5, 144, 48, True, True, 1), Row(5, 288, 96, True, True, 2),
    Row(5, 576, 96, True, True, 1), Row(5, 576, 96, True, True, 1),
)  # fmt: skip


class SqueezeExcite(nn.Module):
    """Channels weighted by what the whole picture says: mean, 1x1 conv, ReLU, 1x1 conv, hard sigmoid."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.relu = nn.ReLU(inplace=True)
        self.gate = nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Return x (N, C, h, w) with each channel scaled by 0..1."""
        return x * self.gate(self.fc2(self.relu(self.fc1(x.mean(dim=(2, 3), keepdim=True)))))


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise k x k, squeeze-excite, linear projection; keys `block.0`, `block.1`, ..."""

    def __init__(self, in_channels: int, row: Row) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if row.expanded != in_channels:
            layers.append(conv_bn_act(in_channels, row.expanded, 1, swish=row.swish))
        layers.append(
            conv_bn_act(row.expanded, row.expanded, row.kernel, row.stride, row.expanded, swish=row.swish)
        )
        if row.squeeze:
            layers.append(SqueezeExcite(row.expanded, round_to_8(row.expanded // 4)))
        layers.append(conv_bn(row.expanded, row.channels, 1, eps=BN_EPS))
        self.block = nn.Sequential(*layers)
        self.residual = row.stride == 1 and in_channels == row.channels

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels, ceil(h/stride), ceil(w/stride))."""
        return x + self.block(x) if self.residual else self.block(x)


class MobileNetV3(nn.Module):
    """Feature maps at strides 4, 8, 16 and 32 of normalised RGB."""

    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

    def __init__(self, rows: tuple[Row, ...]) -> None:
        super().__init__()
        self.features = nn.ModuleList([conv_bn_act(3, 16, 3, stride=2, swish=True)])
        self.channels: dict[int, int] = {}
        self.taps: dict[int, int] = {}  # block -> stride, for the last block at each stride
        in_channels, stride = 16, 2
        for number, row in enumerate(rows, start=1):
            self.features.append(InvertedResidual(in_channels, row))
            in_channels, stride = row.channels, stride * row.stride
            if stride >= 4 and (number == len(rows) or rows[number].stride == 2):
                self.taps[number], self.channels[stride] = stride, in_channels
        self.classifier_keys = (f"features.{len(rows) + 1}.", "classifier.")

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Return {stride: (N, C, ceil(H/stride), ceil(W/stride))} of x (N, 3, H, W)."""
        return tapped(self.features, self.taps, x)


def conv_bn_act(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1, *, swish: bool
) -> nn.Sequential:
    """Return conv, BatchNorm, hard-swish or ReLU."""
    activation = nn.Hardswish(inplace=True) if swish else nn.ReLU(inplace=True)
    return conv_bn(in_channels, out_channels, kernel, stride, groups, eps=BN_EPS).append(activation)


def round_to_8(channels: int) -> int:
    """Return the multiple of 8 nearest to `channels`, but no more than a tenth below it."""
    near = max(8, (channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def mobilenet_v3_large() -> MobileNetV3:
    """Return the backbone of torchvision's mobilenet_v3_large."""
    return MobileNetV3(LARGE)


def mobilenet_v3_small() -> MobileNetV3:
    """Return the backbone of torchvision's mobilenet_v3_small."""
    return MobileNetV3(SMALL)
