"""Lay out one street: where the houses, trees, cars and people stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from fcn_edge.data.streets.canvas import Color, bgr, draw_color, scaled
from fcn_edge.data.streets.cars import SHAPES, Car
from fcn_edge.data.streets.facades import Style, draw_plan
from fcn_edge.data.streets.furniture import SIGN_KINDS, Pole, Sign
from fcn_edge.data.streets.ground import Roadway
from fcn_edge.data.streets.houses import House
from fcn_edge.data.streets.ids import FENCE, TREE
from fcn_edge.data.streets.light import Light, draw_light
from fcn_edge.data.streets.looks import Looks
from fcn_edge.data.streets.people import Clothes, Cyclist, Person
from fcn_edge.data.streets.sky import Skyline, draw_skyline
from fcn_edge.data.streets.trees import CROWNS, Tree, leaf_wall
from fcn_edge.data.streets.view import Thing
from fcn_edge.data.streets.walls import Panel

BEHIND = 20.0  # metres of street behind the camera's start: its shadows reach forward

_WOOD: tuple[Color, ...] = (
    (70.0, 104.0, 142.0), (96.0, 124.0, 150.0), (150.0, 160.0, 165.0), (62.0, 84.0, 70.0),
    (205.0, 210.0, 212.0),
)  # fmt: skip


@dataclass(frozen=True)
class Street:
    """One street at one hour: everything a frame of it needs but the camera."""

    light: Light
    skyline: Skyline
    roadway: Roadway
    things: tuple[Thing, ...]
    houses: tuple[House, ...]  # also among the things; their shadow falls as a row
    keep: float  # +1: traffic keeps right, -1: left
    bend: float  # curvature of the road, 1/m


def draw_street(rng: np.random.Generator, looks: Looks, length: float, *, speed: float = 0.0) -> Street:
    """Draw a street of `length` metres. `speed` is the camera's (m/s): traffic ahead keeps pace with it."""
    light = draw_light(rng, looks.moods)
    roadway = _draw_roadway(rng, looks, length)
    keep = float(rng.choice((-1.0, 1.0)))
    houses: list[House] = []
    things: list[Thing] = []
    for side in (-1.0, 1.0):
        built, gardens = _frontage(rng, looks, light, roadway, side, length)
        houses += built
        things += gardens
        things += _kerbside(rng, looks, roadway, side, length)
        things += _parked(rng, looks, roadway, side, keep, length)
        things += _walkers(rng, roadway, side, length)
    things += _traffic(rng, looks, keep, length, speed)
    things += _cyclists(rng, roadway, keep, length)
    bend = float(rng.choice((0.0, 1.0, -1.0), p=(0.4, 0.3, 0.3)) / rng.uniform(250, 900))
    return Street(light, draw_skyline(rng), roadway, (*houses, *things), tuple(houses), keep, bend)


def _draw_roadway(rng: np.random.Generator, looks: Looks, length: float) -> Roadway:
    grey, tint = rng.uniform(*looks.asphalt), rng.uniform(0.97, 1.05)
    slab = rng.uniform(140, 185)
    junctions, zebras = [], []
    s = rng.uniform(15, 70)
    while s < length:
        width = rng.uniform(6, 9)
        junctions.append((s, s + width))
        if rng.random() < 0.5:
            zebras.append((s - 5.5, s - 2.5))
        s += rng.uniform(45, 110)
    return Roadway(
        half_width=rng.uniform(3.4, 5.2), pavement=rng.uniform(1.8, 3.4),
        asphalt=(grey * tint, grey, grey * 0.98), slabs=(slab * rng.uniform(0.88, 1.0), slab * 0.98, slab),
        grass=(52, 110, 88), paint=(222, 228, 230) if rng.random() < 0.8 else (120, 205, 232),
        wear=rng.uniform(0, 1), junctions=tuple(junctions), zebras=tuple(zebras),
        edge_lines=bool(rng.random() < 0.4), centre_dash=(2.0, 6.0) if rng.random() < 0.7 else (4.0, 6.0),
    )  # fmt: skip


def _clear(roadway: Roadway, s0: float, s1: float, margin: float = 0.0) -> bool:
    """Return whether [s0, s1] keeps clear of the side streets."""
    return all(s1 + margin < a or s0 - margin > b for a, b in roadway.junctions)


def _frontage(
    rng: np.random.Generator, looks: Looks, light: Light, roadway: Roadway, side: float, length: float
) -> tuple[list[House], list[Thing]]:
    """Line one side of the street with houses; some are set back behind a fence or hedge, some are trees."""
    houses: list[House] = []
    things: list[Thing] = []
    edge = roadway.half_width + roadway.pavement
    s = -BEHIND
    while s < length:
        bays = int(rng.integers(2, 6))
        end = s + bays * rng.uniform(2.8, 3.4)
        if not _clear(roadway, s, end):
            s += 1.0
            continue
        what = rng.random()
        garden = rng.uniform(2.5, 5.0) if what < 0.35 else 0.0
        if what < 0.12:
            things += _park(rng, looks, edge, side, s, end)
        else:
            house = _house(rng, looks, light, side * (edge + garden), s, end, bays)
            joined = bool(houses) and houses[-1].hides_end_of(house)
            houses.append(replace(house, joined=joined))
        if garden:
            things += _border(rng, looks, side * edge, s, end)
        if garden > 3.2 and rng.random() < 0.6:
            things.append(_tree(rng, looks, side * (edge + 1.8), rng.uniform(s + 2, end - 2), 0.7))
        s = end + (rng.uniform(1, 5) if rng.random() < 0.2 else 0.0)
    return houses, things


def _house(
    rng: np.random.Generator, looks: Looks, light: Light, x: float, s0: float, s1: float, bays: int
) -> House:
    style: Style = looks.styles[int(rng.integers(len(looks.styles)))]
    floors = int(rng.integers(2, 6 if style.roof is None else 4))
    plan = draw_plan(rng, floors, bays, 0.6 * light.lamps)
    tint = scaled(draw_color(rng, 0.94, 1.06), rng.uniform(0.86, 1.1))
    return House(x, s0, s1, floors * rng.uniform(2.8, 3.3), rng.uniform(7, 10), style, plan, tint)


def _park(
    rng: np.random.Generator, looks: Looks, edge: float, side: float, s0: float, s1: float
) -> Iterator[Thing]:
    for s in np.arange(s0 + 1, s1, 3.0):
        for row in (2.0, 6.5, 11.0):
            x = side * (edge + row + rng.uniform(-0.8, 0.8))
            yield _tree(rng, looks, x, float(s + rng.uniform(-1, 1)), 1.1)


def _border(rng: np.random.Generator, looks: Looks, x: float, s0: float, s1: float) -> Iterator[Panel]:
    """Split into short stretches, so that things behind and in front of it are drawn in their turn."""
    hedge = rng.random() < 0.4
    height = rng.uniform(0.9, 1.7)
    picture = leaf_wall(int(rng.integers(4))) if hedge else _fence_picture(rng)
    leaves = looks.leaves[int(rng.integers(len(looks.leaves)))]
    tint = scaled(leaves, 1 / 130) if hedge else (1.0, 1.0, 1.0)
    cuts = np.linspace(s0, s1, max(2, round((s1 - s0) / 3)) + 1).tolist()
    for a, b in pairwise(cuts):
        yield Panel(x, a, b, height, picture, TREE if hedge else FENCE, tint)


def _fence_picture(rng: np.random.Generator) -> np.ndarray:
    """Return boards or bars: uint8 (64, 192, 3)."""
    color = bgr(_WOOD[int(rng.integers(len(_WOOD)))])
    board = np.arange(192) // 8
    tone = rng.uniform(0.8, 1.1, board.max() + 1)[board].astype(np.float32)
    tone[::8] = 0.45
    picture = np.broadcast_to(color * tone[None, :, None], (64, 192, 3)).copy()
    picture[8:12] *= 0.82
    picture[48:52] *= 0.82
    return np.clip(picture, 0, 255).astype(np.uint8)


def _tree(rng: np.random.Generator, looks: Looks, x: float, s: float, size: float) -> Tree:
    color = scaled(looks.leaves[int(rng.integers(len(looks.leaves)))], rng.uniform(0.85, 1.15))
    diameter = size * rng.uniform(3.6, 6.0)
    return Tree(x, s, rng.uniform(1.6, 2.6), diameter, int(rng.integers(CROWNS)), color)


def _kerbside(
    rng: np.random.Generator, looks: Looks, roadway: Roadway, side: float, length: float
) -> Iterator[Thing]:
    """Lamp posts at even distances, and between them street trees, signs and bollards."""
    x = side * (roadway.half_width + 0.45)
    height, radius = rng.uniform(5.5, 8.0), rng.uniform(0.06, 0.10)
    grey = rng.uniform(60, 150)
    leafy = rng.random() < 0.45
    lamp_step = rng.uniform(22, 32)
    for s in np.arange(rng.uniform(-5, 12), length, lamp_step):
        if _clear(roadway, s, s, 1.0):
            yield Pole(x, float(s), height, radius, (grey, grey, grey * 0.96), -side * rng.uniform(1.0, 2.0))
        at = s + lamp_step * rng.uniform(0.25, 0.75)
        if rng.random() < 0.75 and _clear(roadway, at, at, 1.0):
            kind = SIGN_KINDS[int(rng.choice(len(SIGN_KINDS), p=(0.28, 0.2, 0.2, 0.14, 0.18)))]
            yield Sign(x, float(at), kind, rng.uniform(2.1, 2.7))
        if rng.random() < 0.3:
            for k in range(int(rng.integers(2, 6))):
                yield Pole(x - side * 0.1, float(at + 2 + 1.6 * k), 0.95, 0.06, (70, 72, 74))
    if leafy:
        for s in np.arange(rng.uniform(0, 8), length, rng.uniform(8, 14)):
            if _clear(roadway, s, s, 2.0):
                yield _tree(rng, looks, x + side * 0.5, float(s), 0.85)


def _parked(
    rng: np.random.Generator, looks: Looks, roadway: Roadway, side: float, keep: float, length: float
) -> Iterator[Car]:
    if roadway.half_width < 4.2:
        return
    s, busy = rng.uniform(-5, 10), rng.uniform(0.2, 0.9)
    while s < length:
        shape = _shape(rng)
        long = SHAPES[shape].length
        if rng.random() < busy and _clear(roadway, s - long / 2, s + long / 2, 3.0):
            x = side * (roadway.half_width - 0.15 - SHAPES[shape].width / 2)
            oncoming = side != keep if rng.random() < 0.85 else side == keep
            yield Car(x, float(s), shape, _paint(rng, looks), bool(oncoming))
        s += long + rng.uniform(0.8, 3.0)


def _traffic(
    rng: np.random.Generator, looks: Looks, keep: float, length: float, speed: float
) -> Iterator[Car]:
    """Cars ahead in our lane, and cars that come towards us in the other."""
    lane = 1.7
    s = rng.uniform(9, 40)
    for _ in range(int(rng.integers(1, 4))):
        shape = _shape(rng, buses=True)
        own = speed * rng.uniform(0.98, 1.12) if speed else 0.0
        yield Car(keep * lane, float(s), shape, _paint(rng, looks), False, own, bool(rng.random() < 0.3))
        s += rng.uniform(10, 40)
    s = rng.uniform(8, 40)
    reach = length * (2 if speed else 1)
    while s < reach:
        shape = _shape(rng, buses=True)
        paint, towards = _paint(rng, looks), -rng.uniform(7, 10) if speed else 0.0
        yield Car(-keep * lane, float(s), shape, paint, True, towards)
        s += rng.uniform(16, 60)


def _shape(rng: np.random.Generator, *, buses: bool = False) -> str:
    weights = np.array((0.34, 0.2, 0.14, 0.18, 0.1, 0.04 if buses else 0.0))
    return str(rng.choice(list(SHAPES), p=weights / weights.sum()))


def _paint(rng: np.random.Generator, looks: Looks) -> Color:
    return scaled(looks.paints[int(rng.integers(len(looks.paints)))], rng.uniform(0.9, 1.1))


def _walkers(rng: np.random.Generator, roadway: Roadway, side: float, length: float) -> Iterator[Person]:
    for _ in range(int(rng.poisson(length / 16))):
        x = side * (roadway.half_width + rng.uniform(0.6, max(0.7, roadway.pavement - 0.4)))
        speed = float(rng.choice((-1, 1)) * rng.uniform(0.9, 1.6)) if rng.random() < 0.85 else 0.0
        yield Person(
            x, rng.uniform(6, length), rng.uniform(1.5, 1.9), _clothes(rng), speed,
            phase=rng.random(), bag=bool(rng.random() < 0.3),
        )  # fmt: skip
    for start, _ in roadway.zebras:  # on the crossing
        if rng.random() < 0.6:
            x = side * rng.uniform(0, roadway.half_width)
            s = start + rng.uniform(0.5, 2.5)
            height, clothes = rng.uniform(1.5, 1.9), _clothes(rng)
            yield Person(x, s, height, clothes, across=-side * 1.2, phase=rng.random())


def _cyclists(rng: np.random.Generator, roadway: Roadway, keep: float, length: float) -> Iterator[Cyclist]:
    for _ in range(int(rng.poisson(length / 50))):
        side = float(rng.choice((-1, 1)))
        x = side * max(1.2, roadway.half_width - rng.uniform(0.7, 2.2))
        turn = float(rng.choice((0.0, 0.5, 1.0, -0.6)) + rng.normal(0, 0.15))
        helmet = draw_color(rng, 30, 240) if rng.random() < 0.5 else None
        speed = rng.uniform(3.5, 5.5) * (1 if side == keep else -1)
        yield Cyclist(x, rng.uniform(8, length), _clothes(rng), float(speed), turn, helmet)


def _clothes(rng: np.random.Generator) -> Clothes:
    skin = scaled((150.0, 178.0, 214.0), rng.uniform(0.45, 1.05))
    hair = scaled((34.0, 44.0, 58.0), rng.uniform(0.5, 2.6))
    coat = scaled(draw_color(rng, 0.6, 1.4), rng.uniform(40, 190))
    trousers = scaled(draw_color(rng, 0.6, 1.4), rng.uniform(35, 110))
    return Clothes(coat, trousers, skin, hair)
