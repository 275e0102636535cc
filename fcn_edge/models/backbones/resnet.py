"""ResNets (He et al. 2016) with torchvision's key names, plain and dilated as in its fcn_resnet."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convs and a skip; the skip is a strided 1x1 conv where the shape changes."""

    expansion = 1

    def __init__(self, in_channels: int, planes: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, planes, 3, stride, dilation, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = shortcut(in_channels, planes, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, planes, ceil(h/stride), ceil(w/stride))."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        skip = x if self.downsample is None else self.downsample(x)
        return self.relu(y + skip)


class Bottleneck(nn.Module):
    """1x1 down, 3x3, 1x1 up to 4 * planes; the stride sits in the 3x3 as torchvision has it (ResNet v1.5)."""

    expansion = 4

    def __init__(self, in_channels: int, planes: int, stride: int, dilation: int) -> None:
        super().__init__()
        out_channels = planes * self.expansion
        self.conv1 = nn.Conv2d(in_channels, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, 4 * planes, ceil(h/stride), ceil(w/stride))."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        skip = x if self.downsample is None else self.downsample(x)
        return self.relu(y + skip)


def shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    """Return the strided 1x1 conv and BatchNorm of a skip whose shape changes, else None."""
    if stride == 1 and in_channels == out_channels:
        return None
    conv = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


Block = type[BasicBlock] | type[Bottleneck]


class ResNet(nn.Module):
    """Feature maps of normalised RGB at strides 4, 8, 16 and 32.

    blocks: how many in each of 4 stages. dilated: the last two stages keep stride 8 and dilate by 2 and 4
    instead, as in torchvision's fcn_resnet; then only stride 8 has features, those of the last stage.
    """

    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    classifier_keys: ClassVar = ("fc.",)

    def __init__(self, block: Block, blocks: tuple[int, int, int, int], dilated: bool = False) -> None:
        super().__init__()
        self.dilated = dilated
        wide = block.expansion
        plain = {4: 64 * wide, 8: 128 * wide, 16: 256 * wide, 32: 512 * wide}
        self.channels = {8: 512 * wide} if dilated else plain
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = stage(block, 64, 64, blocks[0], stride=1)
        self.layer2 = stage(block, 64 * wide, 128, blocks[1], stride=2)
        self.layer3 = stage(block, 128 * wide, 256, blocks[2], *((1, 1, 2) if dilated else (2, 1, 1)))
        self.layer4 = stage(block, 256 * wide, 512, blocks[3], *((1, 2, 4) if dilated else (2, 1, 1)))

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Return {stride: (N, C, ceil(H/stride), ceil(W/stride))} of x (N, 3, H, W)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        first = self.layer1(x)
        second = self.layer2(first)
        third = self.layer3(second)
        last = self.layer4(third)
        return {8: last} if self.dilated else {4: first, 8: second, 16: third, 32: last}


def stage(
    block: Block, in_channels: int, planes: int, blocks: int, stride: int, first: int = 1, rest: int = 1
) -> nn.Sequential:
    """Return `blocks` blocks, the first with the stride and dilation `first`, the others with `rest`."""
    made = [block(in_channels, planes, stride, first)]
    made += [block(planes * block.expansion, planes, 1, rest) for _ in range(blocks - 1)]
    return nn.Sequential(*made)


class FcnResNet(nn.Module):
    """torchvision's fcn_resnet up to its last 1x1 conv: a dilated ResNet and a 3x3 conv to 512 channels.

    Keys: `body` for torchvision's `backbone`, `classifier.0` and `.1` as there; `classifier.4` scores.
    """

    channels: ClassVar = {8: 512}
    mean, std = ResNet.mean, ResNet.std
    classifier_keys: ClassVar = ("fc.",)

    def __init__(self, blocks: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.body = ResNet(Bottleneck, blocks, dilated=True)
        conv = nn.Conv2d(2048, 512, 3, 1, 1, bias=False)
        self.classifier = nn.Sequential(conv, nn.BatchNorm2d(512), nn.ReLU(inplace=True), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Return {8: (N, 512, ceil(H/8), ceil(W/8))} of x (N, 3, H, W)."""
        return {8: self.classifier(self.body(x)[8])}


def resnet18() -> ResNet:
    """Return the backbone of torchvision's resnet18."""
    return ResNet(BasicBlock, (2, 2, 2, 2))


def resnet34() -> ResNet:
    """Return the backbone of torchvision's resnet34."""
    return ResNet(BasicBlock, (3, 4, 6, 3))


def resnet50() -> ResNet:
    """Return the backbone of torchvision's resnet50."""
    return ResNet(Bottleneck, (3, 4, 6, 3))


def fcn_resnet50() -> FcnResNet:
    """Return torchvision's fcn_resnet50 without its last conv."""
    return FcnResNet((3, 4, 6, 3))


def fcn_resnet101() -> FcnResNet:
    """Return torchvision's fcn_resnet101 without its last conv."""
    return FcnResNet((3, 4, 23, 3))
