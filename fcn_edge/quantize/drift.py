"""Drift: how far frames are from those that set the INT8 ranges.

Every calibration frame leaves three histograms in the bundle (drift.json): of its light, its colour and its
sharpness. A frame is as far as the nearest calibration frame, group by group; its score is the largest of the
three. Distances between histograms are Wasserstein's, the area between cumulative histograms, counted in
integers, so that cpp_runtime/src/drift.cpp gives the same numbers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.ground.artifacts import read_json
from fcn_edge.ground.errors import FcnEdgeError

Frame = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]

VERSION = 1  # of the histograms' definition; statistics of another version are not used
ROWS, COLUMNS = 48, 64  # sample points of a frame
SHARPNESS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)  # where the bins of steps of luma part
MOST_FRAMES = 128  # calibration frames that are kept
WINDOW = 60  # frames that a stream's score is the mean of
FEWEST = 10  # frames before it is judged
QUANTILE, RESAMPLES = 0.95, 1000
BINS = {"light": 32, "colour": 64, "sharpness": len(SHARPNESS) + 1}
LEAST, LARGEST = 1e-9, 1e9  # of a threshold; readers refuse what lies outside
MOST_ROWS, MOST_WINDOW = 4096, 100_000  # of a drift.json that a reader takes


@dataclass(frozen=True)
class Group:
    """One way of looking at frames.

    running: int64 (frames, bins), cumulative histograms. unit: mean distance of a calibration frame from the
    nearest of the others.
    """

    running: Counts
    unit: float

    def distance(self, histogram: Counts) -> float:
        """Return how far a histogram (bins,) is from the nearest calibration frame's, in units."""
        return float(np.abs(self.running - np.cumsum(histogram)).sum(axis=1).min() / self.unit)


@dataclass(frozen=True)
class DriftStatistics:
    """What a bundle knows of its calibration frames."""

    groups: dict[str, Group]
    threshold: float
    window: int = WINDOW

    def distances(self, frame: Frame) -> dict[str, float]:
        """Return every group's distance for a uint8 (H, W, 3) BGR frame at the graph's size."""
        found = histograms(frame)
        return {name: group.distance(found[name]) for name, group in self.groups.items()}

    def to_json(self) -> dict[str, Any]:
        """Return the content of drift.json."""
        return {
            "version": VERSION,
            "threshold": self.threshold,
            "window": self.window,
            "groups": {
                name: {"unit": group.unit, "running": group.running.tolist()}
                for name, group in self.groups.items()
            },
        }


def measure(frames: Sequence[Frame]) -> DriftStatistics | None:
    """Return the statistics of calibration frames, uint8 (H, W, 3) BGR at the graph's size.

    None where the frames cannot carry any: nearly all of them are equal to another one, or there is only one.
    Any other picture would then be drift.

    The threshold is the upper end of the 95 % bootstrap interval of the 95th percentile of the calibration
    frames' scores, each frame left out of the set in turn. It is one of single frames although streams are
    judged by a mean: frames of a scene are alike, so that a mean over them scatters as one frame does.
    """
    if len(frames) < 2:
        return None
    picked = np.linspace(0, len(frames) - 1, min(len(frames), MOST_FRAMES)).round().astype(int)
    found = [histograms(frames[index]) for index in picked]
    groups, scores = {}, []
    for name in found[0]:
        running = np.cumsum([one[name] for one in found], axis=1)
        alone = _left_out(running)
        groups[name] = Group(running, max(float(alone.mean()), 1.0))
        scores.append(alone / groups[name].unit)
    threshold = _threshold(np.max(scores, axis=0))
    return DriftStatistics(groups, threshold) if threshold >= LEAST else None


def histograms(frame: Frame) -> dict[str, Counts]:
    """Return the histograms of a uint8 (H, W, 3) BGR frame, int64 (bins,).

    Points lie on a regular grid. Luma is (29 B + 150 G + 77 R + 128) >> 8 (BT.601); colour is B and R less
    luma, side by side; sharpness is the larger step of luma to the right and the lower neighbour.
    """
    height, width = frame.shape[:2]
    y, x = points(height, ROWS)[:, None], points(width, COLUMNS)
    pixels = frame[y, x].astype(np.int64)
    luma = _luma(pixels)
    right = _luma(frame[y, np.minimum(x + 1, width - 1)].astype(np.int64))
    below = _luma(frame[np.minimum(y + 1, height - 1), x].astype(np.int64))
    step = np.maximum(abs(right - luma), abs(below - luma))
    blue, red = (np.clip((pixels[..., band] - luma + 64) >> 2, 0, 31) for band in (0, 2))
    return {
        "light": _count(luma >> 3, 32),
        "colour": np.concatenate([_count(blue, 32), _count(red, 32)]),
        "sharpness": _count(np.searchsorted(SHARPNESS, step, side="right"), len(SHARPNESS) + 1),
    }


def points(length: int, count: int) -> Counts:
    """Return `count` coordinates spread evenly over `length`, each in the middle of its share."""
    return (2 * np.arange(count) + 1) * length // (2 * count)


class DriftMonitor:
    """Follows a stream: the mean score of its last frames against the bundle's threshold."""

    def __init__(self, statistics: DriftStatistics) -> None:
        self.statistics = statistics
        self._recent: deque[dict[str, float]] = deque(maxlen=statistics.window)
        self.frames = self.above = 0
        self.highest = 0.0

    def update(self, frame: Frame) -> float:
        """Count one frame at the graph's size; return its own score."""
        distances = self.statistics.distances(frame)
        score = max(distances.values())
        self._recent.append(distances)
        self.frames += 1
        self.above += score > self.statistics.threshold
        if self.frames >= FEWEST:
            self.highest = max(self.highest, self.score)
        return score

    @property
    def score(self) -> float:
        """Mean score of the last frames; 0 before the first."""
        return float(np.mean([max(one.values()) for one in self._recent])) if self._recent else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the keys that "drift" has in the report of fcn-edge-stream."""
        recent = self._recent or [dict.fromkeys(self.statistics.groups, 0.0)]
        return {
            "score": self.score,
            "threshold": self.statistics.threshold,
            "highest": self.highest,
            "frames": self.frames,
            "share_above": self.above / max(self.frames, 1),
            "window": self.statistics.window,
            "groups": {
                name: float(np.mean([one[name] for one in recent])) for name in self.statistics.groups
            },
        }


def read_statistics(path: Path) -> DriftStatistics | None:
    """Return the statistics of a drift.json; None for those of another version."""
    value = read_json(path)
    try:
        if value["version"] != VERSION:
            return None
        groups = {
            name: Group(np.array(value["groups"][name]["running"]), value["groups"][name]["unit"])
            for name in BINS
        }
        problem = _problem(value, groups)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise FcnEdgeError(f"{path} holds no drift statistics ({type(error).__name__}: {error})") from error
    if problem:
        raise FcnEdgeError(f"{path} {problem}", hint="compile the bundle again")
    return DriftStatistics(groups, float(value["threshold"]), value["window"])


def _problem(value: dict[str, Any], groups: dict[str, Group]) -> str:
    """Return what no statistics can have, or an empty string; the C++ runtime refuses the same."""
    if not _is_number(value["threshold"], LEAST, LARGEST):
        return f"has threshold {value['threshold']}, not between {LEAST:g} and {LARGEST:g}"
    if not isinstance(value["window"], int) or not _is_number(value["window"], 1, MOST_WINDOW):
        return f"has window {value['window']}, not between 1 and {MOST_WINDOW}"
    rows = len(groups["light"].running)
    if not 2 <= rows <= MOST_ROWS:
        return f"has the histograms of {rows} frames, not of 2 to {MOST_ROWS}"
    for name, group in groups.items():
        if not _is_number(group.unit, 1, LARGEST):
            return f"has {name} unit {group.unit}, not between 1 and {LARGEST:g}"
        if group.running.shape != (rows, BINS[name]):
            return f"has {name} histograms of shape {group.running.shape}, not {(rows, BINS[name])}"
        if group.running.dtype.kind != "i":
            return f"has {name} histograms that are not whole numbers"
        if group.running.min() < 0 or group.running.max() > 2 * ROWS * COLUMNS:
            return f"has {name} counts outside 0..{2 * ROWS * COLUMNS}"
    return ""


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _luma(pixels: Counts) -> Counts:
    return (29 * pixels[..., 0] + 150 * pixels[..., 1] + 77 * pixels[..., 2] + 128) >> 8


def _count(bins: npt.NDArray[Any], number: int) -> Counts:
    return np.bincount(bins.ravel(), minlength=number)


def _left_out(running: Counts) -> npt.NDArray[np.float64]:
    """Return float64 (frames,): the distance of every row from the nearest other row."""
    between = np.stack([np.abs(running - row).sum(axis=1) for row in running]).astype(np.float64)
    np.fill_diagonal(between, np.inf)
    return between.min(axis=1)


def _threshold(scores: npt.NDArray[np.float64]) -> float:
    generator = np.random.default_rng(0)
    drawn = scores[generator.integers(0, len(scores), (RESAMPLES, len(scores)))]
    return float(np.quantile(np.quantile(drawn, QUANTILE, axis=1), 0.975))
