"""Pictures on upright rectangles; fences and hedges, which are nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from fcn_edge.data.streets.camera import FAR, NEAR
from fcn_edge.data.streets.canvas import Color, bgr, times
from fcn_edge.data.streets.view import Footprint, View


@dataclass(frozen=True)
class Panel:
    """A stretch of fence or hedge at x, from s0 to s1: a picture on an upright rectangle."""

    x: float
    s0: float
    s1: float
    height: float
    picture: np.ndarray
    class_id: int
    tint: Color = (1.0, 1.0, 1.0)

    def far(self, time: float) -> float:
        """Return the s of its far end."""
        return self.s1

    def footprint(self, time: float) -> Footprint:
        """Return what casts its shadow."""
        return self.x, (self.s0 + self.s1) / 2, 0.1, (self.s1 - self.s0) / 2, self.height

    def draw(self, view: View) -> None:
        """Draw its visible part."""
        span = visible_span(view, self.x, self.s0, self.s1)
        if span is None:
            return
        side = float(np.sign(self.x))
        quad = wall_quad(view, self.x, span, self.height)
        picture = cut(self.picture, span, (self.s0, self.s1))
        light = times(view.light.on((-side, 0.0, 0.0)), self.tint)
        distances = view.distance(span[0]), view.distance(span[1])
        draw_wall(view, quad, distances, picture, light, self.class_id)


def visible_span(view: View, x: float, s0: float, s1: float) -> tuple[float, float] | None:
    """Return the part of [s0, s1] at x that the camera sees, with some margin, or None."""
    camera = view.camera
    reach = 0.7 * abs(x - camera.x) * camera.f / (camera.size[1] / 2)
    start, end = max(s0, camera.s + max(NEAR, reach)), min(s1, camera.s + FAR)
    return (start, end) if end - start > 0.05 else None


def wall_quad(view: View, x: float, span: tuple[float, float], height: float) -> np.ndarray:
    """Return the pixels (4, 2) of a wall on the plane at x: near top, far top, far foot, near foot."""
    s0, s1 = span
    return view.camera.project(np.array([(x, height, s0), (x, height, s1), (x, 0, s1), (x, 0, s0)]))


def cut(picture: np.ndarray, span: tuple[float, float], whole: tuple[float, float]) -> np.ndarray:
    """Return the columns of `picture` that lie in `span` of the `whole` it covers."""
    per_metre = picture.shape[1] / (whole[1] - whole[0])
    start = min(max(int((span[0] - whole[0]) * per_metre), 0), picture.shape[1] - 1)
    end = min(max(math.ceil((span[1] - whole[0]) * per_metre), start + 1), picture.shape[1])
    return picture[:, start:end]


def draw_wall(
    view: View, quad: np.ndarray, distances: tuple[float, float], picture: np.ndarray, light: Color,
    class_id: int, glow: np.ndarray | None = None,
) -> None:  # fmt: skip
    """Stretch `picture` over `quad`, lit, and faded by the air up to its left and its right edge."""
    picture, glow = _fit(picture, quad), None if glow is None else _fit(glow, quad)
    air = view.light.haze_along(np.linspace(*distances, picture.shape[1]))
    picture = _lighten(picture, light, air, view.light.horizon)
    if glow is not None:
        picture = np.asarray(cv2.max(picture, glow))
    view.canvas.texture(quad, picture, class_id)


def _fit(picture: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """Scale `picture` down to about its size on the frame, so that warping it does not alias."""
    wide = math.ceil(abs(quad[1, 0] - quad[0, 0])) + 1
    tall = math.ceil(max(abs(quad[3, 1] - quad[0, 1]), abs(quad[2, 1] - quad[1, 1]))) + 1
    height, width = picture.shape[:2]
    size = (min(width, wide), min(height, tall))
    if size == (width, height):
        return picture
    halved = width <= 2 * size[0] and height <= 2 * size[1]  # then two neighbours a side are average enough
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR if halved else cv2.INTER_AREA))


@lru_cache(maxsize=1024)
def _foot(rows: int) -> np.ndarray:
    """Return brightness (rows, 1, 1): a wall is darker towards its foot."""
    return np.linspace(1.05, 0.86, rows, dtype=np.float32)[:, None, None]


def _lighten(picture: np.ndarray, light: Color, air: np.ndarray, horizon: Color) -> np.ndarray:
    """Return the picture lit, darker towards its foot, and faded by `air` (one share a column)."""
    gain = _foot(picture.shape[0]) * (bgr(light) * (1 - air)[:, None])
    veil = np.rint(bgr(horizon) * air[:, None]).astype(np.uint8)
    lit = cv2.multiply(picture, gain, dtype=cv2.CV_8U)
    return np.asarray(cv2.add(lit, np.repeat(veil[None], picture.shape[0], axis=0)))
