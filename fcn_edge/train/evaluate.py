"""Score any predictor on a labelled data set."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fcn_edge.data import Dataset, Sample
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.train.metrics import ConfusionMatrix

Predictor = Callable[[np.ndarray], np.ndarray]  # uint8 BGR frame (H, W, 3) -> uint8 class ids (H, W)


def evaluate(predict: Predictor, dataset: Dataset, tick: Callable[[], None] | None = None) -> ConfusionMatrix:
    """Return the confusion matrix of `predict` over the data set; `tick` is called after each frame."""
    matrix = ConfusionMatrix(len(dataset.classes))
    for i in range(len(dataset)):
        sample = dataset[i]
        matrix.update(predict(sample.frame), labels(sample))
        if tick:
            tick()
    return matrix


def labels(sample: Sample) -> np.ndarray:
    """Return the mask of a sample; a frame without one cannot be learned from or scored."""
    if sample.mask is None:
        raise FcnEdgeError(f"{sample.stem} has no mask", hint="give data with labels")
    return sample.mask
