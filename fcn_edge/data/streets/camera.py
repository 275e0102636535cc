"""A pinhole camera above a gently bending road."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

NEAR = 1.0  # metres: nothing nearer is drawn
FAR = 160.0  # metres: nothing farther is drawn one by one


@dataclass(frozen=True)
class Camera:
    """Where the frame is taken from. World axes in metres: x right of the road's middle, y up, s along it.

    The road bends: at distance z ahead it lies bend * z**2 / 2 to the right of its tangent.
    """

    size: tuple[int, int]  # (height, width) in pixels
    s: float = 0.0
    x: float = 0.0
    y: float = 1.3
    focal: float = 0.87  # in frame widths of a 4:3 frame
    pitch: float = 0.0  # radians, up is positive
    yaw: float = 0.0  # radians, to the right is positive
    bend: float = 0.0  # 1 / radius in metres

    @cached_property
    def f(self) -> float:
        """Focal length in pixels."""
        height, width = self.size
        return self.focal * max(width, height * 4 / 3)

    @cached_property
    def center(self) -> tuple[float, float]:
        """Pixel (u, v) of the vanishing point of the road's tangent."""
        height, width = self.size
        return (width - 1) / 2 - self.f * self.yaw, 0.46 * height + self.f * self.pitch

    def aside(self, z: np.ndarray) -> np.ndarray:
        """Return the x offset of the road at distance z, as seen from the camera."""
        return 0.5 * self.bend * z * z - self.x

    def project(self, points: np.ndarray) -> np.ndarray:
        """Return pixels (n, 2) as (u, v) of world points (n, 3) as (x, y, s); s at least NEAR ahead."""
        z = np.maximum(points[:, 2] - self.s, 0.5 * NEAR)
        u0, v0 = self.center
        scale = self.f / z
        pixels = np.empty((len(points), 2))
        pixels[:, 0] = u0 + scale * (points[:, 0] + self.aside(z))
        pixels[:, 1] = v0 + scale * (self.y - points[:, 1])
        return pixels

    def pixels_per_metre(self, s: float) -> float:
        """Return the size of a metre across the view at s."""
        return self.f / max(s - self.s, NEAR)

    def sees(self, x: float, s: float, margin: float = 3.0) -> bool:
        """Return whether something within `margin` metres of (x, s) can be in the frame."""
        z = s - self.s
        if not NEAR < z < FAR:
            return False
        u = self.center[0] + self.f / z * (x + 0.5 * self.bend * z * z - self.x)
        reach = margin * self.f / z
        return -reach < u < self.size[1] + reach
