"""Networks: `build_model(spec)` turns a ModelSpec into an FCN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fcn_edge.ground.errors import FcnEdgeError, unknown_name
from fcn_edge.models.spec import ModelSpec

if TYPE_CHECKING:
    from fcn_edge.models.fcn import FCN

# backbone -> the strides at which it has features, so the FCN-Xs it can carry
BACKBONES = {
    "efficientnet_lite0": (32, 16, 8, 4),
    "mobilenet_v2": (32, 16, 8, 4),
    "mobilenet_v3_large": (32, 16, 8, 4),
    "mobilenet_v3_small": (32, 16, 8, 4),
    "resnet18": (32, 16, 8, 4),
    "resnet34": (32, 16, 8, 4),
    "resnet50": (32, 16, 8, 4),
    "vgg16": (32, 16, 8),
    "alexnet": (32, 16, 8),
    "mobilenet_edgetpu_slim": (16, 8, 4),
    "mobilenet_edgetpu_narrow": (16, 8, 4),
    "fcn_resnet50": (8,),
    "fcn_resnet101": (8,),
}
MODEL_NAMES = tuple(f"fcn{stride}s-{name}" for name, strides in BACKBONES.items() for stride in strides)


def build_model(spec: ModelSpec) -> FCN:
    """Return the FCN of `spec` with fresh weights; an unknown name is a MisuseError."""
    from torch import nn

    from fcn_edge.models.backbones import make_backbone
    from fcn_edge.models.fcn import FCN
    from fcn_edge.models.upsample import shape_like

    head, backbone = split_name(spec.name)
    model = FCN(spec, make_backbone(backbone), finest=head)
    for name, form in spec.upsamplers.items():
        layer = dict(model.named_modules()).get(name)
        if not isinstance(layer, nn.ConvTranspose2d):
            raise FcnEdgeError(f"{spec.name} has no transposed convolution '{name}'")
        model.set_submodule(name, shape_like(layer, form))
    return model


def split_name(name: str) -> tuple[int, str]:
    """Return (finest stride, backbone) of a model name: "fcn8s-resnet18" -> (8, "resnet18")."""
    if name not in MODEL_NAMES:
        raise unknown_name("model", name, MODEL_NAMES)
    head, _, backbone = name.partition("-")
    return int(head.removeprefix("fcn").removesuffix("s")), backbone
