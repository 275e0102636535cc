"""What people already have, as our models: torchvision's FCNs whole, classifiers as the start of an FCN."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from fcn_edge.data import Classes
from fcn_edge.data.dataset import voc_color
from fcn_edge.data.voc import VOC_21
from fcn_edge.ground.errors import FcnEdgeError, MisuseError, unknown_name
from fcn_edge.models import BACKBONES, build_model
from fcn_edge.models.fcn import FCN
from fcn_edge.models.spec import ModelSpec
from fcn_edge.models.weights import LoadReport, backbone_gaps, load_into, load_weights, read_weights

TORCHVISION_FCNS = ("fcn_resnet50", "fcn_resnet101")
# head width where it is not the edge head's: None is the paper's head
HEADS: dict[str, int | None] = {"vgg16": None, "alexnet": None}


@dataclass(frozen=True)
class Loaded:
    """A model filled from a file. ready: it segments as it is; otherwise its head is still to be trained."""

    model: FCN
    classes: Classes
    report: LoadReport
    ready: bool


def load_source(source: str, weights: Path | None, classes: Classes | None = None) -> Loaded:
    """Return the model that `source` names.

    source: "torchvision:fcn_resnet50" or "torchvision:fcn_resnet101", published whole for the 21 classes of
    PASCAL VOC, or trained further on `classes`; or a backbone ("vgg16", "torchvision:resnet18"), which
    becomes the FCN-8s of that backbone with a fresh head for `classes`. The file is `weights`, or follows the
    name: "vgg16:FILE". Raises FcnEdgeError, with what is missing or unexpected listed, where it does not fill
    the backbone.
    """
    name, _, path = source.removeprefix("torchvision:").partition(":")
    file = weights or (Path(path) if path else None)
    if name not in BACKBONES:
        raise unknown_name("model to load", name, tuple(BACKBONES))
    if file is None:
        raise MisuseError(f"no weights for {name}", hint=f"type {source}:FILE or add --weights FILE")
    if name in TORCHVISION_FCNS:
        return load_torchvision_fcn(name, read_weights(file), classes)
    if classes is None:
        raise MisuseError(
            f"{name} is a classifier: its segmentation classes are not known", hint="add --data"
        )
    width = HEADS.get(name, ModelSpec.head_width)
    model = build_model(ModelSpec(f"fcn8s-{name}", len(classes), width, context=width is not None))
    report = load_weights(model, file)
    if backbone_gaps(model, report):
        raise FcnEdgeError(
            f"{file} does not fill the backbone of {name}: {report}",
            hint="`fcn-edge train --weights` takes what fits and leaves the rest as it is",
        )
    return Loaded(model.eval(), classes, report, ready=False)


def load_torchvision_fcn(name: str, found: dict[str, Tensor], classes: Classes | None = None) -> Loaded:
    """Return torchvision's fcn_resnet50 or 101 from its published tensors, without the auxiliary head.

    classes: what its channels mean. None: those of PASCAL VOC where there are 21, else they have numbers for
    names. MisuseError where it has another number of channels.
    """
    if "classifier.4.weight" not in found:
        raise FcnEdgeError(f"the weights have no tensor 'classifier.4.weight' of torchvision's {name}")
    count = found["classifier.4.weight"].shape[0]
    if classes is None:
        classes = VOC_21 if count == len(VOC_21) else numbered(count)
    if len(classes) != count:
        raise MisuseError(
            f"these weights of {name} tell {count} classes apart, --data has {len(classes)}",
            hint="give the data that they were trained on, or leave --data out",
        )
    model = build_model(ModelSpec(f"fcn8s-{name}", count, None, context=False))
    renamed = {torchvision_key(key): value for key, value in found.items()}
    report = load_into(model, renamed, ("aux_classifier.",))
    if report.missing or report.mismatched:
        raise FcnEdgeError(f"the weights do not fill {name}: {report}")
    return Loaded(model.eval(), classes, report, ready=True)


def numbered(count: int) -> Classes:
    """Return classes known by number only."""
    return Classes(tuple(f"class{i}" for i in range(count)), tuple(voc_color(i) for i in range(count)))


def torchvision_key(key: str) -> str:
    """Return our name of a tensor of torchvision's fcn_resnet: its backbone and 3x3 conv are our backbone."""
    if key.startswith("backbone."):
        return f"backbone.body.{key.removeprefix('backbone.')}"
    if key.startswith("classifier.4."):
        return f"lateral.8.{key.removeprefix('classifier.4.')}"
    return f"backbone.{key}" if key.startswith("classifier.") else key
