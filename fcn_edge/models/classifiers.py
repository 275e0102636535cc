"""Published image classifiers as heat maps: torchvision's key names in, a net for any size out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from torch import Tensor, nn

from fcn_edge.ground.errors import FcnEdgeError, unknown_name
from fcn_edge.models.backbones import Backbone, efficientnet_lite0, make_backbone, mobilenet_v3
from fcn_edge.models.backbones.alexnet import alexnet_features
from fcn_edge.models.backbones.vgg16 import vgg_features
from fcn_edge.models.convolutionize import HeatMap
from fcn_edge.models.layers import conv_bn
from fcn_edge.models.weights import load_into, read_weights

Weights = Mapping[str, Tensor]
Module = TypeVar("Module", bound=nn.Module)
CLASSIFIERS = (
    "vgg16", "alexnet", "resnet18", "resnet34", "resnet50", "mobilenet_v2", "mobilenet_v3_large",
    "mobilenet_v3_small", "efficientnet_lite0",
)  # fmt: skip
# classifier -> its linear layers, where it is not "fc" alone
FINALS = {
    "mobilenet_v2": ("classifier.1",),
    "mobilenet_v3_large": ("classifier.0", "classifier.3"),
    "mobilenet_v3_small": ("classifier.0", "classifier.3"),
    "efficientnet_lite0": ("classifier.1",),
}
# classifier -> key, BatchNorm eps and activation of the conv after its backbone
LAST_CONVS = {
    "mobilenet_v2": ("features.18", 1e-5, nn.ReLU6),
    "mobilenet_v3_large": ("features.16", mobilenet_v3.BN_EPS, nn.Hardswish),
    "mobilenet_v3_small": ("features.12", mobilenet_v3.BN_EPS, nn.Hardswish),
    "efficientnet_lite0": ("features.8", efficientnet_lite0.BN_EPS, nn.ReLU6),
}


def load_heat_map(name: str, path: Path) -> HeatMap:
    """Return classifier `name` with the weights of `path` in convolutional form, in eval mode.

    Raises FcnEdgeError when the file lacks a tensor of it, MisuseError for an unknown name.
    """
    if name not in CLASSIFIERS:
        raise unknown_name("classifier", name, CLASSIFIERS)
    return heat_map(name, read_weights(path)).eval()


def heat_map(name: str, found: Weights) -> HeatMap:
    """Return classifier `name` in convolutional form; layer widths are those of the weights."""
    if name == "vgg16":
        features = vgg_features(_tensor(found, "features.0.weight").shape[0], ceil_mode=False)
        linears = [linear(found, f"classifier.{i}") for i in (0, 3, 6)]
        return HeatMap(_filled(features, found, "features."), linears, pooled=7, averaged=False)
    if name == "alexnet":
        linears = [linear(found, f"classifier.{i}") for i in (1, 4, 6)]
        widths = tuple(_tensor(found, f"features.{i}.weight").shape[0] for i in (0, 3, 6, 8, 10))
        features = alexnet_features(widths, any_size=False)
        return HeatMap(_filled(features, found, "features."), linears, pooled=6, averaged=False)
    trunk = Trunk(_filled(make_backbone(name), found, ""), last_conv(name, found))
    linears = [linear(found, key) for key in FINALS.get(name, ("fc",))]
    return HeatMap(trunk, linears, pooled=7, averaged=True, activation=nn.Hardswish)


class Trunk(nn.Module):
    """The coarsest map of a backbone, through the conv that its classifier has before the average, if any."""

    def __init__(self, backbone: Backbone, last: nn.Module) -> None:
        super().__init__()
        self.backbone, self.last = backbone, last

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, ceil(H/32), ceil(W/32))."""
        return self.last(self.backbone(x)[32])


def last_conv(name: str, found: Weights) -> nn.Module:
    """Return the 1x1 conv that the mobile classifiers widen their last map with."""
    if name not in LAST_CONVS:
        return nn.Identity()
    stage, eps, activation = LAST_CONVS[name]
    outputs, inputs = _tensor(found, f"{stage}.0.weight").shape[:2]
    conv = conv_bn(inputs, outputs, 1, eps=eps).append(activation(inplace=True))
    return _filled(conv, found, f"{stage}.")


def linear(found: Weights, key: str) -> nn.Linear:
    """Return the fully connected layer stored under `key`."""
    weight = _tensor(found, f"{key}.weight")
    made = nn.Linear(weight.shape[1], weight.shape[0])
    return _filled(made, found, f"{key}.")


def _filled(module: Module, found: Weights, prefix: str) -> Module:
    """Return `module` with the tensors of `found` under `prefix`; every one of its own must be there."""
    inside = {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}
    report = load_into(module, inside, ())
    if wrong := [*report.missing, *report.mismatched]:
        raise FcnEdgeError(f"the weights lack {prefix}{wrong[0]} (and {len(wrong) - 1} more)")
    return module


def _tensor(found: Weights, key: str) -> Tensor:
    if key not in found:
        raise FcnEdgeError(f"the weights have no tensor '{key}'", hint="torchvision's key names are expected")
    return found[key]
