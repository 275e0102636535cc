"""Trees: a trunk and a crown of leaf clumps, lit from above; hedges from the same leaves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from fcn_edge.data.streets.canvas import Color, bgr, clipped_box, scaled
from fcn_edge.data.streets.ids import TREE
from fcn_edge.data.streets.noise import fractal
from fcn_edge.data.streets.sketch import Sketch
from fcn_edge.data.streets.view import Footprint, View

CROWNS = 6
_SIZE = 256
_BARK: Color = (52.0, 66.0, 80.0)


@lru_cache(maxsize=CROWNS)
def crown(kind: int) -> tuple[np.ndarray, ...]:
    """Return crown `kind` at falling sizes: uint8 (n, n, 2), brightness times alpha, and alpha."""
    rng = np.random.default_rng(700 + kind)
    sheet = np.zeros((_SIZE, _SIZE, 2), np.uint8)
    reach = np.array([rng.uniform(0.30, 0.36), rng.uniform(0.30, 0.38)]) * _SIZE
    centers = rng.normal(0, 0.5, (26, 2)).clip(-0.95, 0.95) * reach + _SIZE / 2
    order = np.argsort(-centers[:, 1])  # the upper clumps, drawn last, catch the light
    for x, y in centers[order]:
        radius = rng.uniform(0.09, 0.17) * _SIZE
        for step in range(46):
            angle, out = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random())
            dx, dy = out * radius * np.cos(angle), out * radius * np.sin(angle)
            height = 0.5 - 0.35 * dy / radius - 0.25 * (y - _SIZE / 2) / (_SIZE / 2) + 0.005 * step
            tone = int(np.clip(255 * (0.45 + 0.5 * height + rng.normal(0, 0.09)), 30, 255))
            spot = (round(x + dx), round(y + dy))
            axes = (int(rng.integers(2, 7)), int(rng.integers(2, 5)))
            cv2.ellipse(sheet, spot, axes, float(rng.uniform(0, 180)), 0, 360, (tone, 255), -1)
    levels: list[np.ndarray] = [sheet]
    while levels[-1].shape[0] > 16:
        half = levels[-1].shape[0] // 2
        levels.append(cv2.resize(levels[-1], (half, half), interpolation=cv2.INTER_AREA))
    return tuple(levels)


@lru_cache(maxsize=4)
def leaf_wall(seed: int) -> np.ndarray:
    """Return a picture of a hedge: uint8 (64, 192, 3), grey leaves to be tinted."""
    grain = np.roll(fractal(256, 0.7, 6), 37 * seed, 1)[:64, :192]
    tone = np.linspace(1.15, 0.6, 64, dtype=np.float32)[:, None] * (0.62 + 0.2 * grain)
    return np.repeat(np.clip(150 * tone, 10, 255).astype(np.uint8)[..., None], 3, axis=2)


@dataclass(frozen=True)
class Tree:
    """A tree at (x, s): height of the trunk, diameter of the crown, which crown, colour of its leaves."""

    x: float
    s: float
    trunk: float
    diameter: float
    kind: int
    leaves: Color

    def far(self, time: float) -> float:
        """Return its s."""
        return self.s

    def footprint(self, time: float) -> Footprint:
        """Return what casts its shadow."""
        half = 0.4 * self.diameter
        return self.x, self.s, half, half, 0.8 * self.diameter

    def draw(self, view: View) -> None:
        """Draw trunk, then crown."""
        if not view.camera.sees(self.x, self.s, self.diameter / 2):
            return
        heights = (0.0, self.trunk + 0.5 * self.diameter, self.trunk + self.diameter)
        foot, fork, tip = view.camera.project(np.array([(self.x, y, self.s) for y in heights]))
        scale = view.camera.pixels_per_metre(self.s)
        self._draw_trunk(view, foot, fork, scale)
        self._draw_crown(view, tip, scale)

    def _draw_trunk(self, view: View, foot: np.ndarray, fork: np.ndarray, scale: float) -> None:
        wide = max(0.035 * self.diameter + 0.06, 0.1) * scale
        outline = np.array([foot, fork, fork, foot])
        outline[:, 0] += np.array([-1, -0.4, 0.4, 1]) * wide
        distance = view.distance(self.s)
        color = view.light.shade(_BARK, (0, 0.3, -0.95), distance)
        if wide < 1:
            view.canvas.polygon(outline, color, TREE)
            return
        sketch = Sketch(view.canvas, outline)
        if sketch.visible:
            sketch.polygon(outline, color)
            dark = outline * np.array([0.5, 1]) + foot * np.array([0.5, 0]) + (0.35 * wide, 0)
            sketch.polygon(dark, scaled(color, 0.75))
            sketch.paste(TREE)

    def _draw_crown(self, view: View, tip: np.ndarray, scale: float) -> None:
        side = self.diameter * scale
        corner = tip - (side / 2, 0.08 * side)
        box = clipped_box(np.array([corner, corner + side]), view.canvas.size)
        if box is None:
            return
        left, top, right, bottom = box
        levels = crown(self.kind)
        level = int(np.clip(np.floor(np.log2(_SIZE / max(side, 1))), 0, len(levels) - 1))
        sheet = levels[level]
        zoom = side / sheet.shape[0]
        move = np.array([[zoom, 0, corner[0] - left], [0, zoom, corner[1] - top]])
        patch = cv2.warpAffine(sheet, move, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
        view.canvas.paste(self._tint(view, patch), left, top, TREE)

    def _tint(self, view: View, patch: np.ndarray) -> np.ndarray:
        """Return BGRA: leaves in their colour and light, faded by the air."""
        above, front = view.light.on((0, 1, 0)), view.light.on((0, 0, -1))
        share = view.light.haze_at(view.distance(self.s))
        light = 0.6 * bgr(above) + 0.4 * bgr(front)
        mix = np.zeros((4, 2), np.float32)  # from (brightness, alpha) to (blue, green, red, alpha)
        mix[:3, 0] = bgr(self.leaves) / 200 * light * (1 - share)
        mix[:3, 1] = bgr(view.light.horizon) / 255 * share
        mix[3, 1] = 1
        return cv2.transform(patch, mix)
