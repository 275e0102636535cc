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
    """Return the milliseconds of one frame, (networks, rounds); every round takes the next frame."""
    times = np.empty((len(networks), WARM_UP + rounds))
    for number in range(times.shape[1]):
        frame = frames[number % len(frames)]
        for place, network in enumerate(networks):
            start = time.perf_counter()
            network(frame)
            times[place, number] = 1e3 * (time.perf_counter() - start)
    return times[:, WARM_UP:]
