"""Activation ranges: what every tensor reached on the calibration frames, and the range INT8 gets from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.quantize.recipe import Recipe

BINS = 2048  # of |activation| between 0 and its maximum
Progress = Callable[[int, int], None]  # (frames done, frames in all)


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


def observe(
    model: onnx.ModelProto,
    tensors: list[str],
    frames: Iterable[npt.NDArray[np.uint8]],
    histograms: bool,
    progress: Progress | None = None,
) -> dict[str, Observed]:
    """Run the fp32 graph over uint8 (H, W, 3) frames and return what each named tensor did.

    Two passes: peaks, then (if `histograms`) counts with bins that fit them. Raises FcnEdgeError naming a
    tensor that is not finite.
    """
    frames = list(frames)
    passes = 2 if histograms else 1
    done = 0
    seen = {name: Observed() for name in tensors}
    for number in range(passes):
        for values in tensor_values(model, tensors, frames):
            for name, value in values.items():
                if number == 0:
                    _extend(seen[name], name, value, len(frames))
                else:
                    _count(seen[name], value)
            done += 1
            if progress:
                progress(done, passes * len(frames))
    return seen


def tensor_values(
    model: onnx.ModelProto,
    tensors: list[str],
    frames: Iterable[npt.NDArray[np.uint8]],
    *,
    exact: bool = False,
) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
    """Yield for every frame the values of the named tensors, run by ONNX Runtime.

    exact: compute every node as the standard defines it, without the integer kernels of this CPU.
    """
    session = open_with_outputs(model, tensors, exact)
    name = model.graph.input[0].name
    for frame in frames:
        yield dict(zip(tensors, session.run(tensors, {name: frame[None]}), strict=True))


def open_with_outputs(model: onnx.ModelProto, tensors: list[str], exact: bool = False) -> Any:
    """Return an ONNX Runtime session that computes the named inner tensors and nothing they do not need."""
    import onnxruntime as ort

    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in tensors
    )
    settings = ort.SessionOptions()
    settings.log_severity_level = 3  # errors only
    if exact:
        settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(probe.SerializeToString(), settings, providers=["CPUExecutionProvider"])


def _extend(seen: Observed, name: str, value: npt.NDArray[np.float32], frames: int) -> None:
    peak = float(max(value.max(), -value.min()))
    if not np.isfinite(peak):
        raise FcnEdgeError(
            f"tensor {name} is not finite on the calibration frames",
            hint="the network overflows: check the checkpoint (fcn-edge eval)",
        )
    seen.peak = max(seen.peak, peak)
    peaks = np.abs(value).max(axis=(0, 2, 3))
    seen.peaks = np.maximum(seen.peaks, peaks) if seen.peaks.size else peaks
    mean = value.mean(axis=(0, 2, 3), dtype=np.float64) / frames
    seen.mean, seen.size = (seen.mean + mean if seen.mean.size else mean), value.shape[2:]


def _count(seen: Observed, value: npt.NDArray[np.float32]) -> None:
    if seen.peak > 0:
        seen.histogram += np.histogram(np.abs(value), BINS, (0, seen.peak))[0]


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
