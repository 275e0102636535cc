"""Score the Cityscapes network on CamVid with no training at all: what its features carry over, and what
narrowing its backbone costs.

    python benchmarks/training/zero_shot.py --data camvid:data/camvid \\
        --head deeplab_edgetpu_slim_cityscapes.safetensors --backbone runs/edgetpu_narrow.safetensors

Without --backbone the published network is scored whole. Every n-th frame of train and of val is used; the 19
classes are mapped to CamVid's 11 by name.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fcn_edge.data import open_dataset
from fcn_edge.models.backbones.mobilenet_edgetpu_slim import (
    ConvBn,
    MobileNetEdgeTpuSlim,
    mobilenet_edgetpu_narrow,
)
from fcn_edge.models.frames import to_input
from fcn_edge.models.layers import crop, upsample_bilinear
from fcn_edge.models.weights import load_into, read_weights
from fcn_edge.train import ConfusionMatrix

# road sidewalk building wall fence pole light sign vegetation terrain sky person rider car truck bus train
# motorcycle bicycle, as CamVid ids
TO_CAMVID = np.array([3, 4, 1, 1, 7, 2, 6, 6, 5, 5, 0, 9, 10, 8, 8, 8, 8, 10, 10], np.uint8)


class Cityscapes(nn.Module):
    """The published network: backbone, 1x1 head, light ASPP (1x1 and image pooling), 19 class scores."""

    def __init__(self, backbone: MobileNetEdgeTpuSlim) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = ConvBn(144, 1280, 1)
        self.aspp0 = ConvBn(1280, 128, 1)
        self.image_pooling = ConvBn(1280, 128, 1)
        self.concat_projection = ConvBn(256, 128, 1)
        self.logits = nn.ModuleDict({"conv": nn.Conv2d(128, 19, 1)})

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (N, 19, ceil(H/16), ceil(W/16))."""
        features = self.head(self.backbone(x)[16])
        local = self.aspp0(features)
        whole = self.image_pooling(features.mean((2, 3), keepdim=True)).expand_as(local)
        return self.logits["conv"](self.concat_projection(torch.cat([whole, local], 1)))


def build(published: Path, narrow: Path | None) -> Cityscapes:
    """Return the published network, with the backbone of `narrow` if given."""
    found = read_weights(published)
    net = Cityscapes(mobilenet_edgetpu_narrow() if narrow else MobileNetEdgeTpuSlim())
    load_into(net, found, ())
    load_into(net.backbone, read_weights(narrow) if narrow else found, ())
    return net.eval()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--head", type=Path, required=True, help="the published weights")
    parser.add_argument("--backbone", type=Path, default=None, help="weights of the narrowed backbone")
    parser.add_argument("--every", type=int, default=8)
    options = parser.parse_args()

    net = build(options.head, options.backbone)
    report = {}
    for split in ("train", "val"):
        data = open_dataset(options.data, split)
        matrix = ConfusionMatrix(len(data.classes))
        for i in range(0, len(data), options.every):
            sample = data[i]
            x = to_input(torch.from_numpy(sample.frame)[None], (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
            with torch.inference_mode():
                scores = crop(upsample_bilinear(net(x), 16), *sample.mask.shape)
            matrix.update(TO_CAMVID[scores[0].argmax(0).numpy()], sample.mask)
        report[split] = matrix.to_json(data.classes.names)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
