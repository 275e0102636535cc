"""The fully convolutional network: coarse scores are upsampled and meet finer skips (Long et al. 2015)."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from fcn_edge.models.backbones import Backbone
from fcn_edge.models.layers import (
    ContextBranch,
    bilinear_deconv,
    conv_bn_relu,
    crop,
    normal_init,
    upsample_bilinear,
)
from fcn_edge.models.spec import ModelSpec

Triple = tuple[float, float, float]  # one value a channel, RGB


class FCN(nn.Module):
    """FCN-32s, FCN-16s or FCN-8s on any backbone, and FCN-4s: one skip more, for things a few pixels wide.

    backbone: maps (N, 3, H, W) to {stride: (N, C, ceil(H/stride), ceil(W/stride))}. finest: the stride of the
    last skip (32, 16, 8 or 4). Sizes need not be multiples of anything: every stride rounds up, and each
    upsampled map is cropped at the bottom and right to the skip it meets.
    """

    def __init__(self, spec: ModelSpec, backbone: Backbone, finest: int) -> None:
        super().__init__()
        self.spec = spec
        self.backbone: Backbone = backbone
        channels: dict[int, int] = backbone.channels
        self.mean: Triple = backbone.mean
        self.std: Triple = backbone.std
        self.strides = sorted((s for s in channels if s >= finest), reverse=True)  # coarse to fine
        self.score_stride = finest if spec.final == "bilinear" else 1

        width, coarsest = {s: head_width(spec, s) for s in self.strides}, self.strides[0]
        lateral = edge_lateral if spec.head_width else score_lateral
        self.context = ContextBranch(channels[coarsest], width[coarsest]) if spec.context else None
        self.lateral = nn.ModuleDict({str(s): lateral(channels[s], width[s]) for s in self.strides})
        self.up = nn.ModuleDict(
            {str(to): bilinear_deconv(width[at], at // to, width[to]) for at, to in self._steps()}
        )
        self.fuse = nn.ModuleDict(
            {
                str(s): conv_bn_relu(width[s], width[s], 3) if spec.head_width else nn.Identity()
                for s in self.strides[1:]
            }
        )
        self.classifier = nn.Conv2d(width[finest], spec.num_classes, 1) if spec.head_width else nn.Identity()
        self.final = bilinear_deconv(spec.num_classes, finest) if spec.final == "deconv" else nn.Identity()
        self._init_scores()

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores (N, classes, H, W) of normalised RGB x, float (N, 3, H, W)."""
        scores = self.forward_scores(x)
        if self.score_stride > 1:
            scores = upsample_bilinear(scores, self.score_stride)
        return crop(scores, x.shape[-2], x.shape[-1])

    def forward_scores(self, x: Tensor) -> Tensor:
        """Return class scores (N, classes, ceil(H/S), ceil(W/S)) at S = score_stride."""
        features = self.backbone(x)
        coarsest = self.strides[0]
        y = self.lateral[str(coarsest)](features[coarsest])
        if self.context is not None:
            y = y + self.context(features[coarsest])
        for stride in self.strides[1:]:
            skip = self.lateral[str(stride)](features[stride])
            y = crop(self.up[str(stride)](y), skip.shape[-2], skip.shape[-1])
            y = self.fuse[str(stride)](y + skip)
        scores = self.final(self.classifier(y))
        return crop(scores, x.shape[-2], x.shape[-1]) if self.score_stride == 1 else scores

    def _steps(self) -> list[tuple[int, int]]:
        return list(zip(self.strides[:-1], self.strides[1:], strict=True))

    def _init_scores(self) -> None:
        if self.spec.head_width:
            normal_init(self.classifier)
            return
        for stride in self.strides[
            1:
        ]:  # a new skip starts silent, so FCN-16s starts as the FCN-32s it came from
            nn.init.zeros_(cast(nn.Conv2d, self.lateral[str(stride)]).weight)


def head_width(spec: ModelSpec, stride: int) -> int:
    """Return the head's channels at a stride: half at stride 4, whose maps are four times as large."""
    width = spec.head_width or spec.num_classes
    return (width + 1) // 2 if spec.head_width and stride < 8 else width


def edge_lateral(in_channels: int, width: int) -> nn.Module:
    """Return the skip of the edge head: features to `width` channels, ReLU."""
    return conv_bn_relu(in_channels, width, 1)


def score_lateral(in_channels: int, num_classes: int) -> nn.Module:
    """Return the skip of the paper's head: features straight to class scores."""
    conv = nn.Conv2d(in_channels, num_classes, 1)
    normal_init(conv)
    return conv
