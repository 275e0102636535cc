"""Backbones: modules from (N, 3, H, W) to features by stride."""

from __future__ import annotations

from collections.abc import Callable

from fcn_edge.models.backbones.alexnet import AlexNet
from fcn_edge.models.backbones.efficientnet_lite0 import EfficientNetLite0
from fcn_edge.models.backbones.mobilenet_edgetpu_slim import MobileNetEdgeTpuSlim, mobilenet_edgetpu_narrow
from fcn_edge.models.backbones.mobilenet_v2 import MobileNetV2
from fcn_edge.models.backbones.mobilenet_v3 import MobileNetV3, mobilenet_v3_large, mobilenet_v3_small
from fcn_edge.models.backbones.resnet import (
    FcnResNet,
    ResNet,
    fcn_resnet50,
    fcn_resnet101,
    resnet18,
    resnet34,
    resnet50,
)
from fcn_edge.models.backbones.vgg16 import VGG16

# Every one of them has: channels {stride: C}, mean and std of the input normalisation, and classifier_keys,
# the prefixes of what its published weights hold beyond the backbone.
Backbone = (
    EfficientNetLite0
    | MobileNetV2
    | MobileNetV3
    | ResNet
    | FcnResNet
    | VGG16
    | AlexNet
    | MobileNetEdgeTpuSlim
)

MAKERS: dict[str, Callable[[], Backbone]] = {
    "efficientnet_lite0": EfficientNetLite0,
    "mobilenet_v2": MobileNetV2,
    "mobilenet_v3_large": mobilenet_v3_large,
    "mobilenet_v3_small": mobilenet_v3_small,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
    "vgg16": VGG16,
    "alexnet": AlexNet,
    "mobilenet_edgetpu_slim": MobileNetEdgeTpuSlim,
    "mobilenet_edgetpu_narrow": mobilenet_edgetpu_narrow,
    "fcn_resnet50": fcn_resnet50,
    "fcn_resnet101": fcn_resnet101,
}


def make_backbone(name: str) -> Backbone:
    """Return a backbone with fresh weights."""
    return MAKERS[name]()
