"""AlexNet (Krizhevsky 2014) as the FCN paper uses it: fc layers become convolutions."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from fcn_edge.models.layers import crop

CHANNELS = (64, 192, 384, 256, 256)


class AlexNet(nn.Module):
    """Feature maps of normalised RGB at strides 8, 16 (conv2, conv5) and 32 (fc7), torchvision's key names.

    Convs and pools are padded so that sizes are ceil(n / stride) where the paper pads the image by 100:
    position (y, x) of a map is the classifier's with its window a little further up and left.
    hidden: channels of fc6 and fc7; the published net has 4096.
    """

    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    classifier_keys: ClassVar = ("classifier.6.",)  # fc8: a new scoring layer takes its place

    def __init__(self, channels: tuple[int, int, int, int, int] = CHANNELS, hidden: int = 4096) -> None:
        super().__init__()
        self.channels = {8: channels[1], 16: channels[4], 32: hidden}
        self.features = alexnet_features(channels, any_size=True)
        self.classifier = nn.Sequential(
            nn.Dropout(),
            nn.Conv2d(channels[4], hidden, 6, padding=3),  # fc6
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Conv2d(hidden, hidden, 1),  # fc7
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Return {stride: (N, C, ceil(H/stride), ceil(W/stride))} of x (N, 3, H, W)."""
        unpooled = []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                unpooled.append(x)
            x = layer(x)
        coarsest = crop(self.classifier(x), x.shape[-2], x.shape[-1])  # an even kernel gives one more
        return {8: unpooled[1], 16: unpooled[2], 32: coarsest}


def alexnet_features(channels: tuple[int, ...], *, any_size: bool) -> nn.Sequential:
    """Return the convs, ReLUs and pools of AlexNet, indexed as torchvision's `features`.

    any_size: pad so that every stride rounds the size up; else as published.
    """
    a, b, c, d, e = channels
    pad = 1 if any_size else 0
    return nn.Sequential(
        nn.Conv2d(3, a, 11, 4, 5 if any_size else 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, pad),
        nn.Conv2d(a, b, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, pad),
        nn.Conv2d(b, c, 3, padding=1), nn.ReLU(inplace=True),
        nn.Conv2d(c, d, 3, padding=1), nn.ReLU(inplace=True),
        nn.Conv2d(d, e, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, pad),
    )  # fmt: skip
