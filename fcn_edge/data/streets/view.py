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


def shadow_outline(footprint: Footprint, sun: Vector) -> np.ndarray:
    """Return ground points (8, 3) around a box's shadow: its base, and its top pushed away from the sun."""
    x, s, half_width, half_length, height = footprint
    reach = min(height / max(sun[1], 0.15), 12.0)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float) * (half_width, half_length) + (x, s)
    pushed = np.subtract(corners, (reach * sun[0], reach * sun[2]))
    ground = np.concatenate([corners, pushed])
    return np.insert(ground, 1, 0.0, axis=1)
