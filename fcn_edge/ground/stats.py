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


Statistic = Callable[[np.ndarray], float]
Rounds = Sequence[Sequence[float]]  # samples in time order, a sequence for each round


def bootstrap(
    rounds: Rounds, statistic: Statistic, *, resamples: int = 500, block: int = 25, seed: int = 0
) -> Interval:
    """Return the 95 % percentile-bootstrap interval of `statistic`.

    Neighbouring frames are alike (the same scene, the same burst of noise), so single samples are not
    independent: whole blocks of `block` neighbours are drawn instead, inside each round (circular block
    bootstrap, Politis and Romano 1992).
    """
    return _interval(_replicates(rounds, statistic, resamples, block, seed))


@dataclass(frozen=True)
class RoundsRatio:
    """How two runs compare: before and after are the geometric means of their rounds' quantiles."""

    before: float
    after: float
    interval: Interval | None  # 95 %, of after / before; None where a run has a single round


def rounds_ratio(before: Rounds, after: Rounds, q: float) -> RoundsRatio:
    """Compare the quantile `q` of two runs made apart from each other, each round of a run counting once.

    Rounds of one run differ by more than the frames inside a round tell, so that a round is one observation:
    the interval is Welch's of the difference of means (B. L. Welch, Biometrika 1947), of the logarithms of
    the rounds' quantiles, with the degrees of freedom of the smaller run where that has fewer than five
    rounds (P. L. Hsu's bound). With few rounds it is wide, but holds the ratio as often as with many.
    """
    logs = [np.log([percentile(one, q) for one in rounds]) for rounds in (before, after)]
    means = [float(one.mean()) for one in logs]
    interval = None
    if min(len(one) for one in logs) > 1:
        half = _welch_half_width(*logs)
        middle = means[1] - means[0]
        interval = Interval(math.exp(min(middle - half, 700)), math.exp(min(middle + half, 700)))
    return RoundsRatio(math.exp(means[0]), math.exp(means[1]), interval)


ENOUGH = 5  # rounds; with fewer on a side, Welch's degrees of freedom promise too much (8 % for 2 against 8)
# 97.5 % points of Student's t with 1, 2, ... 30 degrees of freedom
STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def _welch_half_width(a: np.ndarray, b: np.ndarray) -> float:
    """Return half of the width of the 95 % interval of mean(b) - mean(a); each has two values or more."""
    shares = [float(one.var(ddof=1)) / len(one) for one in (a, b)]
    if sum(shares) == 0:
        return 0.0
    fewest = min(len(a), len(b))
    if fewest < ENOUGH:
        freedom = float(fewest - 1)
    else:
        parts = (share**2 / (len(one) - 1) for share, one in zip(shares, (a, b), strict=True))
        freedom = sum(shares) ** 2 / sum(parts)
    # between two rows of the table the lower one counts: the interval is rather too wide than too narrow
    return STUDENT[min(int(freedom + 1e-9), len(STUDENT)) - 1] * math.sqrt(sum(shares))


def _replicates(rounds: Rounds, statistic: Statistic, resamples: int, block: int, seed: int) -> list[float]:
    rng = np.random.default_rng(seed)
    if not any(len(one) for one in rounds):
        raise ValueError("an interval of no samples")
    return [statistic(_draw(rounds, block, rng)) for _ in range(resamples)]


def _draw(rounds: Rounds, block: int, rng: np.random.Generator) -> np.ndarray:
    arrays = [np.asarray(one, dtype=np.float64) for one in rounds if len(one)]
    return np.concatenate([_resample(one, block, rng) for one in arrays])


def _interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
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
