"""Recovery after a lossy replacement: a short distillation from the original network, no labels needed."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models.upsample import BilinearConv2d, ResizeConv2d
from fcn_edge.network.parts import behind
from fcn_edge.network.run import tensor_values
from fcn_edge.network.torch_graph import TorchGraph
from fcn_edge.surgery.fidelity import Measurement, agreement, sqnr_db

Frame = npt.NDArray[np.uint8]
Feed = dict[str, Tensor]  # tensors at the cut behind which everything is computed again
Sample = tuple[Feed, Tensor, Frame | None]  # those of a frame, the original's scores, mask

VOID = 255
FEWEST_FRAMES = 8
HELD_OUT = 0.25  # share of the frames that is only scored


@dataclass
class Recovered:
    """Distilled stand-ins, and the fidelity to the original in fp32 before and after, on held-out frames."""

    modules: dict[str, nn.Module]
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
    original: onnx.ModelProto,
    modules: Mapping[str, nn.Module],
    frames: Sequence[Frame],
    *,
    masks: Sequence[Frame] | None = None,
    steps: int = 80,
    rate: float = 2e-4,
    seed: int = 0,
) -> Recovered:
    """Return copies of the stand-ins, the lossy ones trained until the graph gives the original's scores.

    modules: node name -> what stands in for it. frames: uint8 (H, W, 3) BGR, at least 8; every fourth is held
    out and scores the result. The loss is the squared error of the scores relative to their power, plus,
    where there are masks (uint8 (H, W), 255 = void), their cross-entropy. Only the stand-ins' weights change.
    If the held-out frames agree less than before, the copies are returned as they were. Raises FcnEdgeError
    where an operator behind the stand-ins passes no gradient (network/torch_graph.py).
    """
    if len(frames) < FEWEST_FRAMES:
        raise FcnEdgeError(
            f"{len(frames)} frames are too few to recover on", hint=f"give {FEWEST_FRAMES} or more"
        )
    start = time.perf_counter()
    made = {name: copy.deepcopy(module) for name, module in modules.items()}
    cut = behind(original, list(made))
    student = TorchGraph(cut.model, made)
    weights = _trainable(made.values())
    samples = _samples(original, cut.sources, frames, masks)
    every = round(1 / HELD_OUT)
    held = samples[::every]
    before = _fidelity(student, held)
    if not weights:
        return Recovered(made, before, before, 0, time.perf_counter() - start)
    untrained = [weight.detach().clone() for weight in weights]
    learn = [sample for number, sample in enumerate(samples) if number % every]
    _train(student, weights, learn, steps, rate, seed)
    after = _fidelity(student, held)
    if (after.agreement, after.sqnr_db) < (before.agreement, before.sqnr_db):
        _restore(weights, untrained)
        after = before
    for module in made.values():
        module.requires_grad_(True)
    return Recovered(made, before, after, steps, time.perf_counter() - start)


def _samples(
    original: onnx.ModelProto, sources: list[str], frames: Sequence[Frame], masks: Sequence[Frame] | None
) -> list[Sample]:
    """Run the original once a frame and keep what crosses the cut, and the scores."""
    output = original.graph.output[0].name
    samples: list[Sample] = []
    for number, values in enumerate(tensor_values(original, [*sources, output], frames)):
        feed = {name: torch.from_numpy(values[name]) for name in sources}
        scores = torch.from_numpy(values[output])
        samples.append((feed, scores, None if masks is None else masks[number]))
    return samples


def _train(
    student: TorchGraph,
    weights: list[nn.Parameter],
    samples: list[Sample],
    steps: int,
    rate: float,
    seed: int,
) -> None:
    """Take `steps` steps of Adam on one sample each, the rate falling to zero on a cosine."""
    optimizer = torch.optim.Adam(weights, rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    order = np.random.default_rng(seed)
    for _ in range(steps):
        loss = _loss(student, *samples[int(order.integers(len(samples)))])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def _trainable(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """Freeze everything but the weights of lossy stand-ins, and return those."""
    weights = []
    for module in modules:
        lossy = isinstance(module, (ResizeConv2d, BilinearConv2d))
        module.requires_grad_(lossy)
        weights += list(module.parameters()) if lossy else []
    return weights


def _loss(student: TorchGraph, feed: Feed, target: Tensor, mask: Frame | None) -> Tensor:
    scores = student(feed)
    loss = F.mse_loss(scores, target) / target.var().clamp_min(1e-12)
    if mask is not None:
        height, width = mask.shape
        stride = float(-(-height // scores.shape[2]))
        full = F.interpolate(scores, scale_factor=stride, mode="bilinear", align_corners=False)
        labels = torch.from_numpy(mask[None].astype(np.int64))
        loss = loss + F.cross_entropy(full[..., :height, :width], labels, ignore_index=VOID)
    return loss


@torch.no_grad()
def _fidelity(student: TorchGraph, samples: Sequence[Sample]) -> Measurement:
    reference = [scores[0].numpy() for _, scores, _ in samples]
    found = [student(feed)[0].numpy() for feed, _, _ in samples]
    return Measurement(agreement(reference, found), sqnr_db(reference, found))


@torch.no_grad()
def _restore(weights: Sequence[nn.Parameter], values: Sequence[Tensor]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)
