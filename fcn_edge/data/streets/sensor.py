"""What a cheap camera does to the light it gets: soft edges, vignetting, exposure, noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from fcn_edge.data.streets.canvas import Color, bgr, draw_color

_GRAIN_SIGMA = 32  # of the prepared picture of noise, which is int8
_PLAY = 128  # pixels by which it is larger than the frame, to be laid over at another place each time


@dataclass(frozen=True)
class Sensor:
    """One camera at one setting."""

    blur: float  # sigma of the lens, pixels at a frame width of 480
    gain: float  # exposure
    tint: Color  # white balance
    noise: float  # sigma, grey levels
    vignette: float  # share of light lost in the corners


def draw_sensor(rng: np.random.Generator, dark: bool) -> Sensor:
    """Draw a camera; in the dark it is noisier."""
    tint = draw_color(rng, 0.94, 1.06)
    noise = rng.uniform(3, 8) if dark else rng.uniform(1, 4)
    return Sensor(rng.uniform(0.45, 0.8), rng.uniform(0.88, 1.12), tint, noise, rng.uniform(0.05, 0.3))


def expose(image: np.ndarray, sensor: Sensor, seed: int) -> np.ndarray:
    """Return uint8 BGR as the camera gives it; `seed` moves the noise from frame to frame."""
    height, width = image.shape[:2]
    image = cv2.GaussianBlur(image, (0, 0), max(0.4, sensor.blur * width / 480))
    levels = np.arange(256, dtype=np.float32)[:, None] * (sensor.gain * bgr(sensor.tint))
    curve = 255 * (1 - np.exp(-levels / 255 * 1.9)) / (1 - np.exp(-1.9))  # a film-like shoulder
    mixed = 0.55 * levels + 0.45 * curve
    image = cv2.LUT(image, np.clip(mixed, 0, 255).astype(np.uint8)[None])
    image = cv2.multiply(image, 1 - np.float32(sensor.vignette) * _falloff(height, width), dtype=cv2.CV_8U)
    rng = np.random.default_rng(seed)
    return cv2.add(image, _noise(height, width, sensor.noise, rng), dtype=cv2.CV_8U)


@lru_cache(maxsize=2)
def _falloff(height: int, width: int) -> np.ndarray:
    """Return float32 (H, W, 3): the squared distance from the middle, 1 in the corners."""
    y = (np.arange(height, dtype=np.float32) / max(height - 1, 1) - 0.5)[:, None]
    x = (np.arange(width, dtype=np.float32) / max(width - 1, 1) - 0.5)[None, :]
    return np.asarray(cv2.merge([2 * (x * x + y * y)] * 3))


def _noise(height: int, width: int, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Return float32 noise (H, W, 3), cut at a random place from a prepared picture of it."""
    top, left = rng.integers(_PLAY, size=2)
    return _grain(height, width)[top : top + height, left : left + width] * np.float32(sigma / _GRAIN_SIGMA)


@lru_cache(maxsize=2)
def _grain(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(9)
    grain = rng.standard_normal((height + _PLAY, width + _PLAY, 3), dtype=np.float32)
    return np.clip(np.rint(_GRAIN_SIGMA * grain), -127, 127).astype(np.int8)
