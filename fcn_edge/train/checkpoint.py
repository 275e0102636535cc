"""Checkpoints: weights in one safetensors file whose header says what they are; a JSON copy for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from fcn_edge.data import Classes
from fcn_edge.ground.archives import refuse_zipped_bundle
from fcn_edge.ground.artifacts import atomic_write_bytes, atomic_write_json, sha256_bytes, sha256_file
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models import build_model
from fcn_edge.models.fcn import FCN
from fcn_edge.models.spec import ModelSpec
from fcn_edge.models.weights import refuse_not_finite
from fcn_edge.models.zoo import ZOO as ZOO  # its old place
from fcn_edge.models.zoo import zoo_file

PICKLED = (".pth", ".pt", ".ckpt")  # what torch.save writes
HEADER = "fcn_edge"  # key of our JSON in the safetensors header


@dataclass(frozen=True)
class Checkpoint:
    """A trained model: in eval mode, with its classes and how it was made (`info`)."""

    model: FCN
    spec: ModelSpec
    classes: Classes
    info: dict[str, Any]
    weights_sha256: str


def save_checkpoint(
    folder: Path,
    model: FCN,
    classes: Classes,
    info: dict[str, Any],
    *,
    half: bool = False,
    name: str = "model",
) -> Path:
    """Write NAME.safetensors and NAME.json into `folder`, each atomically; return the former.

    The safetensors file alone is the checkpoint: its header holds spec, classes and info, so that a kill
    between the two writes cannot pair weights with the wrong description. half: store float16.
    """
    about = {"spec": model.spec.to_json(), "classes": classes.to_json(), "info": info}
    tensors = {key: _stored(value, half) for key, value in model.state_dict().items()}
    data = serialize(tensors, metadata={HEADER: json.dumps(about)})
    path = atomic_write_bytes(folder / f"{name}.safetensors", data)
    atomic_write_json(folder / f"{name}.json", {**about, "weights_sha256": sha256_bytes(data)})
    return path


def load_checkpoint(where: str | Path) -> Checkpoint:
    """Return the checkpoint of a run folder, of a .safetensors file, or of the zoo ("zoo:road")."""
    path = find_checkpoint(where)
    about, tensors = _read(path)
    try:
        spec = ModelSpec.from_json(about["spec"])
        classes = Classes.from_json(about["classes"], source=str(path))
    except (KeyError, TypeError) as error:
        raise FcnEdgeError(
            f"{path}: the header lacks {error}", hint="was it written by fcn-edge train?"
        ) from error
    model = build_model(spec)
    _fill(model, tensors, path)
    return Checkpoint(model.eval(), spec, classes, about.get("info", {}), sha256_file(path))


def find_checkpoint(where: str | Path) -> Path:
    """Return the safetensors file that `where` names."""
    text = str(where)
    if text.startswith("zoo:"):
        return zoo_file(text)
    path = Path(where)
    if path.is_dir():
        if (path / "manifest.json").is_file():
            raise FcnEdgeError(f"{path} is a bundle", hint="give the checkpoint that it was compiled from")
        if not (path / "model.safetensors").is_file():
            raise FcnEdgeError(
                f"no model.safetensors in {path}", hint="give the --out folder of a training run"
            )
        return path / "model.safetensors"
    if not path.is_file():
        raise FcnEdgeError(
            f"no such checkpoint: {path}", hint="give a run folder, a .safetensors file or zoo:road"
        )
    return path


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    refuse_zipped_bundle(path)
    if path.suffix in PICKLED:
        raise FcnEdgeError(
            f"{path} is a file of PyTorch, not a checkpoint of fcn-edge",
            hint=f"give it to `fcn-edge train --weights`, or type fcn-edge load BACKBONE:{path}",
        )
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(HEADER)
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a dict)
        about = json.loads(header) if header else None
    except (SafetensorError, OSError, ValueError) as error:
        raise FcnEdgeError(
            f"{path} is not a readable checkpoint ({error})",
            hint="give a .safetensors file that fcn-edge train wrote",
        ) from error
    if about is None:
        raise FcnEdgeError(
            f"{path} holds bare weights, not a checkpoint of fcn-edge",
            hint=f"give it to `fcn-edge train --weights`, or type fcn-edge load BACKBONE:{path}",
        )
    return about, tensors


def _fill(model: FCN, tensors: dict[str, Tensor], path: Path) -> None:
    own = model.state_dict()
    wrong = sorted(
        key
        for key in own.keys() | tensors.keys()
        if key not in own or key not in tensors or own[key].shape != tensors[key].shape
    )
    if wrong:
        raise FcnEdgeError(
            f"{path} does not fit {model.spec.name}: {len(wrong)} tensors differ, first {wrong[0]}",
            hint="its header names another architecture than its weights",
        )
    refuse_not_finite(path, tensors)
    model.load_state_dict({key: value.to(own[key].dtype) for key, value in tensors.items()})


def _stored(value: Tensor, half: bool) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.to(torch.float16) if half and value.is_floating_point() else value
