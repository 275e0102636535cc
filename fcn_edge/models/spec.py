"""What a network is, as plain data: the part of a checkpoint that rebuilds the module tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from fcn_edge.ground.errors import FcnEdgeError

FINALS = ("bilinear", "deconv")


@dataclass(frozen=True)
class ModelSpec:
    """Architecture of one FCN.

    name: "fcn{32,16,8,4}s-BACKBONE". head_width: channels of the edge head (half of them at stride 4),
    None for the paper's head, which fuses class scores directly. context: add a global-average-pooling
    branch to the coarsest features. final: the last upsampling, half-pixel bilinear (outside the scores) or
    a learned transposed conv. upsamplers: module name -> form (models/upsample.py), for those that surgery
    replaced; all others are transposed convs.
    """

    name: str = "fcn8s-efficientnet_lite0"
    num_classes: int = 11
    head_width: int | None = 96
    context: bool = True
    final: str = "bilinear"
    upsamplers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.num_classes == 1:
            raise FcnEdgeError(
                "a model of 1 class gives nothing but class 0",
                hint="networks of one channel are not taken: give what is not that class a class of its own",
            )
        if not 2 <= self.num_classes <= 255:
            raise FcnEdgeError(
                f"a model of {self.num_classes} classes", hint="class ids are 0..254; 255 is void"
            )
        if self.head_width is not None and self.head_width < 1:
            raise FcnEdgeError(
                f"head_width is {self.head_width}", hint="give 1 or more, or null for the paper's head"
            )
        if self.final not in FINALS:
            raise FcnEdgeError(f"unknown final upsampling '{self.final}'", hint=f"valid: {', '.join(FINALS)}")

    def to_json(self) -> dict[str, Any]:
        """Return the spec as a JSON object."""
        return {**asdict(self), "upsamplers": dict(self.upsamplers)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ModelSpec:
        """Return the spec of a JSON object; unknown or missing keys are an error that names them."""
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(value) - known):
            raise FcnEdgeError(
                f"unknown model options: {', '.join(unknown)}", hint="written by a newer fcn-edge?"
            )
        if missing := sorted({"name", "num_classes"} - set(value)):
            raise FcnEdgeError(f"model options missing: {', '.join(missing)}")
        return cls(**value)
