"""Order statistics of latency samples, and how far they can be trusted.

A percentile here is the nearest-rank one: the smallest observed sample that at least q percent of the samples
do not exceed. It is a latency that really happened, never a value interpolated between two of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

QUANTILES: dict[str, float] = {"p50": 0.50, "p90": 0.90, "p99": 0.99, "p999": 0.999}


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval."""

    low: float
    high: float

    def overlaps(self, other: Interval) -> bool:
        """Return whether the two intervals share a value."""
        return self.low <= other.high and other.low <= self.high


def samples_needed(q: float) -> int:
    """Return the fewest samples of which at least one lies beyond the quantile `q`: 1 / (1 - q)."""
    return math.ceil(round(1.0 / (1.0 - q), 6))


def percentile(samples: Sequence[float] | np.ndarray, q: float) -> float:
    """Return the nearest-rank quantile `q` (0 < q <= 1) of the samples; ValueError when there are none."""
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    if ordered.size == 0:
        raise ValueError("a percentile of no samples")
    return float(ordered[_rank(q, ordered.size)])


def _rank(q: float, count: int) -> int:
    # The rounding keeps 0.9 * 10 at rank 9 where binary floating point says 9.000000000000002.
    return max(0, math.ceil(round(q * count, 6)) - 1)


def latency_summary(samples: Sequence[float] | np.ndarray) -> dict[str, float | None]:
    """Return {p50, p90, p99, p999, max, mean}; a percentile the sample count cannot support is None."""
    count = len(samples)
    summary: dict[str, float | None] = {
        key: percentile(samples, q) if count >= samples_needed(q) else None for key, q in QUANTILES.items()
    }
    summary["max"] = float(np.max(samples)) if count else None
    summary["mean"] = float(np.mean(samples)) if count else None
    return summary


def bootstrap(
    rounds: Sequence[Sequence[float]],
    statistic: Callable[[np.ndarray], float],
    *,
    confidence: float = 0.95,
    resamples: int = 500,
    block: int = 25,
    seed: int = 0,
) -> Interval:
    """Return a percentile-bootstrap interval of `statistic` over samples that come in time order.

    Neighbouring frames are alike (the same scene, the same burst of noise), so single samples are not
    independent: whole blocks of `block` neighbours are drawn instead, inside each round (circular block
    bootstrap, Politis and Romano 1992).
    """
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(one, dtype=np.float64) for one in rounds if len(one)]
    if not arrays:
        raise ValueError("an interval of no samples")
    values = [statistic(np.concatenate([_resample(a, block, rng) for a in arrays])) for _ in range(resamples)]
    tail = (1.0 - confidence) / 2.0
    return Interval(float(np.quantile(values, tail)), float(np.quantile(values, 1.0 - tail)))


def _resample(samples: np.ndarray, block: int, rng: np.random.Generator) -> np.ndarray:
    """Return as many samples again, drawn as blocks of neighbours that wrap around the end."""
    block = min(block, samples.size)
    starts = rng.integers(0, samples.size, size=math.ceil(samples.size / block))
    index = (starts[:, None] + np.arange(block)[None, :]).ravel()[: samples.size]
    return samples[index % samples.size]


def paired_ratio(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]]) -> dict[str, float]:
    """Return how many times longer `a` takes than `b` in interleaved rounds: median of rounds, min, max.

    Each round's two medians were measured minutes apart at most, so a machine that drifts moves both alike.
    """
    ratios = [percentile(x, 0.5) / percentile(y, 0.5) for x, y in zip(a, b, strict=True)]
    return {"median": float(np.median(ratios)), "min": min(ratios), "max": max(ratios)}
