"""Houses along the road: a front with windows, a plain end wall, a roof."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fcn_edge.data.streets.camera import NEAR
from fcn_edge.data.streets.canvas import Color, clipped_box, times
from fcn_edge.data.streets.facades import Style, assemble, blank_plan, fitting_levels
from fcn_edge.data.streets.ids import BUILDING
from fcn_edge.data.streets.view import View
from fcn_edge.data.streets.walls import cut, draw_wall, visible_span, wall_quad

CELL_METRES = 3.0  # width of a bay of the end wall
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
        quad = wall_quad(view, self.x, span, self.height)
        picture = self._front(span, quad)
        light = times(view.light.on((-side, 0.0, 0.0)), self.tint)
        glow = _bright_windows(picture, view.light.lamps)
        distances = view.distance(span[0]), view.distance(span[1])
        draw_wall(view, quad, distances, picture, light, BUILDING, glow)

    def _front(self, span: tuple[float, float], quad: np.ndarray) -> np.ndarray:
        """Return the picture of the front in `span`; only bays that show are put together."""
        bay = (self.s1 - self.s0) / self.plan.shape[1]
        first = int((span[0] - self.s0) / bay)
        last = min(int(np.ceil((span[1] - self.s0) / bay)), self.plan.shape[1])
        levels = fitting_levels(quad, self.plan.shape[0], (span[1] - span[0]) / bay)
        picture = assemble(self.style, self.plan[:, first:last], levels)
        return cut(picture, span, (self.s0 + first * bay, self.s0 + last * bay))

    def _draw_end(self, view: View, side: float) -> None:
        """Draw the wall at s0 and its gable; far away one colour does, the surface cannot be seen."""
        near, away, top, s = self.x, self.x + side * self.depth, self.height, self.s0
        left, right = min(near, away), max(near, away)
        quad = view.camera.project(np.array([(left, top, s), (right, top, s), (right, 0, s), (left, 0, s)]))
        if clipped_box(quad, view.canvas.size) is None:
            return
        distance = view.distance(s)
        wall = view.light.shade(times(self.style.wall, self.tint), (0.0, 0.0, -1.0), distance)
        if view.camera.pixels_per_metre(s) < _SURFACE:
            view.canvas.polygon(quad, wall, BUILDING)
        else:
            plan = blank_plan(self.plan.shape[0], max(1, round(self.depth / CELL_METRES)))
            picture = assemble(self.style, plan, fitting_levels(quad, *plan.shape))
            light = times(view.light.on((0.0, 0.0, -1.0)), self.tint)
            draw_wall(view, quad, (distance, distance), picture, light, BUILDING)
        if self.style.roof is not None:
            corners = [(near, top, s), ((near + away) / 2, self.ridge, s), (away, top, s)]
            view.canvas.polygon(view.camera.project(np.array(corners)), wall, BUILDING)

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
