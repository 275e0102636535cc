"""How far the scores of one network are from those of another: the numbers that decide on a replacement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Measurement:
    """One network on one engine. The reference is always the original network in fp32.

    agreement: fraction of the pixels that get the reference's class. sqnr_db: power of the reference scores
    over that of the difference, in dB. latency_ms: median time of one frame; latency_range_ms: its 95 %
    interval, where there is one. miou: where there are labels.
    score_checkerboard: of the score maps, at the period of the last transposed convolution (median over
    frames of checkerboard.score_checkerboard). precision: layer -> "int8" or "float", where the engine says
    so.
    """

    agreement: float
    sqnr_db: float
    latency_ms: float | None = None
    miou: float | None = None
    score_checkerboard: float | None = None
    precision: dict[str, str] = field(default_factory=dict)
    latency_range_ms: tuple[float, float] | None = None

    @property
    def float_layers(self) -> int:
        """Layers with weights that the engine is known to compute in float."""
        return sum(how == "float" for how in self.precision.values())

    def to_json(self) -> dict[str, Any]:
        """Return the numbers that were measured, rounded to what they can carry."""
        digits = {"agreement": 5, "sqnr_db": 2, "latency_ms": 3, "miou": 5, "score_checkerboard": 3}
        values = {key: (getattr(self, key), places) for key, places in digits.items()}
        rounded: dict[str, Any] = {
            key: round(value, places) for key, (value, places) in values.items() if value is not None
        }
        if self.latency_range_ms is not None:
            rounded["latency_range_ms"] = [round(end, 3) for end in self.latency_range_ms]
        return {**rounded, **({"precision": self.precision} if self.precision else {})}


def sqnr_db(reference: Iterable[FloatArray], scores: Iterable[FloatArray]) -> float:
    """Return the signal to noise ratio of class scores (C, h, w) in dB, at most 200.

    The mean over the classes is taken out first: a value added to all classes of a pixel changes no mask.
    """
    signal = noise = 0.0
    for expected, got in zip(reference, scores, strict=True):
        expected, got = (np.asarray(a, np.float64) for a in (expected, got))
        signal += float(np.square(_centred(expected)).sum())
        noise += float(np.square(_centred(expected - got)).sum())
    return power_ratio_db(signal, noise)


def power_ratio_db(signal: float, noise: float) -> float:
    """Return 10 log10(signal / noise), kept within -200..200 dB so that it is a JSON number."""
    return float(10 * np.log10(np.clip(signal / max(noise, 1e-300), 1e-20, 1e20)))


def agreement(reference: Iterable[FloatArray], scores: Iterable[FloatArray]) -> float:
    """Return the fraction of score cells with the same highest class."""
    same = total = 0
    for expected, got in zip(reference, scores, strict=True):
        match = np.argmax(expected, axis=0) == np.argmax(got, axis=0)
        same, total = same + int(match.sum()), total + match.size
    return same / total


def _centred(scores: FloatArray) -> FloatArray:
    return scores - scores.mean(axis=0, keepdims=True)
