"""The sky, and the skyline where the street ends."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fcn_edge.data.streets.camera import Camera
from fcn_edge.data.streets.canvas import Canvas, Color, scaled
from fcn_edge.data.streets.ids import BUILDING, TREE
from fcn_edge.data.streets.light import Light
from fcn_edge.data.streets.noise import fractal

_CLOUD_TILE = 512
_FAR_LEAVES: Color = (62.0, 92.0, 78.0)
_FAR_WALLS: Color = (122.0, 128.0, 140.0)


@dataclass(frozen=True)
class Skyline:
    """Far houses and trees as a row of (azimuth, width, height) in radians, tall as seen, and their kinds."""

    cloud_shift: tuple[int, int]
    blocks: tuple[tuple[float, float, float, int, float], ...]  # azimuth, width, height, class id, tone


def draw_skyline(rng: np.random.Generator) -> Skyline:
    """Draw the skyline of one street."""
    blocks = []
    azimuth = -0.9
    while azimuth < 0.9:
        kind = TREE if rng.random() < 0.55 else BUILDING
        width = rng.uniform(0.03, 0.10)
        height = rng.uniform(0.012, 0.04) if kind == TREE else rng.uniform(0.015, 0.055)
        blocks.append((azimuth, width * 1.4, height, kind, rng.uniform(0.7, 1.1)))
        azimuth += width
    shift = (int(rng.integers(_CLOUD_TILE)), int(rng.integers(_CLOUD_TILE)))
    return Skyline(shift, tuple(blocks))


def paint_sky(canvas: Canvas, camera: Camera, light: Light, skyline: Skyline) -> None:
    """Fill the rows above the horizon: a gradient, clouds, the glow around the sun."""
    horizon = int(np.clip(np.ceil(camera.center[1]) + 1, 1, canvas.size[0]))
    width = canvas.size[1]
    rise = (camera.center[1] - np.arange(horizon, dtype=np.float32)) / camera.f  # tangent of the elevation
    share = np.clip(rise / 0.55, 0, 1)[:, None] ** 0.7
    clouds = _clouds(camera, light, skyline, horizon)
    glow = _glow(camera, light, horizon, width)
    planes = []
    for c in range(3):  # channel by channel: NumPy is slow on a last axis of three
        clear = light.horizon[c] + share * (light.zenith[c] - light.horizon[c])
        plane = clear + clouds * (light.cloud[c] - clear)
        if glow is not None:
            plane += glow * (light.sun[c] / max(light.sun))
        planes.append(np.clip(plane, 0, 255).astype(np.uint8))
    canvas.image[:horizon] = cv2.merge(planes)


def _clouds(camera: Camera, light: Light, skyline: Skyline, rows: int) -> np.ndarray:
    """Return cloud cover 0..1 (rows, W): noise on a plane overhead, which flattens towards the horizon."""
    width = camera.size[1]
    u = (np.arange(width, dtype=np.float32) - camera.center[0]) / camera.f
    rise = np.maximum((camera.center[1] - np.arange(rows, dtype=np.float32)) / camera.f, 0.0) + 0.12
    along = np.repeat((90 / rise)[:, None], width, axis=1) + skyline.cloud_shift[0]
    across = u[None, :] * (90 / rise)[:, None] + skyline.cloud_shift[1]
    noise = cv2.remap(
        fractal(_CLOUD_TILE, 1.7, 1), across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    level = 1.6 - 3.2 * light.cover  # noise above it is cloud
    return 0.9 * np.clip((noise - level) / 1.2, 0, 1)


def _glow(camera: Camera, light: Light, rows: int, width: int) -> np.ndarray | None:
    """Return the brightness (rows, W) around the sun, or None when it does not stand ahead."""
    x, y, s = light.direction
    if s < 0.2:
        return None
    u, v = camera.center[0] + camera.f * x / s, camera.center[1] - camera.f * y / s
    du = (np.arange(width, dtype=np.float32) - u) / camera.f
    dv = (np.arange(rows, dtype=np.float32) - v) / camera.f
    across, down = np.exp(-(du**2) / 0.06), np.exp(-(dv**2) / 0.06)
    return (120 * (1 - 0.8 * light.cover)) * down[:, None] * across[None, :]


def paint_skyline(canvas: Canvas, camera: Camera, light: Light, skyline: Skyline) -> None:
    """Stand far houses and trees on the horizon, faded into it."""
    u0, v0 = camera.center
    ground = v0 + 2
    for azimuth, width, height, kind, tone in skyline.blocks:
        left, right, top = u0 + camera.f * azimuth, u0 + camera.f * (azimuth + width), v0 - camera.f * height
        color = light.shade(scaled(_FAR_LEAVES if kind == TREE else _FAR_WALLS, tone), (0, 0, -1), 170)
        corners = [(left, ground), (left, top), (right, top), (right, ground)]
        if kind == TREE:  # a rounded crown
            turn = np.linspace(np.pi, 0, 9)
            middle, radius = (left + right) / 2, (right - left) / 2
            crown = [(middle + radius * np.cos(a), v0 - (v0 - top) * (0.45 + 0.55 * np.sin(a))) for a in turn]
            corners = [(left, ground), *crown, (right, ground)]
        canvas.polygon(np.array(corners), color, kind)
