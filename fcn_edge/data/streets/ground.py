"""Road, pavement and paint on them, pixel by pixel from the ground plane."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fcn_edge.data.streets.camera import Camera
from fcn_edge.data.streets.canvas import SUBPIXEL, Canvas, Color, fixed_point, scaled
from fcn_edge.data.streets.ids import PAVEMENT, ROAD, TREE
from fcn_edge.data.streets.light import Light
from fcn_edge.data.streets.noise import fractal

_TILE = 512
_TILE_METRES = 10.0


@dataclass(frozen=True)
class Roadway:
    """The ground of a street. Lengths in metres; spans are (from, to) along the road."""

    half_width: float  # of the road, kerb to kerb
    pavement: float  # width of the pavement; grass lies beyond
    asphalt: Color
    slabs: Color
    grass: Color
    paint: Color
    wear: float  # 0 new .. 1 patched and stained
    junctions: tuple[tuple[float, float], ...] = ()
    zebras: tuple[tuple[float, float], ...] = ()
    edge_lines: bool = False
    centre_dash: tuple[float, float] = (2.0, 6.0)  # painted length, period


@dataclass(frozen=True)
class GroundRows:
    """Where every pixel below the horizon meets the ground."""

    top: int  # first row
    z: np.ndarray  # (R, 1) distance ahead, metres
    s: np.ndarray  # (R, 1) place along the road
    x: np.ndarray  # (R, W) place across the road
    pixel: np.ndarray  # (R, 1) width of a pixel on the ground, metres


def ground_rows(camera: Camera) -> GroundRows | None:
    """Return the ground seen by `camera`, or None when it sees none."""
    height, width = camera.size
    u0, v0 = camera.center
    top = max(0, int(np.floor(v0)) + 1)
    if top >= height:
        return None
    below = np.maximum(np.arange(top, height, dtype=np.float32) - v0, 0.2)[:, None]
    z = camera.f * camera.y / below
    x = (np.arange(width, dtype=np.float32)[None, :] - u0) * (z / camera.f) - camera.aside(z)
    return GroundRows(top, z, camera.s + z, x.astype(np.float32), z / camera.f)


def paint_ground(canvas: Canvas, rows: GroundRows, road: Roadway, light: Light, shade: np.ndarray) -> None:
    """Paint road, pavement and grass. `shade` (R, W) is the share of direct light that reaches each pixel."""
    crossing = _within(rows.s, road.junctions)
    kinds = _kinds(rows, road, crossing)
    is_road = kinds == ROAD
    albedo = np.zeros((TREE + 1, 3), np.float32)
    albedo[[ROAD, PAVEMENT, TREE]] = road.asphalt, road.slabs, road.grass
    tone = _grain(rows, road.wear)
    tone *= 1 - 0.14 * _joints(rows) * (kinds == PAVEMENT)
    paint = (
        (0.7 * _kerb(rows, road) * ~crossing, scaled(road.slabs, 1.18)),
        (0.45 * _gutter(rows, road) * is_road, scaled(road.asphalt, 0.6)),
        ((0.9 - 0.35 * road.wear) * _markings(rows, road) * is_road, road.paint),
    )
    air, full = light.haze_along(np.minimum(rows.z, 400)), light.on((0, 1, 0))
    planes = []
    for c in range(3):  # channel by channel: NumPy is slow on a last axis of three
        plane = np.take(albedo[:, c], kinds) * tone
        for share, color in paint:
            plane += share * (color[c] - plane)
        plane *= (light.ambient[c] + shade * (full[c] - light.ambient[c])) * (1 - air)
        plane += air * light.horizon[c]
        planes.append(np.clip(plane, 0, 255).astype(np.uint8))
    canvas.image[rows.top :] = cv2.merge(planes)
    canvas.mask[rows.top :] = kinds


def _kinds(rows: GroundRows, road: Roadway, crossing: np.ndarray) -> np.ndarray:
    """Return class ids (R, W): the road, side streets, the pavement, and grass beyond it."""
    across = np.abs(rows.x)
    kinds = np.full(across.shape, PAVEMENT, np.uint8)
    kinds[across > road.half_width + road.pavement] = TREE
    kinds[(across < road.half_width) | crossing] = ROAD
    return kinds


def _within(s: np.ndarray, spans: tuple[tuple[float, float], ...]) -> np.ndarray:
    inside = np.zeros_like(s, bool)
    for start, end in spans:
        inside |= (s > start) & (s < end)
    return inside


def _grain(rows: GroundRows, wear: float) -> np.ndarray:
    """Return the brightness of the surface: fine grain that fades with distance, and broad stains."""
    scale = _TILE / _TILE_METRES
    across = rows.x * scale
    along = np.broadcast_to(rows.s * scale, rows.x.shape).astype(np.float32)
    fine = cv2.remap(fractal(_TILE, 0.6, 2), across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    broad = cv2.remap(
        fractal(_TILE, 1.6, 3), across / 4, along / 8, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    fade = np.minimum(1, 0.02 / rows.pixel)
    return 1 + 0.07 * fade * fine + (0.03 + 0.06 * wear) * broad


def _joints(rows: GroundRows) -> np.ndarray:
    """Return 1 on the joints between paving slabs of 0.6 m, fading out before they alias."""
    half = 0.012 + rows.pixel / 2
    across, along = (0.6 * np.abs(place - np.floor(place) - 0.5) for place in (rows.x / 0.6, rows.s / 0.6))
    fade = np.clip(1.5 - rows.pixel / 0.04, 0, 1)
    return fade * ((across < half) | (along < 2 * half))


def _stripe(distance: np.ndarray, half_width: float, pixel: np.ndarray) -> np.ndarray:
    """Return how much of each pixel a stripe covers, given the distance to its middle line."""
    return np.clip((half_width - distance) / pixel + 0.5, 0, 1) * np.minimum(1, 2 * half_width / pixel)


def _kerb(rows: GroundRows, road: Roadway) -> np.ndarray:
    return _stripe(np.abs(np.abs(rows.x) - road.half_width - 0.08), 0.08, rows.pixel)


def _gutter(rows: GroundRows, road: Roadway) -> np.ndarray:
    return _stripe(np.abs(np.abs(rows.x) - road.half_width + 0.12), 0.12, rows.pixel)


def _markings(rows: GroundRows, road: Roadway) -> np.ndarray:
    painted, period = road.centre_dash
    dash = (rows.s % period < painted) & ~_within(rows.s, road.junctions) & ~_within(rows.s, road.zebras)
    paint = _stripe(np.abs(rows.x), 0.07, rows.pixel) * dash
    if road.edge_lines:
        edge = _stripe(np.abs(np.abs(rows.x) - road.half_width + 0.35), 0.05, rows.pixel)
        paint = np.maximum(paint, edge * ~_within(rows.s, road.junctions))
    zebra = _within(rows.s, road.zebras)
    if zebra.any():
        bar = np.abs((rows.x / 1.0) % 1 - 0.5) < 0.26
        paint = np.maximum(paint, zebra * bar * (np.abs(rows.x) < road.half_width - 0.2))
    return paint


def cast_shadows(rows: GroundRows, camera: Camera, outlines: np.ndarray) -> np.ndarray:
    """Return the share of direct light (R, W) left by shadows with ground `outlines` (n, k, 2) as (x, s)."""
    shade = np.full(rows.x.shape, 255, np.uint8)
    ground = np.insert(outlines.reshape(-1, 2), 1, 0.0, axis=1)
    vertices = fixed_point(camera.project(ground) - (0, rows.top))
    for corners in vertices.reshape(*outlines.shape):
        cv2.fillConvexPoly(shade, cv2.convexHull(corners), 0, cv2.LINE_8, SUBPIXEL)
    blur = max(0.8, camera.size[1] / 400)
    return np.asarray(cv2.GaussianBlur(shade, (0, 0), blur)).astype(np.float32) / 255
