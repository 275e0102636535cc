"""INT8 that saves no time is told plainly; the clock is a stand-in, so that no test measures time."""

from __future__ import annotations

import numpy as np
import pytest

from fcn_edge.compilation import worth
from fcn_edge.ground import turns
from fcn_edge.quantize.gate import Limits, judge, ungated

FRAMES = [np.zeros((4, 4, 3), np.uint8)]


class Clock:
    """A clock that only moves when an engine works."""

    now = 0.0

    def engine(self, seconds: float):
        def segment(frame: np.ndarray) -> np.ndarray:
            self.now += seconds
            return frame

        return segment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(turns.time, "perf_counter", lambda: made.now)
    return made


@pytest.mark.parametrize(("seconds", "worth_it"), [(0.6, True), (0.95, True), (0.96, False), (1.3, False)])
def test_the_ratio_decides(clock: Clock, seconds: float, worth_it: bool) -> None:
    found = worth.weigh(clock.engine(1.0), clock.engine(seconds), FRAMES)
    assert found.ratio == pytest.approx(seconds)
    assert found.worth_it is worth_it
    assert found.to_json()["worth_it"] is worth_it


def test_the_sentence_is_plain_and_names_the_cost(clock: Clock) -> None:
    slow = worth.weigh(clock.engine(1.0), clock.engine(1.1), FRAMES)
    lost = judge(
        {"miou": 0.6, "class_iou": {"road": 0.6}},
        {"miou": 0.595, "class_iou": {"road": 0.595}},
        1.0,
        Limits(),
    )
    assert slow.sentence(lost) == (
        "INT8 is not worth it here: a frame takes 1.10 of fp32's time and costs 0.0050 of mean IU"
    )
    assert slow.sentence(ungated()).endswith("1.10 of fp32's time")
    fast = worth.weigh(clock.engine(1.0), clock.engine(0.5), FRAMES)
    assert fast.sentence(lost) == "a frame takes 0.50 of fp32's time on this machine"
