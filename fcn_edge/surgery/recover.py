"""Recovery after a lossy replacement: a short distillation from the original network, no labels needed."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models.upsample import BilinearConv2d, ResizeConv2d
from fcn_edge.surgery.candidates import Model
from fcn_edge.surgery.fidelity import FloatArray, Measurement, agreement, scores_of, sqnr_db, to_input

Frame = npt.NDArray[np.uint8]
Sample = tuple[Frame, Tensor, Frame | None]  # frame, the original's scores, mask

VOID = 255
FEWEST_FRAMES = 8
HELD_OUT = 0.25  # share of the frames that is only scored


@dataclass
class Recovered(Generic[Model]):
    """A distilled network, and its fidelity to the original in fp32 before and after, on held-out frames."""

    model: Model
    before: Measurement
    after: Measurement
    steps: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the numbers."""
        return {
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
        }


def recover(
    original: nn.Module,
    operated: Model,
    frames: Sequence[Frame],
    *,
    masks: Sequence[Frame] | None = None,
    steps: int = 80,
    rate: float = 2e-4,
    seed: int = 0,
) -> Recovered[Model]:
    """Return a copy of `operated` whose lossy stand-ins were trained to give the original's scores.

    frames: uint8 (H, W, 3) BGR, at least 8; every fourth is held out and scores the result. The loss is the
    squared error of the scores relative to their power, plus, where there are masks (uint8 (H, W), 255 =
    void), their cross-entropy. Only the stand-ins' weights change; everything before them runs forward only.
    If the held-out frames agree less than before, the copy is returned as it was.
    """
    if len(frames) < FEWEST_FRAMES:
        raise FcnEdgeError(
            f"{len(frames)} frames are too few to recover on", hint=f"give {FEWEST_FRAMES} or more"
        )
    start = time.perf_counter()
    made = copy.deepcopy(operated).eval()
    weights = _trainable(made)
    every = round(1 / HELD_OUT)
    held = frames[::every]
    learn = [i for i in range(len(frames)) if i % every]
    reference = scores_of(original, held)
    before = _fidelity(reference, made, held)
    if not weights:
        return Recovered(made, before, before, 0, time.perf_counter() - start)
    untrained = [weight.detach().clone() for weight in weights]
    targets = map(torch.from_numpy, scores_of(original, [frames[i] for i in learn]))
    labels = [None if masks is None else masks[i] for i in learn]
    _train(
        made, weights, list(zip((frames[i] for i in learn), targets, labels, strict=True)), steps, rate, seed
    )
    after = _fidelity(reference, made, held)
    if (after.agreement, after.sqnr_db) < (before.agreement, before.sqnr_db):
        _restore(weights, untrained)
        after = before
    return Recovered(made.requires_grad_(True), before, after, steps, time.perf_counter() - start)


def _train(
    model: nn.Module, weights: list[nn.Parameter], samples: list[Sample], steps: int, rate: float, seed: int
) -> None:
    """Take `steps` steps of Adam on one sample each, the rate falling to zero on a cosine."""
    optimizer = torch.optim.Adam(weights, rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    order = np.random.default_rng(seed)
    for _ in range(steps):
        loss = _loss(model, *samples[int(order.integers(len(samples)))])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def _trainable(model: nn.Module) -> list[nn.Parameter]:
    """Freeze everything but the weights of lossy stand-ins, and return those."""
    model.requires_grad_(False)
    lossy = [m for m in model.modules() if isinstance(m, (ResizeConv2d, BilinearConv2d))]
    weights = [weight for module in lossy for weight in module.parameters()]
    for weight in weights:
        weight.requires_grad_(True)
    return weights


def _loss(model: nn.Module, frame: Frame, target: Tensor, mask: Frame | None) -> Tensor:
    scores = getattr(model, "forward_scores", model)(to_input(model, frame))[0]
    loss = F.mse_loss(scores, target) / target.var().clamp_min(1e-12)
    if mask is not None:
        height, width = mask.shape
        stride = float(-(-height // scores.shape[1]))
        full = F.interpolate(scores[None], scale_factor=stride, mode="bilinear", align_corners=False)
        labels = torch.from_numpy(mask[None].astype(np.int64))
        loss = loss + F.cross_entropy(full[..., :height, :width], labels, ignore_index=VOID)
    return loss


def _fidelity(reference: Sequence[FloatArray], model: nn.Module, frames: Sequence[Frame]) -> Measurement:
    scores = scores_of(model, frames)
    return Measurement(agreement(reference, scores), sqnr_db(reference, scores))


@torch.no_grad()
def _restore(weights: Sequence[nn.Parameter], values: Sequence[Tensor]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)
