"""Numbers that say what frames look like: light, contrast, sharpness, colour, and which are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import cv2
import numpy as np

WIDTH = 480  # frames are compared at this width: sharpness depends on it
ALIKE = 6  # of 64 bits: frames whose hashes differ in no more are near-duplicates


@dataclass(frozen=True)
class FrameStatistics:
    """Four numbers about one frame."""

    brightness: float  # mean of luma (BT.601), 0..255
    contrast: float  # standard deviation of luma (RMS contrast)
    sharpness: float  # variance of the Laplacian of luma (Pech-Pacheco et al., ICPR 2000); blur lowers it
    colourfulness: float  # Hasler and Suesstrunk, HVEI 2003, equation for M3; 0 is grey


NAMES = tuple(field.name for field in fields(FrameStatistics))


def frame_statistics(frame: np.ndarray) -> FrameStatistics:
    """Measure a frame uint8 (H, W, 3) BGR, at a width of 480 pixels where it is wider."""
    frame = _at_width(frame)
    luma = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    mean, deviation = cv2.meanStdDev(luma)
    laplacian = cv2.Laplacian(luma, cv2.CV_32F)
    return FrameStatistics(
        float(mean[0, 0]), float(deviation[0, 0]), float(laplacian.var()), colourfulness(frame)
    )


def colourfulness(frame: np.ndarray) -> float:
    """Return sigma + 0.3 mu of the opponent channels R - G and (R + G) / 2 - B (Hasler, Suesstrunk 2003)."""
    blue, green, red = (frame[..., i].astype(np.float32) for i in range(3))
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    sigma = np.hypot(red_green.std(), yellow_blue.std())
    mu = np.hypot(red_green.mean(), yellow_blue.mean())
    return float(sigma + 0.3 * mu)


def summary(measured: Sequence[FrameStatistics]) -> dict[str, dict[str, float]]:
    """Return {"brightness": {"p5", "p50", "p95"}, ...} over frames: the range a set covers."""
    table = np.array([astuple(row) for row in measured], float).reshape(-1, len(NAMES))
    if len(table) == 0:
        return {}
    low, middle, high = np.percentile(table, (5, 50, 95), axis=0)
    return {
        name: {"p5": float(low[i]), "p50": float(middle[i]), "p95": float(high[i])}
        for i, name in enumerate(NAMES)
    }


def perceptual_hash(frame: np.ndarray) -> int:
    """Return 64 bits that change little when a frame is scaled, compressed or a little brighter.

    The signs, against their median, of the 8x8 lowest frequencies of the 32x32 luma (DCT), without the mean.
    """
    luma = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
    low = np.asarray(cv2.dct(luma.astype(np.float32)))[:8, :8].ravel()
    bits = low > np.median(low[1:])
    bits[0] = False  # the mean says how bright it is, not what is there
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def hash_distance(a: int, b: int) -> int:
    """Return in how many of the 64 bits two hashes differ."""
    return (a ^ b).bit_count()


def near_duplicates(hashes: Sequence[int], alike: int = ALIKE) -> list[list[int]]:
    """Return groups (of two or more indices) of frames that look alike.

    Frames belong together when a chain of neighbours at most `alike` bits apart links them: a camera that
    stands still gives one group, however slowly the light moves.
    """
    root = list(range(len(hashes)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for i, first in enumerate(hashes):
        for j in range(i + 1, len(hashes)):
            if hash_distance(first, hashes[j]) <= alike:
                root[find(j)] = find(i)
    groups: dict[int, list[int]] = {}
    for i in range(len(hashes)):
        groups.setdefault(find(i), []).append(i)
    return [group for group in groups.values() if len(group) > 1]


def _at_width(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    if width <= WIDTH:
        return frame
    size = (WIDTH, max(1, round(height * WIDTH / width)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
