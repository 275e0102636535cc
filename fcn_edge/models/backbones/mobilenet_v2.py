"""MobileNetV2 1.0 (Sandler et al. 2018) with torchvision's key names."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from fcn_edge.models.layers import conv_bn, conv_bn_relu6, tapped

# expand ratio, channels, blocks, stride
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise 3x3, linear projection; keys `conv.0`, `conv.1`, ... as in torchvision."""

    def __init__(self, in_channels: int, out_channels: int, expand: int, stride: int) -> None:
        super().__init__()
        hidden = in_channels * expand
        layers: list[nn.Module] = [] if expand == 1 else [conv_bn_relu6(in_channels, hidden, 1)]
        layers += [conv_bn_relu6(hidden, hidden, 3, stride, groups=hidden)]
        layers += [*conv_bn(hidden, out_channels, 1)]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, ceil(h/stride), ceil(w/stride))."""
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    """Feature maps at strides 4, 8, 16 and 32 of normalised RGB."""

    channels: ClassVar = {4: 24, 8: 32, 16: 96, 32: 320}
    # Those of Google's original weights, which keep the inputs in -1..1. torchvision's own weights were
    # trained with the ImageNet mean and std; fine-tuning absorbs the difference.
    mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    classifier_keys = ("features.18.", "classifier.")
    taps: ClassVar = {
        3: 4,
        6: 8,
        13: 16,
        17: 32,
    }  # block -> stride of its output, where the next block halves the size

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleList([conv_bn_relu6(3, 32, 3, stride=2)])
        in_channels = 32
        for expand, out_channels, blocks, stride in STAGES:
            for j in range(blocks):
                self.features.append(
                    InvertedResidual(in_channels, out_channels, expand, stride if j == 0 else 1)
                )
                in_channels = out_channels

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Return {stride: (N, C, ceil(H/stride), ceil(W/stride))} of x (N, 3, H, W)."""
        return tapped(self.features, self.taps, x)
