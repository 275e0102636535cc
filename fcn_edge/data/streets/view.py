"""What a thing needs in order to draw itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fcn_edge.data.streets.camera import Camera
from fcn_edge.data.streets.canvas import Canvas
from fcn_edge.data.streets.light import Light, Vector

Footprint = tuple[float, float, float, float, float]  # x, s, half width, half length, height: metres


@dataclass(frozen=True)
class View:
    """One frame in the making: where it is drawn, from where, in what light, at what time (seconds)."""

    canvas: Canvas
    camera: Camera
    light: Light
    time: float = 0.0

    def distance(self, s: float) -> float:
        """Return how far ahead s is, metres."""
        return max(s - self.camera.s, 0.0)


class Thing(Protocol):
    """Anything that stands in the street. Things are drawn from far to near."""

    def far(self, time: float) -> float:
        """Return the s of its far end: the order of drawing."""
        ...

    def draw(self, view: View) -> None:
        """Draw it into picture and mask, or nothing when it cannot be seen."""
        ...

    def footprint(self, time: float) -> Footprint | None:
        """Return what casts its shadow, or None for no shadow."""
        ...


_CORNERS = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)


def shadow_outlines(footprints: list[Footprint], sun: Vector) -> np.ndarray:
    """Return ground points (n, 8, 2) as (x, s) around the shadows of boxes: each one's base, and its top
    pushed away from the sun."""
    boxes = np.array(footprints, float).reshape(-1, 5)
    base = boxes[:, None, :2] + _CORNERS * boxes[:, None, 2:4]
    reach = np.minimum(boxes[:, 4] / max(sun[1], 0.15), 12.0)
    pushed = base - reach[:, None, None] * np.array([sun[0], sun[2]])
    return np.concatenate([base, pushed], axis=1)
