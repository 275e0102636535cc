"""Pictures of walls with windows, doors and shop fronts, put together from cells of one bay and one floor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from fcn_edge.data.streets.canvas import Color, bgr, draw_color, scaled
from fcn_edge.data.streets.noise import fractal

CELL = 128  # pixels a side of a cell at its finest
LEVELS = 5  # of detail
UPPER, GROUND, BLANK, LIT = 4, 4, 1, 4  # cells of each kind, in this order

_PANE: Color = (128.0, 112.0, 100.0)
_LAMPLIGHT: Color = (150.0, 235.0, 255.0)
_SHOP_GLASS: Color = (110.0, 102.0, 96.0)
_DOORS: tuple[Color, ...] = (
    (40.0, 40.0, 120.0), (110.0, 60.0, 25.0), (50.0, 80.0, 40.0), (45.0, 45.0, 48.0), (190.0, 190.0, 195.0),
)  # fmt: skip


@dataclass(frozen=True)
class Style:
    """How the houses of one builder look. Colours are BGR."""

    wall: Color
    trim: Color
    surface: str  # brick | plaster | panel
    window: tuple[float, float]  # share of the cell's width and height
    panes: tuple[int, int]  # glazing, across and down
    ground: str  # shop | house
    roof: Color | None  # None: flat
    seed: int


@lru_cache(maxsize=64)
def cells(style: Style) -> tuple[tuple[np.ndarray, ...], ...]:
    """Return the cells of a style, uint8 (n, h, w, 3), at [level of height][level of width].

    Level 0 is CELL pixels, each further one half as many. A wall along the road is seen at an angle, much
    narrower than high: hence levels of their own for the two (a ripmap).
    """
    rng = np.random.default_rng(style.seed)
    finest = [_upper(style, rng) for _ in range(UPPER)]
    finest += [_shop(style, rng) if style.ground == "shop" else _house(style, rng) for _ in range(GROUND)]
    finest += [_wall(style, rng)]
    finest += [_upper(style, rng, lit=True) for _ in range(LIT)]
    sizes = [CELL >> level for level in range(LEVELS)]
    return tuple(tuple(_scaled_down(finest, (w, h)) for w in sizes) for h in sizes)


def _scaled_down(pictures: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    return np.stack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in pictures])


def fitting_levels(quad: np.ndarray, floors: float, bays: float) -> tuple[int, int]:
    """Return the coarsest levels (of height, of width) with a pixel for each of the frame's.

    quad: pixels (4, 2) of the wall's corners, its left edge from quad[0] to quad[3].
    """
    tall = max(abs(quad[3, 1] - quad[0, 1]), abs(quad[2, 1] - quad[1, 1])) / floors
    wide = abs(quad[1, 0] - quad[0, 0]) / bays
    return _level(tall), _level(wide)


def _level(pixels: float) -> int:
    return min(max(int(math.log2(CELL / max(pixels, 1.0))), 0), LEVELS - 1)


def assemble(style: Style, plan: np.ndarray, levels: tuple[int, int]) -> np.ndarray:
    """Return the picture of a wall whose cells are `plan` (floors, bays), top floor first."""
    tiles = cells(style)[levels[0]][levels[1]]
    floors, bays = plan.shape
    height, width = tiles.shape[1:3]
    return tiles[plan].transpose(0, 2, 1, 3, 4).reshape(floors * height, bays * width, 3)


def draw_plan(rng: np.random.Generator, floors: int, bays: int, lit: float) -> np.ndarray:
    """Draw which cell stands where; a share `lit` of the upper windows has the light on."""
    plan = rng.integers(0, UPPER, (floors, bays))
    plan = np.where(
        rng.random((floors, bays)) < lit, UPPER + GROUND + BLANK + rng.integers(0, LIT, plan.shape), plan
    )
    plan[-1] = UPPER + rng.integers(0, GROUND, bays)
    return plan


def blank_plan(floors: int, bays: int) -> np.ndarray:
    """Return the plan of a wall without windows."""
    return np.full((floors, bays), UPPER + GROUND)


def _wall(style: Style, rng: np.random.Generator) -> np.ndarray:
    shift = rng.integers(0, 256, 2)
    grain = np.roll(fractal(256, 0.5, 4), tuple(shift), (0, 1))[:CELL, :CELL]
    broad = np.roll(fractal(256, 1.3, 5), tuple(shift), (0, 1))[:CELL, :CELL]
    tone = 1 + 0.04 * grain + 0.03 * broad
    if style.surface == "brick":
        tone = tone * _bricks(rng)
    elif style.surface == "panel":
        tone[:: CELL // 2] *= 0.8
        tone[:, :: CELL // 2] *= 0.85
    return np.clip(tone[..., None] * bgr(style.wall), 0, 255).astype(np.uint8)


def _bricks(rng: np.random.Generator) -> np.ndarray:
    """Return brightness (CELL, CELL) of bricks: 4 pixels high (9 cm), 10 long (23 cm), in shifted courses."""
    row, column = np.indices((CELL, CELL))
    course = row // 4
    shifted = column + 5 * (course % 2)
    brick = shifted // 10
    tone = rng.uniform(0.86, 1.12, (CELL // 4, CELL // 10 + 2))[course, brick]
    mortar = (row % 4 == 0) | (shifted % 10 == 0)
    return np.where(mortar, 1.12, tone)


def _upper(style: Style, rng: np.random.Generator, lit: bool = False) -> np.ndarray:
    cell = _wall(style, rng)
    wide, tall = (share * CELL for share in style.window)
    left, top = (CELL - wide) / 2, 0.44 * CELL - tall / 2
    box = tuple(int(v) for v in (left, top, left + wide, top + tall))
    _shadow_line(cell, box)
    _glaze(cell, box, style, rng, lit)
    sill = (box[0] - 5, box[3], box[2] + 5, box[3] + 6)
    cv2.rectangle(cell, sill[:2], sill[2:], style.trim, -1)
    cv2.line(cell, (sill[0], sill[3] + 1), (sill[2], sill[3] + 1), scaled(style.wall, 0.45), 2)
    return cell


def _glaze(cell: np.ndarray, box: tuple[int, ...], style: Style, rng: np.random.Generator, lit: bool) -> None:
    """Draw frame, glass (sky above, room below), glazing bars and perhaps a curtain."""
    left, top, right, bottom = box
    cv2.rectangle(cell, (left, top), (right, bottom), style.trim, -1)
    left, top, right, bottom = left + 4, top + 4, right - 4, bottom - 4
    shade = np.linspace(1.0, 0.45, bottom - top)[:, None, None]
    glass = _LAMPLIGHT if lit else scaled(_PANE, rng.uniform(0.6, 1.1))
    tone = shade ** (0.25 if lit else 1.0) * np.ones((1, right - left, 1))
    slant = np.tri(bottom - top, right - left, int(rng.integers(-20, 40)))[..., None]
    cell[top:bottom, left:right] = np.clip(tone * (1 if lit else 1 + 0.25 * slant) * bgr(glass), 0, 255)
    if rng.random() < 0.5:
        width = int(rng.uniform(0.15, 0.3) * (right - left))
        curtain = draw_color(rng, 150, 215)
        for at in (left, right - width):
            cv2.rectangle(cell, (at, top), (at + width, bottom), curtain, -1)
    for column in range(1, style.panes[0]):
        at = left + column * (right - left) // style.panes[0]
        cv2.line(cell, (at, top), (at, bottom), style.trim, 3)
    for row in range(1, style.panes[1]):
        at = top + row * (bottom - top) // style.panes[1]
        cv2.line(cell, (left, at), (right, at), style.trim, 3)


def _shadow_line(cell: np.ndarray, box: tuple[int, ...]) -> None:
    left, top, right, _ = box
    lintel = cell[max(top - 10, 0) : top, left - 4 : right + 4]
    lintel[:] = np.clip(lintel * 0.82, 0, 255)


def _house(style: Style, rng: np.random.Generator) -> np.ndarray:
    """Ground floor of a house: a window, or a door with a step."""
    if rng.random() < 0.55:
        return _upper(style, rng)
    cell = _wall(style, rng)
    door = _DOORS[int(rng.integers(len(_DOORS)))]
    left = int(rng.integers(24, 50))
    cv2.rectangle(cell, (left - 6, 26), (left + 50, CELL), style.trim, -1)
    cv2.rectangle(cell, (left, 46), (left + 44, CELL), door, -1)
    cv2.rectangle(cell, (left, 30), (left + 44, 42), (120, 110, 100), -1)
    for top in (54, 90):
        cv2.rectangle(cell, (left + 6, top), (left + 38, top + 26), scaled(door, 0.75), 2)
    cv2.rectangle(cell, (left - 8, CELL - 5), (left + 52, CELL), (150, 155, 158), -1)
    return cell


def _shop(style: Style, rng: np.random.Generator) -> np.ndarray:
    """Ground floor of a shop: a fascia above a wide window, perhaps an awning."""
    cell = _wall(style, rng)
    fascia = draw_color(rng, 25, 170)
    cv2.rectangle(cell, (0, 14), (CELL, 36), fascia, -1)
    for _ in range(int(rng.integers(3, 8))):  # lettering
        x = int(rng.integers(12, CELL - 24))
        cv2.rectangle(cell, (x, 20), (x + int(rng.integers(4, 10)), 30), (225, 230, 232), -1)
    cv2.rectangle(cell, (6, 40), (CELL - 6, CELL - 12), scaled(fascia, 0.5), -1)
    glass = np.linspace(0.95, 0.5, CELL - 60)[:, None, None] * bgr(_SHOP_GLASS)
    cell[44 : CELL - 16, 12 : CELL - 12] = glass
    for _ in range(6):  # goods
        x, y = int(rng.integers(16, CELL - 34)), int(rng.integers(66, CELL - 34))
        goods = draw_color(rng, 40, 220)
        cv2.rectangle(cell, (x, y), (x + int(rng.integers(6, 18)), CELL - 18), goods, -1)
    cv2.line(cell, (CELL // 2, 44), (CELL // 2, CELL - 16), scaled(fascia, 0.5), 4)
    if rng.random() < 0.35:
        stripe = (235, 235, 240)
        for x in range(0, CELL, 16):
            color = stripe if x // 16 % 2 else fascia
            cv2.fillConvexPoly(cell, np.array([(x + 2, 36), (x + 18, 36), (x + 16, 58), (x, 58)]), color)
    return cell
