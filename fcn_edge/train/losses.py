"""The loss: cross-entropy over labelled pixels, rare classes weighted up."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fcn_edge.data import IGNORE, Dataset
from fcn_edge.train.evaluate import labels

SAMPLED_MASKS = 128  # enough for class shares; a rendered data set pays for each


def count_pixels(dataset: Dataset, num_classes: int, samples: int = SAMPLED_MASKS) -> np.ndarray:
    """Return int64 pixel counts of the classes over at most `samples` evenly spaced masks."""
    counts = np.zeros(num_classes, np.int64)
    for i in np.unique(np.linspace(0, len(dataset) - 1, min(samples, len(dataset))).astype(int)):
        mask = labels(dataset[int(i)])
        counts += np.bincount(mask[mask != IGNORE], minlength=num_classes)[:num_classes]
    return counts


def class_weights(counts: np.ndarray) -> Tensor:
    """Return float32 weights 1 / ln(1.1 + share), after ENet (Paszke et al. 2016), scaled to mean 1.

    The 1.1 caps them: a class of share 0 weighs 10.5 / 3 times one that fills a third of the picture.
    """
    share = counts / max(1, counts.sum())
    weights = 1 / np.log(1.1 + share)
    return torch.tensor(weights / weights.mean(), dtype=torch.float32)


def segmentation_loss(scores: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean cross-entropy of scores (N, C, H, W) against ids (N, H, W); 255 is ignored.

    The sum of the weights divides it, as in torch's "mean", but a batch of void alone gives 0 and not NaN.
    """
    target = target.long()
    total = F.cross_entropy(scores, target, weights, ignore_index=IGNORE, reduction="sum")
    labelled = target[target != IGNORE]
    return total / weights[labelled].sum().clamp(min=1e-6)
