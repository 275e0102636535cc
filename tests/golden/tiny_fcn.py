"""A tiny FCN with the parts of the real ones: depthwise block, skips, transposed convs, bilinear end."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TinyFCN(nn.Module):
    """FCN-8s in miniature: features at strides 8, 16, 32, x2 transposed convs, 1x1 score layers."""

    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)
    score_stride = 8

    def __init__(self, num_classes: int = 5, width: int = 16, seed: int = 0) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = nn.ModuleList(
            [
                _block(3, width, 2),
                nn.Sequential(_block(width, width, 2), _depthwise(width, 2)),
                _block(width, width, 2),
                _block(width, width, 2),
            ]
        )
        self.score8 = nn.Conv2d(width, num_classes, 1)
        self.score16 = nn.Conv2d(width, num_classes, 1)
        self.score32 = nn.Conv2d(width, num_classes, 1)
        self.up16 = nn.ConvTranspose2d(num_classes, num_classes, 4, 2, 1, bias=False)
        self.up8 = nn.ConvTranspose2d(num_classes, num_classes, 4, 2, 1, bias=False)
        _randomize(self, seed)
        self.eval()

    def forward_scores(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) normalised RGB -> (N, C, ceil(H/8), ceil(W/8))."""
        stem, stride8, stride16, stride32 = self.backbone
        x8 = stride8(stem(image))
        x16 = stride16(x8)
        scores = _crop(self.up16(self.score32(stride32(x16))), x16) + self.score16(x16)
        return _crop(self.up8(scores), x8) + self.score8(x8)

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, C, H, W)."""
        scores = F.interpolate(
            self.forward_scores(image), scale_factor=8.0, mode="bilinear", align_corners=False
        )
        return scores[:, :, : image.shape[2], : image.shape[3]]


def _block(channels: int, out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU6(inplace=True)
    )


def _depthwise(channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(inplace=True),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    )


def _crop(x: Tensor, like: Tensor) -> Tensor:
    return x[:, :, : like.shape[2], : like.shape[3]]


def _randomize(model: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            fan = (
                module.weight[0].numel() if isinstance(module, nn.Conv2d) else module.weight[:, 0].numel() / 4
            )
            module.weight.data.normal_(0, (2 / fan) ** 0.5, generator=generator)
            if module.bias is not None:
                module.bias.data.normal_(0, 0.1, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0.2, 0.2, generator=generator)
