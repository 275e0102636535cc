"""What the gate counts frame by frame, beyond the metrics: agreement, boundaries, how sure the drop is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fcn_edge.train.metrics import IGNORE, ConfusionMatrix

Mask = npt.NDArray[np.uint8]
BAND = 5  # pixels on either side of a boundary between labels
BLOCK = 10  # neighbouring frames drawn together: frames of one drive are not independent
RESAMPLES = 1000


Interval = tuple[float, float]


@dataclass(frozen=True)
class Intervals:
    """95 % intervals; None, or left out of `classes`, where not all resampled frames show what it takes."""

    drop: Interval | None  # of mean IU
    boundary: Interval | None  # of the drop of mean IU near boundaries
    agreement: Interval | None
    classes: dict[str, Interval]  # of the drop of IU


class GateStatistics:
    """Compares the masks of an original with those of its INT8 form, frame by frame."""

    def __init__(self, num_classes: int) -> None:
        self._classes = num_classes
        self._counts: list[npt.NDArray[np.int64]] = []  # per frame: (2, C, C), original and INT8
        self._band: list[npt.NDArray[np.int64]] = []  # the same near boundaries only
        self._equal: list[int] = []  # per frame: pixels of one class in both
        self._pixels: list[int] = []

    @property
    def frames(self) -> int:
        """Frames so far."""
        return len(self._pixels)

    def update(self, masks: list[Mask], label: Mask | None) -> None:
        """Count one frame: masks = [original, INT8], all uint8 (H, W); label None when there is none."""
        before, after = masks
        self._equal.append(int((before == after).sum()))
        self._pixels.append(before.size)
        if label is None:
            return
        self._counts.append(np.stack([_counts(mask, label, self._classes) for mask in masks]))
        band = np.where(near_boundary(label), label, np.uint8(IGNORE))
        self._band.append(np.stack([_counts(mask, band, self._classes) for mask in masks]))

    @property
    def agreement(self) -> float:
        """Share of pixels on which both give the same class."""
        return sum(self._equal) / max(sum(self._pixels), 1)

    def boundary(self) -> dict[str, float] | None:
        """Return mean IU over the pixels near label boundaries: fp32_miou, int8_miou and drop.

        The band around boundaries ("trimap") is where segmentation errors are: P. Kohli, L. Ladicky, P. Torr,
        "Robust Higher Order Potentials for Enforcing Label Consistency", IJCV 2009.
        """
        total = np.sum(self._band, axis=0) if self._band else np.zeros((2, 1, 1), np.int64)
        if not total[0].any():
            return None
        before, after = _miou(total)
        return {
            "fp32_miou": float(before),
            "int8_miou": float(after),
            "drop": float(before - after),
            "band": BAND,
        }

    def intervals(self, names: tuple[str, ...], seed: int = 0) -> Intervals | None:
        """Return 95 % intervals of what the gate judges, or None with fewer frames than two blocks.

        Circular block bootstrap (Politis and Romano 1992) over blocks of neighbouring frames.
        """
        frames = self.frames
        if frames < 2 * BLOCK:
            return None
        generator = np.random.default_rng(seed)
        starts = generator.integers(0, frames, (RESAMPLES, -(-frames // BLOCK)))
        drawn = (starts[:, :, None] + np.arange(BLOCK)).reshape(RESAMPLES, -1)[:, :frames] % frames
        weights = np.stack([np.bincount(row, minlength=frames) for row in drawn])
        agreement = _interval(weights @ np.array(self._equal) / (weights @ np.array(self._pixels)))
        if len(self._counts) != frames:
            return Intervals(None, None, agreement, {})
        iou = self._resampled(weights, self._counts)
        near = self._resampled(weights, self._band)
        classes = {name: _interval(iou[:, 0, i] - iou[:, 1, i]) for i, name in enumerate(names)}
        return Intervals(
            _interval(_mean(iou[:, 0]) - _mean(iou[:, 1])),
            _interval(_mean(near[:, 0]) - _mean(near[:, 1])),
            agreement,
            {name: found for name, found in classes.items() if found is not None},
        )

    def _resampled(
        self, weights: npt.NDArray[np.int64], counts: list[npt.NDArray[np.int64]]
    ) -> npt.NDArray[np.float64]:
        """Return the IU (RESAMPLES, 2, C) of resampled frames; weights: (RESAMPLES, frames)."""
        sums = weights @ np.stack(counts).reshape(len(counts), -1)
        return _iou(sums.reshape(-1, 2, self._classes, self._classes))


def near_boundary(label: Mask) -> npt.NDArray[np.bool_]:
    """Return where a uint8 (H, W) label has another label within BAND pixels (a square window)."""
    import cv2

    window = np.ones((2 * BAND + 1, 2 * BAND + 1), np.uint8)
    return np.asarray(cv2.dilate(label, window) != cv2.erode(label, window), bool)


def _counts(mask: Mask, label: Mask, classes: int) -> npt.NDArray[np.int64]:
    matrix = ConfusionMatrix(classes)
    matrix.update(mask, label)
    return matrix.counts


def _iou(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the IU (..., C) of (..., C, C) counts; NaN for classes absent from the labels."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    labelled = counts.sum(-1)
    union = labelled + counts.sum(-2) - hits
    return np.where(labelled > 0, hits / np.maximum(union, 1), np.nan)


def _mean(iou: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the mean over the last axis, of the classes that are there; NaN where none is."""
    present = np.isfinite(iou)
    total = np.where(present, iou, 0).sum(-1)
    return np.where(present.any(-1), total / np.maximum(present.sum(-1), 1), np.nan)


def _miou(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the mean IU (...) of (..., C, C) counts over the classes present in the labels."""
    return _mean(_iou(counts))


def _interval(values: npt.NDArray[np.float64]) -> Interval | None:
    """Return the middle 95 % of resampled values; None where some draw has none (a class in few frames)."""
    if not np.isfinite(values).all():
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
