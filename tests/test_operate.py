"""The frames that surgery learns from and those that it judges by."""

from __future__ import annotations

import numpy as np
import pytest

from fcn_edge.operate import JUDGE_FRAMES, halve
from fcn_edge.quantize.calibration import CalibrationSet


def numbered(count: int) -> CalibrationSet:
    frames = [np.full((2, 3, 3), number, np.uint8) for number in range(count)]
    return CalibrationSet(frames, [f"{number:03d}" for number in range(count)], "test", 0, "0")


@pytest.mark.parametrize("count", [8, 9, 24, 64, 200])
def test_no_candidate_is_judged_on_a_frame_that_it_was_fitted_or_quantized_with(count: int) -> None:
    halves = halve(numbered(count))
    learned = {int(frame[0, 0, 0]) for frame in halves.learn.frames}
    judged = {int(frame[0, 0, 0]) for frame in halves.judge}
    assert not learned & judged
    assert learned | judged == set(range(count)), "every frame is used"
    assert len(halves.judge) == min(JUDGE_FRAMES, count // 2)
    assert halves.learn.stems == [f"{number:03d}" for number in sorted(learned)]
    assert len(judged & set(range(count // 2, count))) >= len(judged) // 2, "spread over the whole set"
