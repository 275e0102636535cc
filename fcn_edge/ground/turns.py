"""Several networks timed in turns, so that a machine that slows down slows them all."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
WARM_UP = 3  # rounds that do not count


def in_turns(
    networks: Sequence[Callable[[Frame], object]], frames: Sequence[Frame], rounds: int
) -> npt.NDArray[np.float64]:
    """Return the milliseconds of one frame, (networks, rounds); every round takes the next frame.

    Every second round goes backwards: who comes first in a round finds other caches than who comes last.
    """
    times = np.empty((len(networks), WARM_UP + rounds))
    order = list(enumerate(networks))
    for number in range(times.shape[1]):
        frame = frames[number % len(frames)]
        for place, network in order if number % 2 else order[::-1]:
            start = time.perf_counter()
            network(frame)
            times[place, number] = 1e3 * (time.perf_counter() - start)
    return times[:, WARM_UP:]


def median_ratio(
    before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return the median of after / before over the rounds within its 95 % interval: (low, median, high).

    before, after: (rounds,) of one call of in_turns. The interval is that of order statistics, which asks
    nothing of the distribution; with fewer than six rounds it is all of them.
    """
    ratios = np.sort(after / before)
    cut = max(0, int((len(ratios) - 1.96 * np.sqrt(len(ratios))) / 2) - 1)
    return float(ratios[cut]), float(np.median(ratios)), float(ratios[-1 - cut])
