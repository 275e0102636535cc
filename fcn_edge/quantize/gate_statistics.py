"""What the gate counts frame by frame, beyond the metrics: agreement, boundaries, how sure the drop is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fcn_edge.train.metrics import IGNORE, ConfusionMatrix

Mask = npt.NDArray[np.uint8]
BAND = 5  # pixels on either side of a boundary between labels
BLOCK = 10  # neighbouring frames drawn together: frames of one drive are not independent
RESAMPLES = 1000


class GateStatistics:
    """Compares the masks of an original with those of its INT8 form, frame by frame."""

    def __init__(self, num_classes: int) -> None:
        self._classes = num_classes
        self._counts: list[npt.NDArray[np.int64]] = []  # per frame: (2, C, C), original and INT8
        self._band = ConfusionMatrix(num_classes), ConfusionMatrix(num_classes)
        self._equal = self._pixels = self.frames = 0

    def update(self, masks: list[Mask], label: Mask | None) -> None:
        """Count one frame: masks = [original, INT8], all uint8 (H, W); label None when there is none."""
        before, after = masks
        self._equal += int((before == after).sum())
        self._pixels += before.size
        self.frames += 1
        if label is None:
            return
        self._counts.append(np.stack([_counts(mask, label, self._classes) for mask in masks]))
        band = np.where(near_boundary(label), label, np.uint8(IGNORE))
        for matrix, mask in zip(self._band, masks, strict=True):
            matrix.update(mask, band)

    @property
    def agreement(self) -> float:
        """Share of pixels on which both give the same class."""
        return self._equal / max(self._pixels, 1)

    def boundary(self) -> dict[str, float] | None:
        """Return mean IU over the pixels near label boundaries: fp32_miou, int8_miou and drop.

        The band around boundaries ("trimap") is where segmentation errors are: P. Kohli, L. Ladicky, P. Torr,
        "Robust Higher Order Potentials for Enforcing Label Consistency", IJCV 2009.
        """
        before, after = (matrix.miou for matrix in self._band)
        if np.isnan(before) or np.isnan(after):
            return None
        return {
            "fp32_miou": float(before),
            "int8_miou": float(after),
            "drop": float(before - after),
            "band": BAND,
        }

    def drop_interval(self, seed: int = 0) -> tuple[float, float] | None:
        """Return the 95 % interval of the drop of mean IU, or None with fewer frames than two blocks.

        Circular block bootstrap (Politis and Romano 1992) over blocks of neighbouring frames.
        """
        frames = len(self._counts)
        if frames < 2 * BLOCK:
            return None
        generator = np.random.default_rng(seed)
        starts = generator.integers(0, frames, (RESAMPLES, -(-frames // BLOCK)))
        drawn = (starts[:, :, None] + np.arange(BLOCK)).reshape(RESAMPLES, -1)[:, :frames] % frames
        weights = np.stack([np.bincount(row, minlength=frames) for row in drawn])
        counts = np.stack(self._counts).reshape(frames, -1)
        sums = (weights @ counts).reshape(RESAMPLES, 2, self._classes, self._classes)
        drops = _miou(sums[:, 0]) - _miou(sums[:, 1])
        low, high = np.quantile(drops, [0.025, 0.975])
        return float(low), float(high)


def near_boundary(label: Mask) -> npt.NDArray[np.bool_]:
    """Return where a uint8 (H, W) label has another label within BAND pixels (a square window)."""
    import cv2

    window = np.ones((2 * BAND + 1, 2 * BAND + 1), np.uint8)
    return np.asarray(cv2.dilate(label, window) != cv2.erode(label, window), bool)


def _counts(mask: Mask, label: Mask, classes: int) -> npt.NDArray[np.int64]:
    matrix = ConfusionMatrix(classes)
    matrix.update(mask, label)
    return matrix.counts


def _miou(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the mean IU of (N, C, C) counts over the classes present in the labels."""
    hits = np.diagonal(counts, axis1=1, axis2=2)
    labelled = counts.sum(2)
    union = labelled + counts.sum(1) - hits
    iou = np.where(labelled > 0, hits / np.maximum(union, 1), np.nan)
    return np.asarray(np.nanmean(iou, axis=1))
