"""Which device to train on."""

from __future__ import annotations

import torch

from fcn_edge.ground.errors import MisuseError


def choose_device(name: str) -> torch.device:
    """Return the device of that name; "auto" is the GPU where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise MisuseError(f"unknown --device '{name}'", hint="valid: auto, cpu, cuda, cuda:1, ...") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise MisuseError(f"--device {name}, but torch sees no GPU", hint="type --device cpu")
    return device
