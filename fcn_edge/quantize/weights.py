"""Weights in INT8: symmetric, one scale an output channel, within what the target can add."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Weight = npt.NDArray[np.float32]


def output_axis(op_type: str) -> int:
    """Return the axis of the output channels of a Conv's (0) or a ConvTranspose's (1) weight."""
    return 0 if op_type == "Conv" else 1


def quantize_weight(weight: Weight, axis: int, weights: str) -> tuple[npt.NDArray[np.int8], Weight]:
    """Return int8 weights and a float32 scale per index of `axis`, the output channels.

    weights "full": a channel's largest magnitude becomes 127. "pairs": so does its largest sum of two weights
    on neighbouring input channels, 2i and 2i + 1, where they have one sign. CPUs without VNNI multiply
    unsigned by signed bytes and add two products in 16 bits (vpmaddubsw): 255 * (w0 + w1) saturates over 128.
    """
    peak = np.abs(weight).max(axis=tuple(i for i in range(weight.ndim) if i != axis))
    if weights == "pairs":
        peak = np.maximum(peak, _largest_pair(weight, axis))
    scale = np.where(peak > 0, peak / 127, 1.0).astype(np.float32)
    return np.clip(np.rint(weight / along(scale, axis, weight.ndim)), -127, 127).astype(np.int8), scale


def along(scale: Weight, axis: int, ndim: int) -> Weight:
    """Return a vector shaped to multiply an array of `ndim` axes along `axis`."""
    return scale.reshape([-1 if i == axis else 1 for i in range(ndim)])


def sqnr_db(signal: npt.NDArray[np.floating], noisy: npt.NDArray[np.floating]) -> float:
    """Return the ratio of a signal's energy to that of its error, in dB."""
    error = float(np.square(noisy - signal, dtype=np.float64).sum())
    return float(
        10 * np.log10(max(float(np.square(signal, dtype=np.float64).sum()), 1e-30) / max(error, 1e-30))
    )


def _largest_pair(weight: Weight, axis: int) -> Weight:
    """Return per index of `axis` the largest |w[2i] + w[2i+1]| over input channels, 0 if there is but one."""
    by_input = np.moveaxis(weight, (axis, 1 - axis), (0, 1))
    paired = by_input.shape[1] // 2 * 2
    sums = np.abs(by_input[:, 0:paired:2] + by_input[:, 1:paired:2])
    return np.asarray(sums.max(axis=tuple(range(1, sums.ndim)), initial=0.0))
