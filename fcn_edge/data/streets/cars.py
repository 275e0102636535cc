"""Cars, vans and buses, as boxes with a cabin seen from one end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fcn_edge.data.streets.canvas import Color, scaled
from fcn_edge.data.streets.ids import CAR
from fcn_edge.data.streets.sketch import ELLIPSE, Points, Sketch
from fcn_edge.data.streets.view import Footprint, View

Point = tuple[float, float, float]
Cabin = tuple[float, float, float, float]  # rear glass foot, rear roof edge, front roof edge, windscreen foot


@dataclass(frozen=True)
class Shape:
    """Side profile in metres. Along the length, 0 is the rear bumper."""

    length: float
    width: float
    belt: float  # height of the window line
    roof: float
    cabin: Cabin
    nose: float  # height of the bonnet's front edge


SHAPES = {
    "hatch": Shape(3.9, 1.72, 0.95, 1.46, (0.08, 0.55, 2.10, 3.00), 0.82),
    "saloon": Shape(4.5, 1.78, 0.93, 1.42, (0.75, 1.35, 2.60, 3.35), 0.78),
    "estate": Shape(4.6, 1.80, 0.95, 1.50, (0.10, 0.45, 2.70, 3.45), 0.80),
    "suv": Shape(4.5, 1.88, 1.08, 1.72, (0.10, 0.40, 2.50, 3.25), 0.98),
    "van": Shape(5.0, 1.98, 1.18, 2.15, (0.03, 0.08, 3.60, 4.35), 1.10),
    "bus": Shape(10.0, 2.50, 1.15, 3.05, (0.03, 0.06, 9.80, 9.95), 1.10),
}

_COARSE, _FINE = 5.0, 10.0  # pixels a metre: below, lamps and plates, or rims, are smaller than two pixels
_RING = np.insert(ELLIPSE[::2], 0, 0.0, axis=1)  # a circle in the plane of the car's side

_GLASS: Color = (70.0, 62.0, 56.0)
_UNDER_GLASS: Color = (58.0, 52.0, 48.0)
_TYRE: Color = (34.0, 33.0, 33.0)
_GAP: Color = (20.0, 20.0, 20.0)  # between tyre and rim
_RIM: Color = (150.0, 148.0, 145.0)
_GRILLE: Color = (40.0, 40.0, 40.0)
_HEADLAMP: Color = (205.0, 208.0, 210.0)
_HEADLIGHT: Color = (215.0, 245.0, 255.0)
_TAIL_LAMP: Color = (38.0, 32.0, 165.0)
_TAIL_LIGHT: Color = (45.0, 40.0, 235.0)
_FRONT_PLATE: Color = (222.0, 226.0, 228.0)
_REAR_PLATE: Color = (70.0, 205.0, 232.0)


@dataclass(frozen=True)
class Car:
    """A vehicle whose middle is at (x, s) at time 0; speed along s in m/s, negative towards the camera."""

    x: float
    s: float
    shape: str
    paint: Color
    oncoming: bool
    speed: float = 0.0
    braking: bool = False

    def place(self, time: float) -> float:
        """Return the s of its middle."""
        return self.s + self.speed * time

    def far(self, time: float) -> float:
        """Return the s of its far end."""
        return self.place(time) + SHAPES[self.shape].length / 2

    def footprint(self, time: float) -> Footprint:
        """Return what casts its shadow."""
        shape = SHAPES[self.shape]
        return self.x, self.place(time), shape.width / 2, shape.length / 2, 0.8 * shape.roof

    def draw(self, view: View) -> None:
        """Draw the side that can be seen, then the deck, the glass and the end that faces the camera."""
        shape = SHAPES[self.shape]
        s = self.place(view.time)
        near = s - shape.length / 2
        if not view.camera.sees(self.x, near, shape.width) or near - view.camera.s < 1.5:
            return
        drawing = _Drawing(self, shape, view, near)
        if drawing.sketch.visible:
            drawing.side()
            drawing.end()
            drawing.sketch.paste(CAR)


class _Drawing:
    """One car on one frame. Points are (across, height, depth): across to the right of the car's middle line,
    depth from the end that faces the camera."""

    def __init__(self, car: Car, shape: Shape, view: View, near: float) -> None:
        self.car, self.shape, self.view, self.near = car, shape, view, near
        half, length = shape.width / 2, shape.length
        box = [(x, y, d) for x in (-half, half) for y in (0.0, shape.roof + 0.05) for d in (0.0, length)]
        self.sketch = Sketch(view.canvas, self.pixels(np.array(box)), self.pixels)
        self.distance = view.distance(near)
        self.scale = view.camera.pixels_per_metre(near)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Return picture coordinates (n, 2)."""
        return self.view.camera.project(np.add(points, (self.car.x, 0.0, self.near)))

    def fill(self, points: Points, color: Color, normal: Point) -> None:
        """Fill a face with its lit colour."""
        self.sketch.polygon(points, self.view.light.shade(color, normal, self.distance))

    def glow(self, points: Points, color: Color) -> None:
        """Fill a face that shines by itself."""
        self.sketch.polygon(points, self.view.light.through_air(color, 0.4 * self.distance))

    def depths(self) -> Cabin:
        """Return the cabin's four edges counted from the near end."""
        rear_foot, rear_roof, front_roof, front_foot = self.shape.cabin
        if not self.car.oncoming:
            return rear_foot, rear_roof, front_roof, front_foot
        length = self.shape.length
        return length - front_foot, length - front_roof, length - rear_roof, length - rear_foot

    def heights(self) -> tuple[float, float]:
        """Return the body's height at the near end and at the far end."""
        tail = self.shape.belt - 0.03
        return (self.shape.nose, tail) if self.car.oncoming else (tail, self.shape.nose)

    def side(self) -> None:
        """Draw the long side turned to the camera, if it is turned at all."""
        view, shape = self.view, self.shape
        offset = self.car.x + view.camera.aside(np.array(self.near - view.camera.s))
        sign = -float(np.sign(offset))
        x, normal = sign * shape.width / 2, (sign, 0.1, 0.0)
        a, b, c, d = self.depths()
        near, far = self.heights()
        length, belt = shape.length, shape.belt
        body = [(x, 0.28, 0.0), (x, near, 0.02), (x, belt, a)]
        body += [(x, belt, d), (x, far, length), (x, 0.28, length)]
        self.fill(body, self.car.paint, normal)
        lower = [(x, 0.28, 0.0), (x, 0.5, 0.0), (x, 0.5, length), (x, 0.28, length)]
        self.fill(lower, scaled(self.car.paint, 0.72), normal)
        inner = x * 0.86
        cabin = [(x, belt, a), (inner, shape.roof, b), (inner, shape.roof, c), (x, belt, d)]
        self.fill(cabin, self.car.paint, (sign, 0.5, 0.0))
        self._side_glass(x, inner, normal)
        for depth in (0.17 * length, 0.81 * length):
            self._wheel(x, depth, normal)

    def _side_glass(self, x: float, inner: float, normal: Point) -> None:
        a, b, c, d = self.depths()
        belt, roof = self.shape.belt + 0.05, self.shape.roof - 0.07
        edge = (x * 0.98, inner * 1.01)
        count = 5 if self.shape.length > 6 else 2
        if self.car.shape == "van":  # glass only beside the driver
            a, b = (a, b) if self.car.oncoming else (0.62 * d, 0.62 * d)
            c, d = (0.4 * c, 0.4 * c) if self.car.oncoming else (c, d)
        cuts = np.linspace(0, 1, count + 1)
        for start, end in zip(cuts[:-1] + 0.02, cuts[1:] - 0.02, strict=True):
            foot = [a + 0.1 + (d - a - 0.2) * t for t in (start, end)]
            head = [b + 0.05 + (c - b - 0.1) * t for t in (start, end)]
            pane = [(edge[0], belt, foot[0]), (edge[1], roof, head[0])]
            pane += [(edge[1], roof, head[1]), (edge[0], belt, foot[1])]
            self.fill(pane, _GLASS, normal)

    def _wheel(self, x: float, depth: float, normal: Point) -> None:
        rings = ((0.36, _TYRE), (0.31, _GAP), (0.19, _RIM)) if self.scale > _FINE else ((0.34, _TYRE),)
        for radius, color in rings:
            self.fill(_RING * radius + (x, 0.32, depth), color, normal)

    def end(self) -> None:
        """Draw the near end: tyres, deck, glass, body, lights, plate."""
        shape, half = self.shape, self.shape.width / 2
        normal = (0.0, 0.15, -1.0)
        near, _ = self.heights()
        a, b, _, _ = self.depths()
        for x in (-half + 0.05, half - 0.27):
            tyre = [(x, 0.0, 0.2), (x, 0.4, 0.2), (x + 0.22, 0.4, 0.2), (x + 0.22, 0.0, 0.2)]
            self.fill(tyre, _TYRE, normal)
        foot, head = 0.95 * half, 0.80 * half
        deck = [(-half, near, 0.0), (-foot, shape.belt, a), (foot, shape.belt, a), (half, near, 0.0)]
        self.fill(deck, self.car.paint, (0.0, 1.0, -0.2))
        cabin = [(-foot, shape.belt, a), (-head, shape.roof, b), (head, shape.roof, b), (foot, shape.belt, a)]
        self.fill(cabin, scaled(self.car.paint, 0.92), (0.0, 0.6, -0.8))
        self._end_glass(a, b, foot, head)
        body = [(-half, 0.25, 0.0), (-half, near - 0.12, 0.0), (-half + 0.07, near, 0.0)]
        body += [(half - 0.07, near, 0.0), (half, near - 0.12, 0.0), (half, 0.25, 0.0)]
        self.fill(body, self.car.paint, normal)
        if self.scale > _COARSE:
            self._details(near, half, normal)

    def _end_glass(self, a: float, b: float, foot: float, head: float) -> None:
        low, high = self.shape.belt + 0.04, self.shape.roof - 0.10
        if self.car.shape == "van" and not self.car.oncoming:
            low = self.shape.belt + 0.25
        rise = self.shape.roof - self.shape.belt

        def at(height: float) -> tuple[float, float]:
            share = (height - self.shape.belt) / rise
            return foot + (head - foot) * share - 0.08, a + (b - a) * share

        (x0, d0), (x1, d1) = at(low), at(high)
        middle = (low + high) / 2
        xm, dm = at(middle)
        lower = [(-x0, low, d0), (-xm, middle, dm), (xm, middle, dm), (x0, low, d0)]
        self.fill(lower, _UNDER_GLASS, (0.0, 0.3, -0.9))
        bright = scaled(self.view.light.zenith, 0.5)  # the upper half mirrors the sky
        self.glow([(-xm, middle, dm), (-x1, high, d1), (x1, high, d1), (xm, middle, dm)], bright)

    def _details(self, near: float, half: float, normal: Point) -> None:
        self.fill(_plane(-half, half, 0.22, 0.42), scaled(self.car.paint, 0.55), normal)
        low, high = near - 0.28, near - 0.08
        for sign in (-1.0, 1.0):
            outer, inner = sign * (half - 0.03), sign * (half - 0.36)
            self._lamp(
                [(outer, low, 0.0), (outer, high, 0.0), (inner, high - 0.02, 0.0), (inner, low + 0.03, 0.0)]
            )
        self.fill(_plane(-0.26, 0.26, 0.46, 0.57), _FRONT_PLATE if self.car.oncoming else _REAR_PLATE, normal)
        if self.car.oncoming:
            self.fill(_plane(-0.42, 0.42, low + 0.02, high - 0.03), _GRILLE, normal)

    def _lamp(self, outline: list[Point]) -> None:
        dusk = self.view.light.lamps > 0
        if self.car.oncoming:
            off, on, is_on = _HEADLAMP, _HEADLIGHT, dusk
        else:
            off, on, is_on = _TAIL_LAMP, _TAIL_LIGHT, dusk or self.car.braking
        if is_on:
            self.glow(outline, on)
        else:
            self.fill(outline, off, (0.0, 0.15, -1.0))


def _plane(left: float, right: float, low: float, high: float) -> list[Point]:
    """Return an upright rectangle on the near end."""
    return [(left, low, 0.0), (left, high, 0.0), (right, high, 0.0), (right, low, 0.0)]
