"""MobileNet-EdgeTPU-slim (google-coral), output stride 16: dense 3x3 early, dilated depthwise late.

Key names: `stem`, `blocks.B.{expand,depthwise,project}`, each `.conv` and `.bn`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from fcn_edge.models.layers import tapped

# block number, expand (width, kernel), depthwise kernel (0: none), dilation, output channels, stride
# fmt: off
BLOCKS = (
    (0, None, 0, 1, 16, 1),
    (1, (128, 3), 0, 1, 24, 2),
    (2, (96, 3), 0, 1, 24, 1), (3, (96, 3), 0, 1, 24, 1), (4, (96, 3), 0, 1, 24, 1),
    (5, (192, 3), 0, 1, 40, 2),
    (6, (160, 3), 0, 1, 40, 1), (7, (160, 3), 0, 1, 40, 1), (8, (160, 3), 0, 1, 40, 1),
    (9, (320, 1), 3, 1, 72, 2),
    (10, (288, 1), 3, 1, 72, 1), (11, (288, 1), 3, 1, 72, 1), (12, (288, 1), 3, 1, 72, 1),
    (13, (576, 1), 3, 1, 72, 1),
    (14, (288, 1), 3, 1, 72, 1), (15, (288, 1), 3, 1, 72, 1), (16, (288, 1), 3, 1, 72, 1),
    (17, (576, 1), 5, 1, 120, 1),
    (18, (480, 1), 5, 2, 120, 1), (19, (480, 1), 5, 2, 120, 1), (20, (480, 1), 5, 2, 120, 1),
    (21, (960, 1), 3, 2, 144, 1),
)
# fmt: on
WITHOUT_RESIDUAL = (0, 1, 5, 9, 13, 17, 21)

# Expansion widths of blocks 1..21 after benchmarks/training/narrow_backbone.py: the fewest channels, in
# eights, from which each projection is rebuilt with 1.2 % of its energy lost. 29 % of the
# multiply-accumulates go.
# fmt: off
NARROW_WIDTHS = {
    1: 80, 2: 56, 3: 72, 4: 88, 5: 152, 6: 136, 7: 144, 8: 136, 9: 152, 10: 208, 11: 216, 12: 192, 13: 360,
    14: 216, 15: 208, 16: 200, 17: 328, 18: 328, 19: 240, 20: 232, 21: 464,
}
# fmt: on


class ConvBn(nn.Module):
    """Conv, BatchNorm and, unless linear, ReLU; keys `.conv` and `.bn`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel, stride, padding, dilation, groups, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.Identity() if linear else nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, ceil(h/stride), ceil(w/stride))."""
        return self.relu(self.bn(self.conv(x)))


class Block(nn.Module):
    """Expand (1x1, or dense and strided 3x3), depthwise where there is one, linear 1x1 projection."""

    def __init__(
        self,
        in_channels: int,
        expand: tuple[int, int] | None,
        depthwise: int,
        dilation: int,
        out_channels: int,
        stride: int,
        residual: bool,
    ) -> None:
        super().__init__()
        hidden = in_channels
        self.residual = residual
        if expand is not None:
            hidden, kernel = expand
            self.expand = ConvBn(in_channels, hidden, kernel, 1 if depthwise else stride)
        if depthwise:
            self.depthwise = ConvBn(hidden, hidden, depthwise, stride, dilation, groups=hidden)
        self.project = ConvBn(hidden, out_channels, 1, linear=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, ceil(h/stride), ceil(w/stride))."""
        y = x
        for part in self.children():
            y = part(y)
        return x + y if self.residual else y


class MobileNetEdgeTpuSlim(nn.Module):
    """Feature maps at strides 4, 8 and 16 of normalised RGB. widths: block -> expansion width, if other."""

    channels: ClassVar = {4: 24, 8: 40, 16: 144}
    mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    classifier_keys = ("head.", "aspp0.", "image_pooling.", "concat_projection.", "logits.")
    taps: ClassVar = {4: 4, 8: 8, 21: 16}  # block -> stride of its output

    def __init__(self, widths: Mapping[int, int] | None = None) -> None:
        super().__init__()
        self.stem = ConvBn(3, 24, 3, stride=2)
        self.blocks = nn.ModuleList()
        in_channels = 24
        for number, expand, depthwise, dilation, out_channels, stride in BLOCKS:
            if expand and widths:
                expand = (widths[number], expand[1])
            residual = number not in WITHOUT_RESIDUAL
            self.blocks.append(
                Block(in_channels, expand, depthwise, dilation, out_channels, stride, residual)
            )
            in_channels = out_channels

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Return {stride: (N, C, ceil(H/stride), ceil(W/stride))} of x (N, 3, H, W)."""
        return tapped(self.blocks, self.taps, self.stem(x))


def mobilenet_edgetpu_narrow() -> MobileNetEdgeTpuSlim:
    """Return the backbone cut to NARROW_WIDTHS; benchmarks/training/narrow_backbone.py makes its weights."""
    return MobileNetEdgeTpuSlim(NARROW_WIDTHS)
