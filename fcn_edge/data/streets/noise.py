"""Tileable noise: the grain of asphalt, brick, leaves and clouds."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=16)
def fractal(size: int, slope: float, seed: int) -> np.ndarray:
    """Return float32 (size, size) noise, mean 0 and deviation 1, its spectrum falling as frequency ** -slope.

    It is made in the frequency domain and therefore wraps around: white (slope 0), clouds (slope about 1.7).
    """
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.standard_normal((size, size)))
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(spectrum / frequency**slope, s=(size, size))
    noise = ((noise - noise.mean()) / noise.std()).astype(np.float32)
    noise.setflags(write=False)
    return noise
