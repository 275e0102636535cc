"""The full state of a run in one file, so that a killed run goes on as if nothing had happened."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor, nn

from fcn_edge.data import Dataset
from fcn_edge.ground.artifacts import atomic_write_bytes, sha256_file
from fcn_edge.ground.config import TrainConfig
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.train.checkpoint import find_checkpoint
from fcn_edge.train.ema import Ema
from fcn_edge.train.optimizer import restore_states, states_of
from fcn_edge.train.precision import Precision

FILE = "state.safetensors"
FREE = ("out", "resume", "device", "workers")  # options that do not change what is learned
DIGESTS = {  # options that name files -> the digests of what is in them, which counts more than where it lies
    "data": ("data_sha256", "val_sha256"),
    "weights": ("weights_sha256",),
    "start": ("start_sha256",),
}
DEFAULTS = {option.name: option.default for option in fields(TrainConfig) if option.default is not MISSING}


@dataclass
class Position:
    """Where a run is: epochs and steps done, seconds spent, the best score and the curve up to here."""

    epoch: int = 0
    step: int = 0
    elapsed: float = 0.0
    best: float | None = None
    best_epoch: int | None = None
    curve: list[dict[str, Any]] = field(default_factory=list)


def options_of(config: TrainConfig) -> dict[str, Any]:
    """Return the options that shape the result, as JSON."""
    values = {key: value for key, value in asdict(config).items() if key not in FREE}
    return json.loads(json.dumps(values, default=str))


def content_of(config: TrainConfig, data: Dataset, val: Dataset | None) -> dict[str, str | None]:
    """Return the digests of DIGESTS; None for what is not there or has no file of its own."""
    return {
        "data_sha256": data.digest(),
        "val_sha256": val.digest() if val is not None else None,
        "weights_sha256": _file_digest(config.weights) if config.weights is not None else None,
        "start_sha256": _file_digest(find_checkpoint(config.start)) if config.start is not None else None,
    }


def save_state(
    folder: Path,
    options: dict[str, Any],
    position: Position,
    model: nn.Module,
    ema: Ema | None,
    optimizer: torch.optim.Optimizer,
    precision: Precision,
) -> None:
    """Write model, average, optimizer, loss scale and position into one file, atomically.

    options: those that shape the result (`options_of`, and what else must be the same on resume).
    There is no random state to save: every random choice is a function of the seed and the position.
    """
    parts = {"model": dict(model.state_dict()), "optimizer": states_of(optimizer)}
    if ema:
        parts["ema"] = dict(ema.model.state_dict())
    tensors = {
        f"{part}/{key}": value.detach().cpu().contiguous()
        for part, values in parts.items()
        for key, value in values.items()
    }
    about = {
        "options": options,
        "position": asdict(position),
        "ema_steps": ema.steps if ema else 0,
        "loss_scale": precision.state(),
    }
    atomic_write_bytes(folder / FILE, serialize(tensors, metadata={"state": json.dumps(about)}))


def load_state(
    folder: Path,
    options: dict[str, Any],
    model: nn.Module,
    ema: Ema | None,
    optimizer: torch.optim.Optimizer,
    precision: Precision,
) -> Position:
    """Fill model, average, optimizer and loss scale from the file and return the position.

    Raises MisuseError where the options differ from those of the saved run, listing them.
    """
    path = folder / FILE
    if not path.is_file():
        raise MisuseError(f"nothing to resume in {folder}", hint="leave out --resume to start there")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["state"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a dict)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise FcnEdgeError(f"{path} is not a readable training state ({error})") from error
    refuse_other_options(about["options"], options)
    model.load_state_dict(_part(tensors, "model"))
    restore_states(optimizer, _part(tensors, "optimizer"))
    if ema:
        ema.model.load_state_dict(_part(tensors, "ema"))
        ema.steps = about["ema_steps"]
    precision.restore(about.get("loss_scale", {}))  # a run begun before it was saved starts it anew
    return Position(**about["position"])


def refuse_other_options(saved: dict[str, Any], asked: dict[str, Any]) -> None:
    """Raise MisuseError listing every option that differs; files count as the same where their content is."""
    differs = []
    for key in sorted((saved | asked).keys() - {digest for part in DIGESTS.values() for digest in part}):
        # an option that did not exist when the run began was at its default; one that is off equals none
        was, now = saved.get(key, DEFAULTS.get(key)), asked.get(key)
        known = [digest for digest in DIGESTS.get(key, ()) if saved.get(digest) is not None]
        changed = any(saved[digest] != asked.get(digest) for digest in known)
        if changed and was == now:
            differs.append(f"the content of {key} {now} has changed")
        elif changed or (not known and (was or None) != (now or None)):
            differs.append(f"{key} was {was} and is {now}")
    if differs:
        raise MisuseError(
            f"cannot resume with other options: {', '.join(differs)}",
            hint="resume with the same, or choose another --out",
        )


def _file_digest(path: Path) -> str | None:
    return sha256_file(path) if path.is_file() else None


def _part(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(f"{part}/"): value for key, value in tensors.items() if key.startswith(f"{part}/")
    }
