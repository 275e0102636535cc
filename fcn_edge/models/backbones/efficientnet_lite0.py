"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-excite, ReLU6 instead of swish (Google TPU repository).

Key names follow torchvision's efficientnet_b0 with the squeeze-excite module left out.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from fcn_edge.models.layers import conv_bn, conv_bn_relu6, tapped

BN_EPS = 1e-3  # as trained: a tenth of the running variances are below 0.011, so 1e-5 is another function

# expand ratio, kernel, stride, channels, blocks; stage S of the key `features.S` is row S
STAGES = (
    (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
)  # fmt: skip


class MBConv(nn.Module):
    """Expand 1x1, depthwise k x k, project 1x1 without activation; residual where the shape allows."""

    def __init__(self, in_channels: int, out_channels: int, expand: int, kernel: int, stride: int) -> None:
        super().__init__()
        hidden = in_channels * expand
        layers: list[nn.Module] = [] if expand == 1 else [conv_bn_relu6(in_channels, hidden, 1, eps=BN_EPS)]
        layers += [conv_bn_relu6(hidden, hidden, kernel, stride, hidden, BN_EPS)]
        layers += [conv_bn(hidden, out_channels, 1, eps=BN_EPS)]
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, ceil(h/stride), ceil(w/stride))."""
        return x + self.block(x) if self.residual else self.block(x)


class EfficientNetLite0(nn.Module):
    """Feature maps at strides 4, 8, 16 and 32 of normalised RGB."""

    channels: ClassVar = {4: 24, 8: 40, 16: 112, 32: 320}
    mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    classifier_keys = ("features.8.", "classifier.")  # in the published weights, not in an FCN
    taps: ClassVar = {
        2: 4,
        3: 8,
        5: 16,
        7: 32,
    }  # stage -> stride of its output, where the next stage halves the size

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleList([conv_bn_relu6(3, 32, 3, 2, eps=BN_EPS)])
        in_channels = 32
        for expand, kernel, stride, out_channels, blocks in STAGES:
            stage = nn.Sequential()
            for j in range(blocks):
                stage.append(MBConv(in_channels, out_channels, expand, kernel, stride if j == 0 else 1))
                in_channels = out_channels
            self.features.append(stage)

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Return {stride: (N, C, ceil(H/stride), ceil(W/stride))} of x (N, 3, H, W)."""
        return tapped(self.features, self.taps, x)
