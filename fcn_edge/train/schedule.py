"""How far a run has come, and the learning rate there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

WARMUP = 0.03  # share of the run in which the rate climbs from 0
POWER = 0.9  # of the poly schedule (DeepLab, Chen et al. 2017)


def rate_factor(progress: float) -> float:
    """Return the factor on the peak learning rate at `progress` 0..1: linear warm-up times poly decay."""
    return min(1.0, progress / WARMUP) * max(0.0, 1 - progress) ** POWER


@dataclass
class Clock:
    """Progress of a run by steps, or by wall-clock time where there is a budget of seconds.

    Time spent before a resume counts: `spent` comes out of the saved state.
    """

    total_steps: int
    budget: float | None = None  # seconds
    step: int = 0
    spent: float = 0.0  # seconds, up to the start of this process
    started: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Return seconds of training so far, all processes together."""
        return self.spent + time.monotonic() - self.started

    @property
    def progress(self) -> float:
        """Return the share of the run behind the middle of the step that comes next; 1 when all is done."""
        if self.budget is not None:
            return min(1.0, self.elapsed / self.budget)
        return min(1.0, (self.step + 0.5) / self.total_steps)
