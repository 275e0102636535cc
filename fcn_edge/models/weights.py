"""Weights files: read without running code from them, and put into a model with every mismatch listed."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fcn_edge.ground.archives import refuse_zipped_bundle
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models.convolutionize import as_conv_weights
from fcn_edge.models.fcn import FCN
from fcn_edge.models.pickled import advice
from fcn_edge.models.pretrained import NAME, is_packaged, packaged_weights, rename
from fcn_edge.models.zoo import PREFIX, zoo_file

WRAPPERS = ("module.", "model.", "net.")  # what stands before every name of a network inside another


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
    """Return the tensors of a .safetensors, .pth or .pt file, a run folder or "zoo:NAME"; pickles never run.

    Names lose what wrappers put before them (`plain_names`). Raises FcnEdgeError for a file that holds more
    than tensors, saying what it is and how to get at them, and for one with NaN or infinity in it.
    """
    path = weights_file(path)
    value: Any = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickled(path)
    for wrapper in ("state_dict", "model", "model_state_dict"):
        if isinstance(value, dict) and isinstance(value.get(wrapper), dict):
            value = value[wrapper]
    if not isinstance(value, dict) or not all(isinstance(item, Tensor) for item in value.values()):
        raise FcnEdgeError(f"{path} holds no state dict", hint="save model.state_dict()")
    refuse_not_finite(path, value)
    return plain_names(path, value)


def weights_file(path: Path) -> Path:
    """Return the file that `path` names: itself, the checkpoint of a run folder, or "zoo:NAME"."""
    if str(path).startswith(PREFIX):
        return zoo_file(str(path))
    if (path / "model.safetensors").is_file():
        return path / "model.safetensors"
    refuse_zipped_bundle(path)
    if not path.is_file():
        raise FcnEdgeError(
            f"no such weights file: {path}", hint="give a .safetensors or .pth file, a run folder or zoo:road"
        )
    return path


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors.torch import load_file

        return load_file(path)
    except Exception as error:  # the reader has its own exception types; all mean the same to the user
        raise _unreadable(path, error) from error


def _read_pickled(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old formats: the error below says more
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        if found := advice(path):
            raise FcnEdgeError(found[0], hint=found[1]) from error
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> FcnEdgeError:
    words = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    reason = re.split(r"[.:]\s|\n", words)[0] or type(error).__name__  # the first sentence, whole
    return FcnEdgeError(
        f"{path} is not a readable weights file ({reason})",
        hint="give .safetensors, or a .pth of plain tensors",
    )


def refuse_not_finite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise FcnEdgeError naming the first tensor with NaN or infinity in it: such a network sees nothing."""
    broken = [
        key
        for key, value in tensors.items()
        if value.is_floating_point() and not torch.isfinite(value.float()).all()
    ]
    if broken:
        raise FcnEdgeError(
            f"{path} holds NaN or infinity in {len(broken)} of its tensors, first {broken[0]}",
            hint="the training that wrote it diverged: take an earlier checkpoint",
        )


def plain_names(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors without the names that wrappers add.

    `module.` (DataParallel, DDP), `_orig_mod.` (torch.compile, anywhere in a name), `model.` and `net.`
    (Lightning and most training scripts). Two tensors that become one name are two networks: FcnEdgeError.
    """
    plain: dict[str, Tensor] = {}
    for key, value in tensors.items():
        if not isinstance(key, str):
            raise FcnEdgeError(
                f"{path} holds a tensor under {key!r}, which is no name", hint="save a module's state_dict()"
            )
        name = key.replace("_orig_mod.", "")
        while name.startswith(WRAPPERS):
            name = name.partition(".")[2]
        if name in plain:
            raise FcnEdgeError(
                f"{path} holds two networks: {name} is there twice, once as {key}",
                hint="save the state_dict() of one of them",
            )
        plain[name] = value
    return plain


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
