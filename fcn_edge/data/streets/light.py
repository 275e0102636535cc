"""The hour and the weather: where the sun stands, what colour things take, what the sky looks like."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fcn_edge.data.streets.canvas import Color, times

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """One mood. Colours are BGR; sun and ambient multiply the colour of a surface."""

    name: str
    sun: Color  # strength of direct light, a channel
    ambient: Color  # strength of light from the whole sky
    elevation: float  # radians of the sun above the horizon
    azimuth: float  # radians from straight ahead, to the right
    zenith: Color  # sky overhead
    horizon: Color  # sky low down, and what far things fade into
    cloud: Color
    cover: float  # 0 clear .. 1 overcast
    haze: float  # share of a thing's colour lost in 100 m
    lamps: float = 0.0  # share of windows and lamps that are lit

    @cached_property
    def direction(self) -> Vector:
        """Unit vector (x, y, s) towards the sun."""
        flat = math.cos(self.elevation)
        return flat * math.sin(self.azimuth), math.sin(self.elevation), flat * math.cos(self.azimuth)

    def on(self, normal: Vector) -> Color:
        """Return the light that falls on a surface facing `normal` (x, y, s), as a factor a channel."""
        (x, y, s), (nx, ny, ns) = self.direction, normal
        facing = max(0.0, x * nx + y * ny + s * ns)
        (b, g, r), (sun_b, sun_g, sun_r) = self.ambient, self.sun
        return b + facing * sun_b, g + facing * sun_g, r + facing * sun_r

    def shade(self, color: Color, normal: Vector, distance: float) -> Color:
        """Return the colour of a lit surface seen through `distance` metres of air."""
        return self.through_air(times(color, self.on(normal)), distance)

    def through_air(self, color: Color, distance: float) -> Color:
        """Fade a colour into the horizon."""
        share = self.haze_at(distance)
        (b, g, r), (far_b, far_g, far_r), own = color, self.horizon, 1 - share
        return (
            min(b, 255.0) * own + far_b * share,
            min(g, 255.0) * own + far_g * share,
            min(r, 255.0) * own + far_r * share,
        )

    def haze_at(self, distance: float) -> float:
        """Return the share of colour lost over `distance` metres (Beer-Lambert)."""
        return 1.0 - (1.0 - self.haze) ** (distance / 100)

    def haze_along(self, distance: np.ndarray) -> np.ndarray:
        """Return the share of colour lost over many distances, float32."""
        return (1.0 - (1.0 - self.haze) ** (distance / 100)).astype(np.float32)


def draw_light(rng: np.random.Generator, moods: dict[str, float]) -> Light:
    """Draw a light from `moods` (name: weight), varied a little."""
    weights = np.array(list(moods.values()))
    name = rng.choice(list(moods), p=weights / weights.sum())
    return _MOODS[name](rng)


def _noon(rng: np.random.Generator) -> Light:
    gain = rng.uniform(0.9, 1.1)
    return Light(
        "noon", sun=(0.70 * gain, 0.76 * gain, 0.82 * gain), ambient=(0.50, 0.46, 0.43),
        elevation=rng.uniform(0.6, 1.1), azimuth=rng.uniform(-np.pi, np.pi),
        zenith=(rng.uniform(190, 225), rng.uniform(130, 160), rng.uniform(70, 105)), horizon=(238, 222, 205),
        cloud=(252, 250, 248), cover=rng.uniform(0.05, 0.5), haze=rng.uniform(0.08, 0.25),
    )  # fmt: skip


def _overcast(rng: np.random.Generator) -> Light:
    grey = rng.uniform(0.62, 0.85)
    return Light(
        "overcast", sun=(0.06, 0.06, 0.06), ambient=(grey * 1.02, grey, grey * 0.98),
        elevation=1.2, azimuth=rng.uniform(-np.pi, np.pi),
        zenith=(205, 198, 192), horizon=(232, 230, 228), cloud=(246, 244, 243), cover=0.95,
        haze=rng.uniform(0.15, 0.45),
    )  # fmt: skip


def _morning(rng: np.random.Generator) -> Light:
    return Light(
        "morning", sun=(0.50, 0.68, 0.86), ambient=(0.46, 0.41, 0.38),
        elevation=rng.uniform(0.22, 0.5), azimuth=rng.uniform(-np.pi, np.pi),
        zenith=(205, 160, 115), horizon=(205, 220, 238), cloud=(225, 236, 250), cover=rng.uniform(0.1, 0.6),
        haze=rng.uniform(0.15, 0.35),
    )  # fmt: skip


def _dusk(rng: np.random.Generator) -> Light:
    dim = rng.uniform(0.26, 0.42)
    return Light(
        "dusk", sun=(0.05, 0.10, 0.20), ambient=(dim * 1.12, dim, dim * 0.95),
        elevation=rng.uniform(0.05, 0.15), azimuth=rng.uniform(-0.7, 0.7),
        zenith=(rng.uniform(110, 140), rng.uniform(80, 100), rng.uniform(60, 85)),
        horizon=(rng.uniform(110, 160), rng.uniform(140, 175), rng.uniform(195, 235)),
        cloud=(120, 120, 160), cover=rng.uniform(0.1, 0.7), haze=rng.uniform(0.1, 0.2),
        lamps=rng.uniform(0.3, 0.8),
    )  # fmt: skip


_MOODS = {"noon": _noon, "overcast": _overcast, "morning": _morning, "dusk": _dusk}
