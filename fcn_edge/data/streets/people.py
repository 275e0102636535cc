"""Pedestrians and cyclists, walking and pedalling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fcn_edge.data.streets.canvas import Color, scaled
from fcn_edge.data.streets.ids import BICYCLIST, PEDESTRIAN
from fcn_edge.data.streets.sketch import ELLIPSE, Points, Sketch
from fcn_edge.data.streets.view import Footprint, View

_RUBBER: Color = (36.0, 36.0, 38.0)
_SHOES: Color = (38.0, 36.0, 40.0)

_ARC = np.linspace(-0.2, np.pi + 0.2, 9)
_HAIR = np.stack([0.105 * np.cos(_ARC), 0.03 + 0.11 * np.sin(_ARC)], axis=1)  # about the middle of the head


@dataclass(frozen=True)
class Clothes:
    """Colours of a person, BGR."""

    coat: Color
    trousers: Color
    skin: Color
    hair: Color


@dataclass(frozen=True)
class Person:
    """Someone at (x, s) at time 0 who walks along and across the road (m/s); phase of the step in turns."""

    x: float
    s: float
    height: float
    clothes: Clothes
    speed: float = 0.0
    across: float = 0.0
    phase: float = 0.0
    bag: bool = False

    def place(self, time: float) -> tuple[float, float]:
        """Return (x, s)."""
        return self.x + self.across * time, self.s + self.speed * time

    def far(self, time: float) -> float:
        """Return its s."""
        return self.place(time)[1]

    def footprint(self, time: float) -> Footprint:
        """Return what casts its shadow."""
        x, s = self.place(time)
        return x, s, 0.2, 0.15, self.height

    def draw(self, view: View) -> None:
        """Draw legs, arms, coat and head."""
        x, s = self.place(view.time)
        if not view.camera.sees(x, s, 1.0):
            return
        figure = _Figure(view, x, s, self.height / 1.75, (0.55, 1.85))
        if not figure.sketch.visible:
            return
        pace = abs(self.speed) + abs(self.across)
        swing = 0.22 * np.sin(2 * np.pi * (self.phase + 0.8 * pace * view.time)) * min(1.0, pace / 1.2)
        lean = 1.0 if abs(self.across) > abs(self.speed) else 0.45  # seen end-on a stride is foreshortened
        self._legs(figure, lean * swing)
        self._body(figure, lean * swing)
        figure.sketch.paste(PEDESTRIAN)

    def _legs(self, figure: _Figure, swing: float) -> None:
        for side, shade in ((-1, 0.75), (1, 1.0)):
            knee, foot = side * (0.08 + 0.5 * swing), side * (0.08 + swing)
            trousers = scaled(self.clothes.trousers, shade)
            figure.limb([(0.07 * side, 0.88), (knee, 0.48), (foot, 0.06)], 0.15, trousers)
            figure.limb([(foot, 0.06), (foot + 0.05, 0.03)], 0.10, _SHOES)

    def _body(self, figure: _Figure, swing: float) -> None:
        coat, dark = self.clothes.coat, scaled(self.clothes.coat, 0.78)
        figure.limb([(-0.22, 1.36), (-0.27 - 0.4 * swing, 1.08), (-0.24 - 0.8 * swing, 0.86)], 0.11, dark)
        figure.fill(
            [(-0.19, 0.78), (-0.23, 1.40), (-0.10, 1.47), (0.10, 1.47), (0.23, 1.40), (0.19, 0.78)], coat
        )
        figure.fill([(0.06, 0.78), (0.10, 1.45), (0.23, 1.40), (0.19, 0.78)], dark)
        figure.limb([(0.22, 1.36), (0.27 + 0.4 * swing, 1.08), (0.24 + 0.8 * swing, 0.86)], 0.11, coat)
        if self.bag:
            figure.fill([(0.20, 0.62), (0.20, 0.90), (0.42, 0.90), (0.42, 0.62)], (50.0, 60.0, 110.0))
        _head(figure, 0.0, 1.62, self.clothes)


@dataclass(frozen=True)
class Cyclist:
    """A person on a bicycle at (x, s) at time 0; turned by `turn` radians from the road's direction."""

    x: float
    s: float
    clothes: Clothes
    speed: float = 0.0
    turn: float = 0.0
    helmet: Color | None = None

    def place(self, time: float) -> tuple[float, float]:
        """Return (x, s)."""
        return self.x, self.s + self.speed * time

    def far(self, time: float) -> float:
        """Return its s."""
        return self.place(time)[1]

    def footprint(self, time: float) -> Footprint:
        """Return what casts its shadow."""
        x, s = self.place(time)
        return x, s, 0.2, 0.8, 1.5

    def draw(self, view: View) -> None:
        """Draw wheels and frame, legs, body and head."""
        x, s = self.place(view.time)
        if not view.camera.sees(x, s, 1.5):
            return
        figure = _Figure(view, x, s, 1.0, (1.1, 1.9))
        if not figure.sketch.visible:
            return
        along = max(abs(np.sin(self.turn)), 0.12) * (1 if np.sin(self.turn) >= 0 else -1)
        self._bicycle(figure, along)
        self._rider(figure, along, 2 * np.pi * 0.22 * abs(self.speed) * view.time)
        figure.sketch.paste(BICYCLIST)

    def _bicycle(self, figure: _Figure, along: float) -> None:
        for middle in (-0.52, 0.52):
            wheel = (0.34 * ELLIPSE + (middle, 0.35)) * (along, 1.0)
            figure.limb(np.concatenate([wheel, wheel[:1]]), 0.055, _RUBBER)
        frame = (60.0, 60.0, 150.0)
        bars = [(-0.52, 0.35), (-0.05, 0.32), (-0.2, 0.85), (0.38, 0.82), (-0.05, 0.32)]
        figure.limb([(a * along, y) for a, y in bars], 0.05, frame)
        figure.limb([(0.52 * along, 0.35), (0.36 * along, 0.98)], 0.05, frame)
        figure.limb([(0.36 * along - 0.26, 1.0), (0.36 * along + 0.26, 1.0)], 0.04, _RUBBER)

    def _rider(self, figure: _Figure, along: float, crank: float) -> None:
        clothes = self.clothes
        for side, shade in ((-1, 0.75), (1, 1.0)):
            angle = crank + (np.pi if side > 0 else 0)
            pedal = ((-0.05 + 0.17 * np.cos(angle)) * along + 0.09 * side, 0.32 + 0.17 * np.sin(angle))
            knee = (0.22 * along + 0.11 * side, 0.5 * (pedal[1] + 0.95) + 0.06)
            hip = (-0.2 * along + 0.07 * side, 0.95)
            figure.limb([hip, knee, pedal], 0.14, scaled(clothes.trousers, shade))
        low, high = -0.2 * along, 0.1 * along
        shoulders = [(high - 0.22, 1.42), (high - 0.09, 1.5), (high + 0.09, 1.5), (high + 0.22, 1.42)]
        figure.fill([(low - 0.17, 0.90), *shoulders, (low + 0.17, 0.90)], clothes.coat)
        for side in (-1, 1):
            elbow, hand = (0.2 * along + 0.28 * side, 1.15), (0.36 * along + 0.24 * side, 1.02)
            figure.limb([(high + 0.2 * side, 1.38), elbow, hand], 0.1, clothes.coat)
        _head(figure, high + 0.04 * along, 1.64, clothes)
        if self.helmet is not None:
            shell = [(high - 0.13, 1.66), (high - 0.09, 1.78), (high + 0.09, 1.78), (high + 0.13, 1.66)]
            figure.fill(shell, self.helmet)


class _Figure:
    """A flat figure that faces the camera; points are (right, up) in metres from where it stands."""

    def __init__(self, view: View, x: float, s: float, size: float, reach: tuple[float, float]) -> None:
        self.view, self.distance = view, view.distance(s)
        self.scale = size * view.camera.pixels_per_metre(s)
        self.foot = view.camera.project(np.array([(x, 0.0, s)]))[0]
        wide, tall = reach
        box = self.pixels(np.array([(-wide, -0.02), (wide, tall)]))
        self.sketch = Sketch(view.canvas, box, self.pixels)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        return self.foot + self.scale * (points * (1.0, -1.0))

    def lit(self, color: Color) -> Color:
        return self.view.light.shade(color, (0.0, 0.4, -0.9), self.distance)

    def fill(self, points: Points, color: Color) -> None:
        self.sketch.polygon(points, self.lit(color))

    def limb(self, points: Points, width: float, color: Color) -> None:
        self.sketch.line(points, width * self.scale, self.lit(color))


def _head(figure: _Figure, x: float, y: float, clothes: Clothes) -> None:
    figure.limb([(x, y - 0.16), (x, y - 0.08)], 0.09, clothes.skin)
    figure.fill(ELLIPSE * (0.095, 0.125) + (x, y), clothes.skin)
    figure.fill(np.add(_HAIR, (x, y)), clothes.hair)
