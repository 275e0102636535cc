"""The four metrics of the FCN paper from one confusion matrix (Long et al. 2015, section 5). numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np

from fcn_edge.ground.errors import FcnEdgeError

IGNORE = 255


class ConfusionMatrix:
    """Pixel counts n[i, j]: pixels of class i predicted as class j, over all frames seen so far."""

    def __init__(self, num_classes: int) -> None:
        self.counts = np.zeros((num_classes, num_classes), np.int64)
        self.frames = 0

    def update(self, prediction: np.ndarray, target: np.ndarray) -> None:
        """Add one frame: class ids of equal shape; target 255 is not scored."""
        if prediction.shape != target.shape:
            raise FcnEdgeError(f"a prediction of size {prediction.shape} for a mask of size {target.shape}")
        n = len(self.counts)
        scored = target != IGNORE
        truth, said = target[scored].astype(np.int64), prediction[scored].astype(np.int64)
        if truth.size and max(truth.max(), said.max()) >= n:
            raise FcnEdgeError(f"class id {max(truth.max(), said.max())} in a task of {n} classes")
        self.counts += np.bincount(truth * n + said, minlength=n * n).reshape(n, n)
        self.frames += 1

    @property
    def pixel_accuracy(self) -> float:
        """Return sum_i n_ii / sum_i t_i, with t_i the pixels of class i."""
        return _ratio(np.trace(self.counts), self.counts.sum())

    @property
    def mean_accuracy(self) -> float:
        """Return the mean of n_ii / t_i over the classes present in the targets."""
        return _mean(np.diag(self.counts)[self._present] / self._pixels[self._present])

    @property
    def class_iou(self) -> np.ndarray:
        """Return n_ii / (t_i + predicted_i - n_ii) by class, NaN where neither present nor predicted."""
        union = self._pixels + self.counts.sum(0) - np.diag(self.counts)
        return np.where(union > 0, np.diag(self.counts) / np.maximum(union, 1), np.nan)

    @property
    def miou(self) -> float:
        """Return the mean of class_iou over the classes present in the targets: absent is not 0."""
        return _mean(self.class_iou[self._present])

    @property
    def fw_iou(self) -> float:
        """Return class_iou weighted by the share of pixels of each class."""
        present = self._present
        return _ratio((self._pixels[present] * self.class_iou[present]).sum(), self._pixels.sum())

    def absent(self, names: tuple[str, ...]) -> list[str]:
        """Return the names of the classes with no pixel in the targets."""
        return [name for name, present in zip(names, self._present, strict=True) if not present]

    def to_json(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Return all metrics as fractions 0..1; null for a class that is absent."""
        per_class = zip(names, self.class_iou, self._present, strict=True)
        return {
            "miou": _number(self.miou),
            "pixel_accuracy": _number(self.pixel_accuracy),
            "mean_accuracy": _number(self.mean_accuracy),
            "fw_iou": _number(self.fw_iou),
            "class_iou": {name: _number(iou) if present else None for name, iou, present in per_class},
            "absent": self.absent(names),
            "frames": self.frames,
        }

    @property
    def _pixels(self) -> np.ndarray:
        return self.counts.sum(1)

    @property
    def _present(self) -> np.ndarray:
        return self._pixels > 0


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
