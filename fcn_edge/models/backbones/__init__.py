"""Backbones: modules from (N, 3, H, W) to features by stride, with `channels`, `mean`, `std` as attributes."""

from __future__ import annotations

from torch import nn

from fcn_edge.models.backbones.efficientnet_lite0 import EfficientNetLite0
from fcn_edge.models.backbones.mobilenet_edgetpu_slim import MobileNetEdgeTpuSlim
from fcn_edge.models.backbones.mobilenet_v2 import MobileNetV2
from fcn_edge.models.backbones.resnet import resnet18, resnet34

MAKERS = {
    "efficientnet_lite0": EfficientNetLite0,
    "mobilenet_v2": MobileNetV2,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "mobilenet_edgetpu_slim": MobileNetEdgeTpuSlim,
}


def make_backbone(name: str) -> nn.Module:
    """Return a backbone with fresh weights."""
    return MAKERS[name]()
