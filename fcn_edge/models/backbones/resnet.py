"""ResNet-18 and ResNet-34 (He et al. 2016) with torchvision's key names."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convs and a skip; the skip is a strided 1x1 conv where the shape changes."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        same = stride == 1 and in_channels == out_channels
        self.downsample = (
            None
            if same
            else nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, ceil(h/stride), ceil(w/stride))."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        skip = x if self.downsample is None else self.downsample(x)
        return self.relu(y + skip)


class ResNet(nn.Module):
    """Feature maps at strides 8, 16 and 32 of normalised RGB. blocks: how many in each of 4 stages."""

    channels: ClassVar = {8: 128, 16: 256, 32: 512}
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    classifier_keys = ("fc.",)

    def __init__(self, blocks: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = stage(64, 64, blocks[0], stride=1)
        self.layer2 = stage(64, 128, blocks[1], stride=2)
        self.layer3 = stage(128, 256, blocks[2], stride=2)
        self.layer4 = stage(256, 512, blocks[3], stride=2)

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Return {stride: (N, C, ceil(H/stride), ceil(W/stride))} of x (N, 3, H, W)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        at8 = self.layer2(self.layer1(x))
        at16 = self.layer3(at8)
        return {8: at8, 16: at16, 32: self.layer4(at16)}


def stage(in_channels: int, out_channels: int, blocks: int, stride: int) -> nn.Sequential:
    """Return `blocks` basic blocks, the first with the stride."""
    first = BasicBlock(in_channels, out_channels, stride)
    return nn.Sequential(first, *(BasicBlock(out_channels, out_channels, 1) for _ in range(blocks - 1)))


def resnet18() -> ResNet:
    """Return the backbone of torchvision's resnet18."""
    return ResNet((2, 2, 2, 2))


def resnet34() -> ResNet:
    """Return the backbone of torchvision's resnet34."""
    return ResNet((3, 4, 6, 3))
