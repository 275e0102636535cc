"""Activation ranges: what every tensor reached on the calibration frames, and the range INT8 gets from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
import numpy.typing as npt
import onnx

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.network.parts import fingerprints, part_of
from fcn_edge.network.run import open_session
from fcn_edge.quantize.recipe import Recipe

BINS = 2048  # of |activation| between 0 and its maximum
BLOCK = 1 << 18  # values counted at a time: they stay in the cache
LEAST_PEAK = 1e-30
ROOM = 1 << 30  # bytes for recorded values
MOST_THREADS = 8  # that count
Progress = Callable[[int, int], None]  # (frames done, frames in all)
Values = npt.NDArray[np.float32]
Keys = dict[str, bytes]  # tensor -> parts.fingerprints


@dataclass
class Observed:
    """What one tensor (1, C, h, w) did over all calibration frames."""

    peak: float = 0.0  # largest |value|
    mean: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  # of every channel
    size: tuple[int, ...] = ()  # (h, w)
    histogram: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    """Of |value|, BINS equal bins over [0, peak]."""
    peaks: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    """Largest |value| of every channel."""


class Measurements:
    """What tensors did on some frames, remembered by what they are computed from.

    Networks that share layers share measurements: where some layers of a network were replaced, only what
    they change is run and counted again, from recorded values of the tensors before them (parts.py). Any
    network that takes the same frames may be observed; the results are those of measuring it alone.

    frames: uint8 (H, W, 3). room: bytes that recorded values may take; a network gets half of what is left,
    its last tensors first. What is not recorded is computed again.
    """

    def __init__(self, frames: Iterable[npt.NDArray[np.uint8]], room: int = ROOM) -> None:
        self.frames = list(frames)
        self._room = room
        self._seen: dict[bytes, Observed] = {}
        self._counted: set[bytes] = set()  # whose histograms are taken
        self._values: dict[bytes, list[Values]] = {}  # one a frame

    def observe(
        self,
        model: onnx.ModelProto,
        tensors: list[str],
        histograms: bool = True,
        progress: Progress | None = None,
    ) -> dict[str, Observed]:
        """Return what each named tensor of the fp32 graph `model` did, in at most two passes over the frames.

        The first pass takes peaks and means; the second, if `histograms`, counts with bins that fit the
        peaks. Raises FcnEdgeError naming a tensor that is not finite.
        """
        keys = fingerprints(model)
        new = [name for name in tensors if keys[name] not in self._seen]
        uncounted = [name for name in tensors if histograms and keys[name] not in self._counted]
        passes = [self._look] * bool(new) + [self._count] * bool(uncounted)
        with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
            for number, run in enumerate(passes):
                names, before = (new if run == self._look else uncounted), number * len(self.frames)
                for done in run(model, keys, names, pool):
                    if progress:
                        progress(before + done, len(passes) * len(self.frames))
        return {name: self._seen[keys[name]] for name in tensors}

    def _look(self, model: onnx.ModelProto, keys: Keys, names: list[str], pool: Executor) -> Iterator[int]:
        """Take peaks and means and record values, yielding the number of frames done."""
        seen = {name: Observed() for name in names}
        recorded: dict[str, list[Values]] = {}
        for done, values in enumerate(self._run(model, keys, names), 1):
            if done == 1:
                recorded = {name: [] for name in self._worth_recording(values)}
            for name, kept in recorded.items():
                kept.append(values[name])
            frames = repeat(len(self.frames))
            list(pool.map(_extend, seen.values(), names, map(values.__getitem__, names), frames))
            yield done
        self._seen |= {keys[name]: one for name, one in seen.items()}
        self._values |= {keys[name]: kept for name, kept in recorded.items()}

    def _count(self, model: onnx.ModelProto, keys: Keys, names: list[str], pool: Executor) -> Iterator[int]:
        """Fill histograms, yielding the number of frames done."""
        counts = {name: np.zeros(BINS, np.int64) for name in names}
        peaks = [self._seen[keys[name]].peak for name in names]
        for done, values in enumerate(self._run(model, keys, names), 1):
            found = pool.map(histogram, map(values.__getitem__, names), peaks)
            for name, count in zip(names, found, strict=True):
                counts[name] += count
            yield done
        for name in names:
            self._seen[keys[name]].histogram = counts[name]
            self._counted.add(keys[name])

    def _run(self, model: onnx.ModelProto, keys: Keys, names: list[str]) -> Iterator[dict[str, Values]]:
        """Yield for every frame the values of the named tensors, recorded ones as they are."""
        recorded = {name: self._values[key] for name, key in keys.items() if key in self._values}
        rest = [name for name in names if name not in recorded]
        if rest:
            shapes = {name: values[0].shape for name, values in recorded.items()}
            session = open_session(part_of(model, rest, shapes))
            inputs = [value.name for value in session.get_inputs()]
        for index, frame in enumerate(self.frames):
            found = {name: recorded[name][index] for name in names if name in recorded}
            if rest:
                feed = {name: recorded[name][index] if name in recorded else frame[None] for name in inputs}
                found |= zip(rest, session.run(rest, feed), strict=True)
            yield found

    def _worth_recording(self, values: dict[str, Values]) -> list[str]:
        """Return the tensors to record: from the last one back, as many as there is room for."""
        used = sum(value.nbytes for kept in self._values.values() for value in kept)
        left, chosen = (self._room - used) // 2, []
        for name in reversed(values):
            size = values[name].nbytes * len(self.frames)
            if size <= left:
                left -= size
                chosen.append(name)
        return chosen


def observe(
    model: onnx.ModelProto,
    tensors: list[str],
    frames: Iterable[npt.NDArray[np.uint8]],
    histograms: bool,
    progress: Progress | None = None,
) -> dict[str, Observed]:
    """Return what each named tensor of one network did on uint8 (H, W, 3) frames; see Measurements."""
    return Measurements(frames).observe(model, tensors, histograms, progress)


def _extend(seen: Observed, name: str, value: Values, frames: int) -> None:
    """Add a tensor (1, C, ...) of one frame; one without channels counts as a single channel."""
    rows = np.moveaxis(value, 1, 0).reshape(value.shape[1], -1) if value.ndim > 1 else value.reshape(1, -1)
    peaks = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    peak = float(peaks.max())
    if not np.isfinite(peak):
        raise FcnEdgeError(
            f"tensor {name} is not finite on the calibration frames",
            hint="the network overflows: check the checkpoint (fcn-edge eval)",
        )
    seen.peak = max(seen.peak, peak)
    seen.peaks = np.maximum(seen.peaks, peaks) if seen.peaks.size else peaks
    mean = rows.mean(axis=1, dtype=np.float64) / frames
    seen.mean, seen.size = (seen.mean + mean if seen.mean.size else mean), value.shape[2:]


def histogram(value: Values, peak: float) -> npt.NDArray[np.int64]:
    """Return how many |values| lie in each of BINS equal bins over [0, peak]; none may be larger than peak.

    Bins are computed in float32: values within a few millionths of an edge may fall on either side of it.
    """
    import cv2

    if peak < LEAST_PEAK:  # BINS / peak is no float32
        return np.histogram(np.abs(value), BINS, (0, peak))[0] if peak > 0 else np.zeros(BINS, np.int64)
    counts = np.zeros(BINS + 1, np.int64)  # the last one for what reaches the peak
    flat = value.reshape(-1)
    magnitude, position = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.uint16)
    for start in range(0, flat.size, BLOCK):
        block = flat[start : start + BLOCK]
        small, index = magnitude[: block.size], position[: block.size]
        np.abs(block, out=small)
        np.multiply(small, np.float32(BINS / peak), out=index, casting="unsafe")
        counts += cv2.calcHist([index[None]], [0], None, [BINS + 1], [0, BINS + 1]).ravel().astype(np.int64)
    counts[-2] += counts[-1]
    return counts[:-1]


def clip_point(seen: Observed, recipe: Recipe, steps: int = 127) -> float:
    """Return the largest magnitude INT8 represents for a tensor in so many steps; larger values saturate.

    A tensor that is always zero gets 1.0: any scale represents it exactly.
    """
    if seen.peak == 0:
        return 1.0
    if recipe.method == "minmax":
        return seen.peak
    width = seen.peak / BINS
    if recipe.method == "percentile":
        share = np.cumsum(seen.histogram) / seen.histogram.sum()
        return float((np.searchsorted(share, recipe.percentile / 100) + 1) * width)
    if recipe.method == "mse":
        return _smallest_squared_error(seen.histogram, width, steps)
    return _smallest_divergence(seen.histogram, width, steps + 1)


def _smallest_squared_error(histogram: npt.NDArray[np.int64], width: float, steps: int) -> float:
    """Return the clip point whose rounding plus clipping error is least, over the histogram's bin centres."""
    centres = (np.arange(len(histogram)) + 0.5) * width
    best, best_error = centres[-1], np.inf
    for clip in np.linspace(0.2, 1.0, 81) * len(histogram) * width:
        scale = clip / steps
        error = float(
            (histogram * (np.minimum(np.round(centres / scale), steps) * scale - centres) ** 2).sum()
        )
        if error < best_error:
            best, best_error = clip, error
    return float(best)


def _smallest_divergence(histogram: npt.NDArray[np.int64], width: float, levels: int) -> float:
    """Return the clip point whose histogram of so many levels is nearest in Kullback-Leibler divergence.

    S. Migacz, "8-bit Inference with TensorRT", GTC 2017: outliers are folded into the last kept bin of the
    reference; the candidate spreads each level's count over the reference's non-empty bins. The first bin is
    taken for its neighbour: after a ReLU it holds the zeros, which every scale represents exactly.
    """
    histogram = histogram.copy()
    histogram[0] = histogram[1]
    best, best_divergence = len(histogram), np.inf
    for kept in range(levels, len(histogram) + 1, 16):
        reference = histogram[:kept].astype(np.float64)
        candidate = _requantized(reference, levels)
        reference[-1] += histogram[kept:].sum()
        divergence = _divergence(reference, candidate)
        if divergence < best_divergence:
            best, best_divergence = kept, divergence
    return best * width


def _requantized(counts: npt.NDArray[np.float64], levels: int) -> npt.NDArray[np.float64]:
    level = np.arange(len(counts)) * levels // len(counts)
    filled = counts > 0
    total = np.bincount(level, counts, levels)
    number = np.bincount(level, filled, levels)
    mean = np.divide(total, number, out=np.zeros(levels), where=number > 0)
    return np.where(filled, mean[level], 0.0)


def _divergence(reference: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64]) -> float:
    p, q = reference / reference.sum(), candidate / max(candidate.sum(), 1)
    used = p > 0
    return float((p[used] * np.log(p[used] / np.maximum(q[used], 1e-12))).sum())
