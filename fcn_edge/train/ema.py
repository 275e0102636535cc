"""A running average of the weights: less noisy than the last step, and what is kept and scored."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class Ema:
    """average <- decay * average + (1 - decay) * weights after every step, BatchNorm statistics included.

    Early on the decay is (1 + n) / (10 + n), n steps: else a short run would mostly average its random start.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take one step of `model` into the average."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        own, new = _floats(self.model), _floats(model)
        torch._foreach_lerp_(own, new, 1 - decay)


def _floats(model: nn.Module) -> list[Tensor]:
    return [value for value in model.state_dict().values() if value.is_floating_point()]
