"""Weights files: read without running code from them, and put into a model with every mismatch listed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models.convolutionize import as_conv_weights
from fcn_edge.models.fcn import FCN
from fcn_edge.models.pretrained import NAME, is_packaged, packaged_weights, rename


@dataclass(frozen=True)
class LoadReport:
    """What became of the keys: taken, absent from the file, of no use here, or of another shape."""

    loaded: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...]
    classifier: int  # keys of the file's own classifier, left out on purpose

    def __str__(self) -> str:
        """Return one line a person can read, with the first names of each list."""
        parts = [f"{self.loaded} tensors loaded"]
        if self.classifier:
            parts.append(f"{self.classifier} of the file's classifier left out")
        for what in ("missing", "unexpected", "mismatched"):
            if names := getattr(self, what):
                more = ", ..." if len(names) > 5 else ""
                parts.append(f"{len(names)} {what} ({', '.join(names[:5])}{more})")
        return "; ".join(parts)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors, .pth or .pt file; pickles are never run."""
    if not path.is_file():
        raise FcnEdgeError(f"no such weights file: {path}")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        value = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each reader has its own exception types; all mean the same to the user
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:160]
        raise FcnEdgeError(
            f"{path} is not a readable weights file ({reason})",
            hint="give .safetensors, or a .pth of plain tensors",
        ) from error
    for wrapper in ("state_dict", "model", "model_state_dict"):
        if isinstance(value, dict) and isinstance(value.get(wrapper), dict):
            value = value[wrapper]
    if not isinstance(value, dict) or not all(isinstance(item, Tensor) for item in value.values()):
        raise FcnEdgeError(f"{path} holds no state dict", hint="save model.state_dict()")
    return {key.removeprefix("module."): item for key, item in value.items()}


def load_weights(model: FCN, path: Path) -> LoadReport:
    """Fill `model` from a file of backbone weights, or of a whole FCN (keys that begin with `backbone.`).

    "pretrained" stands for the ImageNet weights of the extra of that name. A whole FCN may be a coarser one:
    FCN-16s takes all that FCN-32s has and keeps its own new skip.
    """
    found = read_weights(packaged_weights() if str(path) == NAME else path)
    if is_packaged(found):
        found = rename(found)
    if any(key.startswith("backbone.") for key in found):
        report = load_into(model, found, ())
    else:
        report = load_into(model.backbone, found, model.backbone.classifier_keys)
    if len(backbone_gaps(model, report)) == len(backbone_names(model)):
        raise FcnEdgeError(
            f"{path} has no tensor of the backbone of {model.spec.name} "
            f"(its keys begin with {next(iter(found), 'nothing')})",
            hint="give weights of the same backbone",
        )
    return report


def backbone_gaps(model: FCN, report: LoadReport) -> set[str]:
    """Return the backbone's tensors that were not filled."""
    gaps = {key.removeprefix("backbone.") for key in (*report.missing, *report.mismatched)}
    return gaps & backbone_names(model)


def backbone_names(model: FCN) -> set[str]:
    """Return the names of the backbone's tensors that weights must fill."""
    return {key for key in model.backbone.state_dict() if not key.endswith("num_batches_tracked")}


def load_into(module: nn.Module, found: dict[str, Tensor], classifier_keys: tuple[str, ...]) -> LoadReport:
    """Copy every tensor of `found` whose name and shape fit into `module`; linear may become conv."""
    own = module.state_dict()
    found = as_conv_weights(found, own)
    fits = {k: v for k, v in found.items() if k in own and own[k].shape == v.shape}
    module.load_state_dict(fits, strict=False)
    unused = [k for k in found if k not in own]
    classifier = [k for k in unused if k.startswith(classifier_keys)] if classifier_keys else []
    return LoadReport(
        loaded=len(fits),
        missing=tuple(k for k in own if k not in found and not k.endswith("num_batches_tracked")),
        unexpected=tuple(k for k in unused if k not in classifier),
        mismatched=tuple(k for k in found if k in own and k not in fits),
        classifier=len(classifier),
    )
