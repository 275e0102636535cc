"""What stands at the kerb: lamp posts, poles, signs, traffic lights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fcn_edge.data.streets.canvas import Color, scaled
from fcn_edge.data.streets.ids import POLE, SIGN
from fcn_edge.data.streets.sketch import ELLIPSE, Points, Sketch
from fcn_edge.data.streets.view import Footprint, View

_GLASS: Color = (190.0, 190.0, 190.0)
_LAMPLIGHT: Color = (190.0, 235.0, 255.0)
_WHITE: Color = (238.0, 240.0, 240.0)
_RED: Color = (42.0, 36.0, 205.0)
_BLUE: Color = (190.0, 92.0, 24.0)
_BLACK: Color = (30.0, 30.0, 30.0)


@dataclass(frozen=True)
class Pole:
    """An upright pole at (x, s); an arm of `reach` metres (signed) over the road bears a lamp."""

    x: float
    s: float
    height: float
    radius: float
    color: Color
    reach: float = 0.0

    def far(self, time: float) -> float:
        """Return its s."""
        return self.s

    def footprint(self, time: float) -> Footprint:
        """Return what casts its shadow."""
        return self.x, self.s, self.radius, self.radius, self.height

    def draw(self, view: View) -> None:
        """Draw column, arm and lamp."""
        if not view.camera.sees(self.x, self.s, 2.0):
            return
        x, top, s = self.x, self.height, self.s
        ends = np.array([(x, 0.0, s), (x, top, s), (x + self.reach, top + 0.15, s)])
        foot, head, lamp = view.camera.project(ends)
        scale = view.camera.pixels_per_metre(self.s)
        pad = 0.4 * scale
        margins = np.array([(-pad, 2), (-pad, -pad), (pad, -pad), (-pad, -pad)])
        sketch = Sketch(view.canvas, np.array([foot, head, lamp, lamp]) + margins)
        if not sketch.visible:
            return
        distance = view.distance(self.s)
        color = view.light.shade(self.color, (0, 0.2, -0.9), distance)
        dark = view.light.shade(scaled(self.color, 0.6), (0, 0.2, -0.9), distance)
        wide = max(2 * self.radius * scale, 0.8)
        column = np.array([foot, head])
        sketch.line(column, wide, color)
        sketch.line(np.add(column, (0.3 * wide, 0)), 0.4 * wide, dark)
        sketch.line(np.array([foot, foot - (0, 1.1 * scale)]), 1.7 * wide, dark)
        if self.reach:
            sketch.line(np.array([head, lamp]), 0.6 * wide, color)
            self._draw_lamp(view, sketch, lamp, scale, distance)
        sketch.paste(POLE)

    def _draw_lamp(self, view: View, sketch: Sketch, lamp: np.ndarray, scale: float, distance: float) -> None:
        glass = _LAMPLIGHT if view.light.lamps else view.light.shade(_GLASS, (0, -0.5, -0.5), distance)
        sketch.polygon(lamp + scale * (ELLIPSE * (0.32, 0.10) + (0.0, 0.05)), glass)


@dataclass(frozen=True)
class Sign:
    """A traffic sign or light on a thin post at (x, s). The post is a pole, the plate a sign."""

    x: float
    s: float
    kind: str  # limit | warning | order | board | light
    height: float = 2.3

    def far(self, time: float) -> float:
        """Return its s."""
        return self.s

    def footprint(self, time: float) -> Footprint:
        """Return what casts its shadow."""
        return self.x, self.s, 0.05, 0.05, self.height

    def draw(self, view: View) -> None:
        """Draw the post, then the plate."""
        if not view.camera.sees(self.x, self.s, 1.0):
            return
        foot, middle = view.camera.project(np.array([(self.x, 0.0, self.s), (self.x, self.height, self.s)]))
        scale = view.camera.pixels_per_metre(self.s)
        pad = 0.2 * scale + 1
        post = Sketch(view.canvas, np.array([foot, middle]) + np.array([(-pad, 1), (pad, 0)]))
        distance = view.distance(self.s)
        if post.visible:
            grey = view.light.shade((120.0, 120.0, 118.0), (0, 0.2, -0.9), distance)
            post.line(np.array([foot, middle]), max(0.09 * scale, 0.8), grey)
            post.paste(POLE)
        plate = _Plate(view, middle, scale, distance)
        if plate.sketch.visible:
            _PLATES[self.kind](plate)
            plate.sketch.paste(SIGN)


class _Plate:
    """A sign's face; points are (right, up) in metres from its middle."""

    def __init__(self, view: View, middle: np.ndarray, scale: float, distance: float) -> None:
        self.light, self.distance = view.light, distance
        self.middle, self.scale = middle, scale
        box = np.array([middle - 0.75 * scale, middle + 0.75 * scale])
        self.sketch = Sketch(view.canvas, box, self.pixels)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        return self.middle + self.scale * (points * (1.0, -1.0))

    def fill(self, points: Points, color: Color) -> None:
        self.sketch.polygon(points, self.light.shade(color, (0, 0.1, -1), self.distance))

    def disc(self, radius: float, color: Color) -> None:
        self.fill(radius * ELLIPSE, color)

    def lamp(self, up: float, color: Color) -> None:
        lit = self.light.through_air(color, 0.4 * self.distance)
        self.sketch.polygon(0.1 * ELLIPSE + (0.0, up), lit)


def _limit(plate: _Plate) -> None:
    plate.disc(0.34, _RED)
    plate.disc(0.25, _WHITE)
    for x in (-0.09, 0.09):
        plate.fill([(x - 0.055, -0.12), (x - 0.055, 0.12), (x + 0.055, 0.12), (x + 0.055, -0.12)], _BLACK)


def _warning(plate: _Plate) -> None:
    plate.fill([(-0.42, -0.32), (0.0, 0.42), (0.42, -0.32)], _RED)
    plate.fill([(-0.28, -0.24), (0.0, 0.26), (0.28, -0.24)], _WHITE)
    plate.fill([(-0.04, -0.18), (-0.04, 0.08), (0.04, 0.08), (0.04, -0.18)], _BLACK)


def _order(plate: _Plate) -> None:
    plate.disc(0.34, _WHITE)
    plate.disc(0.31, _BLUE)
    plate.fill(
        [(-0.05, -0.2), (-0.05, 0.05), (-0.16, 0.05), (0.0, 0.22), (0.16, 0.05), (0.05, 0.05), (0.05, -0.2)],
        _WHITE,
    )


def _board(plate: _Plate) -> None:
    plate.fill([(-0.62, -0.3), (-0.62, 0.3), (0.62, 0.3), (0.62, -0.3)], _WHITE)
    plate.fill([(-0.58, -0.26), (-0.58, 0.26), (0.58, 0.26), (0.58, -0.26)], (80.0, 110.0, 30.0))
    for up in (0.12, -0.1):
        plate.fill([(-0.45, up - 0.05), (-0.45, up + 0.05), (0.3, up + 0.05), (0.3, up - 0.05)], _WHITE)


def _light(plate: _Plate) -> None:
    plate.fill([(-0.17, -0.5), (-0.17, 0.5), (0.17, 0.5), (0.17, -0.5)], _BLACK)
    plate.lamp(0.32, (40.0, 40.0, 90.0))
    plate.lamp(0.0, (30.0, 80.0, 95.0))
    plate.lamp(-0.32, (150.0, 240.0, 70.0))


_PLATES = {"limit": _limit, "warning": _warning, "order": _order, "board": _board, "light": _light}
SIGN_KINDS = tuple(_PLATES)
