"""Upright flat things along the road: houses, fences, hedges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from fcn_edge.data.streets.camera import FAR, NEAR
from fcn_edge.data.streets.canvas import Color, bgr, clipped_box, times
from fcn_edge.data.streets.facades import CELL, LEVELS, Style, assemble, blank_plan
from fcn_edge.data.streets.ids import BUILDING
from fcn_edge.data.streets.view import Footprint, View

CELL_METRES = 3.0
_PITCH = 0.35  # height of a roof, of the house's depth
_SURFACE = 12.0  # pixels a metre below which bricks and panels are too small to be seen


@dataclass(frozen=True)
class House:
    """A house with its front along the road at x, from s0 to s1."""

    x: float
    s0: float
    s1: float
    height: float
    depth: float
    style: Style
    plan: np.ndarray  # cells of the front (floors, bays)
    tint: Color
    joined: bool = False  # a house that hides its near end adjoins it

    @property
    def ridge(self) -> float:
        """Height of its highest point."""
        return self.height + (_PITCH * self.depth if self.style.roof is not None else 0.0)

    def hides_end_of(self, other: House) -> bool:
        """Return whether the near end of `other`, which is farther along, cannot be seen past this house."""
        reaches = abs(self.x) <= abs(other.x) and abs(self.x) + self.depth >= abs(other.x) + other.depth
        return self.s1 == other.s0 and reaches and self.height >= other.ridge

    def far(self, time: float) -> float:
        """Return the s of its far end."""
        return self.s1

    def footprint(self, time: float) -> None:
        """Return None: houses' shadows are cast as a row, not one by one."""

    def draw(self, view: View) -> None:
        """Draw the end wall that faces the camera, the roof, and the front."""
        span = visible_span(view, self.x, self.s0, self.s1)
        if span is None:
            return
        side = float(np.sign(self.x))
        if not self.joined and self.s0 - view.camera.s > NEAR:
            self._draw_end(view, side)
        self._draw_roof(view, side, span)
        self._draw_front(view, side, span)

    def _draw_front(self, view: View, side: float, span: tuple[float, float]) -> None:
        picture = self._front(span, _level(view, span))
        lit = _bright_windows(picture, view.light.lamps)
        light = times(view.light.on((-side, 0.0, 0.0)), self.tint)
        draw_wall(view, self.x, span, (0.0, self.height), picture, light, BUILDING, glow=lit)

    def _front(self, span: tuple[float, float], level: int) -> np.ndarray:
        """Return the picture of the front in `span`; only bays that show are put together."""
        bay = (self.s1 - self.s0) / self.plan.shape[1]
        first = int((span[0] - self.s0) / bay)
        last = min(int(np.ceil((span[1] - self.s0) / bay)), self.plan.shape[1])
        picture = assemble(self.style, self.plan[:, first:last], level)
        return _cut(picture, span, (self.s0 + first * bay, self.s0 + last * bay))

    def _draw_end(self, view: View, side: float) -> None:
        """Draw the wall at s0 and its gable; far away one colour does, the surface cannot be seen."""
        near, away, top, s = self.x, self.x + side * self.depth, self.height, self.s0
        left, right = min(near, away), max(near, away)
        quad = view.camera.project(np.array([(left, top, s), (right, top, s), (right, 0, s), (left, 0, s)]))
        if clipped_box(quad, view.canvas.size) is None:
            return
        wall = view.light.shade(times(self.style.wall, self.tint), (0.0, 0.0, -1.0), view.distance(s))
        if view.camera.pixels_per_metre(s) < _SURFACE:
            view.canvas.polygon(quad, wall, BUILDING)
        else:
            plan = blank_plan(self.plan.shape[0], max(1, round(self.depth / CELL_METRES)))
            picture = _fit(assemble(self.style, plan, _level(view, (s, s + 1))), quad)
            light = times(view.light.on((0.0, 0.0, -1.0)), self.tint)
            air = np.full(picture.shape[1], view.light.haze_at(view.distance(s)), np.float32)
            view.canvas.texture(quad, _lighten(picture, light, air, view), BUILDING)
        if self.style.roof is not None:
            ridge = ((near + away) / 2, self.ridge, s)
            gable = view.camera.project(np.array([(near, top, s), ridge, (away, top, s)]))
            view.canvas.polygon(gable, wall, BUILDING)

    def _draw_roof(self, view: View, side: float, span: tuple[float, float]) -> None:
        if self.style.roof is None:
            return
        rise, run = _PITCH * self.depth, self.depth / 2
        eaves, ridge = self.x - side * 0.35, self.x + side * run
        corners = [(eaves, self.height - 0.1, span[0]), (eaves, self.height - 0.1, span[1])]
        corners += [(ridge, self.height + rise, span[1]), (ridge, self.height + rise, span[0])]
        middle = view.distance((span[0] + span[1]) / 2)
        slope = float(np.hypot(rise, run))
        color = view.light.shade(self.style.roof, (-side * rise / slope, run / slope, 0.0), middle)
        view.canvas.polygon(view.camera.project(np.array(corners)), color, BUILDING)


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
        picture = _cut(self.picture, span, (self.s0, self.s1))
        light = times(view.light.on((-side, 0.0, 0.0)), self.tint)
        draw_wall(view, self.x, span, (0.0, self.height), picture, light, self.class_id)


def visible_span(view: View, x: float, s0: float, s1: float) -> tuple[float, float] | None:
    """Return the part of [s0, s1] at x that the camera sees, with some margin, or None."""
    camera = view.camera
    reach = 0.7 * abs(x - camera.x) * camera.f / (camera.size[1] / 2)
    start, end = max(s0, camera.s + max(NEAR, reach)), min(s1, camera.s + FAR)
    return (start, end) if end - start > 0.05 else None


def draw_wall(
    view: View, x: float, span: tuple[float, float], heights: tuple[float, float],
    picture: np.ndarray, light: Color, class_id: int, glow: np.ndarray | None = None,
) -> None:  # fmt: skip
    """Draw `picture`, whose columns run along the road from span[0] to span[1], on the plane at x."""
    (s0, s1), (low, high) = span, heights
    corners = np.array([(x, high, s0), (x, high, s1), (x, low, s1), (x, low, s0)])
    quad = view.camera.project(corners)
    picture, glow = _fit(picture, quad), None if glow is None else _fit(glow, quad)
    distance = np.linspace(view.distance(s0), view.distance(s1), picture.shape[1])
    picture = _lighten(picture, light, view.light.haze_along(distance), view)
    if glow is not None:
        picture = cv2.max(picture, glow)
    view.canvas.texture(quad, picture, class_id)


def _level(view: View, span: tuple[float, float]) -> int:
    """Return how coarse a cell may be at the middle of the span (0 the finest)."""
    z = np.sqrt(max(span[0] - view.camera.s, NEAR) * max(span[1] - view.camera.s, NEAR))
    wanted = CELL_METRES * view.camera.f / z
    return int(np.clip(np.floor(np.log2(CELL / max(wanted, 1.0))), 0, LEVELS - 1))


def _cut(picture: np.ndarray, span: tuple[float, float], whole: tuple[float, float]) -> np.ndarray:
    """Return the columns of `picture` that lie in `span` of the `whole` it covers."""
    per_metre = picture.shape[1] / (whole[1] - whole[0])
    start = int(np.clip((span[0] - whole[0]) * per_metre, 0, picture.shape[1] - 1))
    end = int(np.clip(np.ceil((span[1] - whole[0]) * per_metre), start + 1, picture.shape[1]))
    return picture[:, start:end]


def _fit(picture: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """Average `picture` down to about its size on the frame, so that warping it does not alias."""
    wide = int(np.ceil(np.abs(quad[1, 0] - quad[0, 0]))) + 1
    tall = int(np.ceil(max(abs(quad[3, 1] - quad[0, 1]), abs(quad[2, 1] - quad[1, 1])))) + 1
    size = (min(picture.shape[1], wide), min(picture.shape[0], tall))
    if size == picture.shape[1::-1]:
        return picture
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


@lru_cache(maxsize=1024)
def _foot(rows: int) -> np.ndarray:
    """Return brightness (rows, 1, 1): a wall is darker towards its foot."""
    return np.linspace(1.05, 0.86, rows, dtype=np.float32)[:, None, None]


def _lighten(picture: np.ndarray, light: Color, air: np.ndarray, view: View) -> np.ndarray:
    """Return the picture lit, darker towards its foot, and faded by `air` (one share a column)."""
    lit = picture * (_foot(picture.shape[0]) * bgr(light))
    lit *= (1 - air)[:, None]
    lit += bgr(view.light.horizon) * air[:, None]
    return np.minimum(lit, 255, out=lit).astype(np.uint8)


def _bright_windows(picture: np.ndarray, lamps: float) -> np.ndarray | None:
    """Return the light that lit windows give off by themselves: the picture where it is lamp-coloured."""
    if lamps == 0:
        return None
    is_lamp = (
        (picture[..., 2] > 165)
        & (picture[..., 1] > 140)
        & (picture[..., 0].astype(np.int16) + 55 < picture[..., 2])
    )
    return picture * is_lamp[..., None]
