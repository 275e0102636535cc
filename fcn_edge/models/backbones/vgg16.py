"""VGG-16 (Simonyan and Zisserman 2015) as the FCN paper uses it: fc layers become convolutions."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

CONVS = (2, 2, 3, 3, 3)  # 3x3 convs in each of five stages; a 2x2 max pool ends every one


class VGG16(nn.Module):
    """Feature maps of normalised RGB at strides 8, 16 (pool3, pool4) and 32 (fc7), torchvision's key names.

    Pools round up and fc6 is padded, so sizes are ceil(n / stride) where the paper pads the image by 100.
    width: channels of the first conv; the published net has 64.
    """

    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    classifier_keys: ClassVar = ("classifier.6.",)  # fc8: a new scoring layer takes its place

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.channels = {8: 4 * width, 16: 8 * width, 32: 64 * width}
        self.features = vgg_features(width, ceil_mode=True)
        self.classifier = nn.Sequential(
            nn.Conv2d(8 * width, 64 * width, 7, padding=3),  # fc6
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Conv2d(64 * width, 64 * width, 1),  # fc7
            nn.ReLU(inplace=True),
            nn.Dropout(),
        )

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Return {stride: (N, C, ceil(H/stride), ceil(W/stride))} of x (N, 3, H, W)."""
        pools = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                pools.append(x)
        return {8: pools[2], 16: pools[3], 32: self.classifier(pools[4])}


def vgg_features(width: int, *, ceil_mode: bool) -> nn.Sequential:
    """Return the convs, ReLUs and pools of VGG-16, indexed as torchvision's `features`."""
    layers: list[nn.Module] = []
    in_channels = 3
    for stage, convs in enumerate(CONVS):
        out_channels = width * min(2**stage, 8)
        for _ in range(convs):
            layers += [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU(inplace=True)]
            in_channels = out_channels
        layers += [nn.MaxPool2d(2, 2, ceil_mode=ceil_mode)]
    return nn.Sequential(*layers)
