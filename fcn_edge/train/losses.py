"""The losses of --loss: cross-entropy, rare classes weighted up; of hard pixels alone; or with edges up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fcn_edge.data import IGNORE, Dataset
from fcn_edge.train.evaluate import labels

SAMPLED_MASKS = 128  # enough for class shares; a rendered data set pays for each
HARDEST = 0.25  # share of the labelled pixels of a batch that "ohem" learns from
BAND = 2  # pixels on either side of a boundary between classes that "boundary" weights up ...
BAND_WEIGHT = 3.0  # ... by this factor

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]  # (scores, target, class weights) -> scalar


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


def ohem_loss(scores: Tensor, target: Tensor, weights: Tensor, share: float = HARDEST) -> Tensor:
    """Return segmentation_loss over the hardest `share` of the batch's labelled pixels, at least one.

    Online hard example mining (Shrivastava et al. 2016) with pixels for examples. Hard is a large
    cross-entropy before the class weights: wrong, not rare. Shapes as in segmentation_loss.
    """
    target = target.long()
    hardness = F.cross_entropy(scores.detach(), target, ignore_index=IGNORE, reduction="none")
    labelled = (target != IGNORE).flatten().nonzero()[:, 0]
    count = min(len(labelled), max(1, int(share * len(labelled))))
    hardest = labelled[hardness.flatten()[labelled].topk(count, sorted=False).indices]
    mined = torch.full_like(target, IGNORE).flatten()
    mined[hardest] = target.flatten()[hardest]
    return segmentation_loss(scores, mined.view_as(target), weights)


def boundary_loss(
    scores: Tensor, target: Tensor, weights: Tensor, band: int = BAND, factor: float = BAND_WEIGHT
) -> Tensor:
    """Return segmentation_loss with the pixels near a boundary between classes weighing `factor` times more.

    band: of how many pixels, as in `near_boundary`. Shapes as in segmentation_loss.
    """
    target = target.long()
    losses = F.cross_entropy(scores, target, weights, ignore_index=IGNORE, reduction="none")
    emphasis = 1 + (factor - 1) * near_boundary(target, band).to(losses.dtype)
    labelled = target != IGNORE
    total = (weights[target[labelled]] * emphasis[labelled]).sum()
    return (losses * emphasis).sum() / total.clamp(min=1e-6)


def near_boundary(target: Tensor, band: int) -> Tensor:
    """Return bool (N, H, W): pixels with two classes among those at most `band` rows and columns away.

    target: ids, int (N, H, W). Void (255) has no boundary: it is not a class, on either side.
    """
    ids, void, window = target[:, None].float(), (target == IGNORE)[:, None], 2 * band + 1
    highest = F.max_pool2d(ids.masked_fill(void, -1), window, 1, band)
    lowest = -F.max_pool2d(-ids.masked_fill(void, IGNORE), window, 1, band)
    return (highest > lowest)[:, 0]


def find_loss(name: str) -> Loss:
    """Return the loss of that name (config.LOSSES)."""
    return {"cross-entropy": segmentation_loss, "ohem": ohem_loss, "boundary": boundary_loss}[name]
