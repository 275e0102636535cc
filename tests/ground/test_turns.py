"""Networks timed in turns: who comes first changes, and an interval holds what it promises."""

from __future__ import annotations

import numpy as np

from fcn_edge.ground.turns import WARM_UP, in_turns, median_ratio

FRAMES = [np.full((1, 1, 3), number, np.uint8) for number in range(3)]


def test_every_round_takes_one_frame_and_goes_the_other_way_than_the_one_before() -> None:
    calls: list[tuple[str, int]] = []

    def network(name: str):
        return lambda frame: calls.append((name, int(frame[0, 0, 0])))

    times = in_turns([network("a"), network("b"), network("c")], FRAMES, 4)
    assert times.shape == (3, 4)
    rounds = [calls[3 * i : 3 * i + 3] for i in range(WARM_UP + 4)]
    assert ["".join(name for name, _ in one) for one in rounds] == ["cba", "abc"] * 3 + ["cba"]
    assert [{frame for _, frame in one} for one in rounds] == [{i % 3} for i in range(WARM_UP + 4)]


def test_interval_of_the_median_ratio_holds_the_true_one_in_19_of_20_runs() -> None:
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(1000):
        before, after = rng.lognormal(0, 0.3, (2, 24))  # rounds of a busy machine; the true ratio is 1
        low, middle, high = median_ratio(before, after)
        assert low <= middle <= high
        missed += not low <= 1 <= high
    assert missed <= 65, f"{missed} of 1000, seed 0"


def test_interval_of_few_rounds_is_all_of_them_and_of_many_is_narrow() -> None:
    ratios = np.array([3.0, 1.0, 2.0])
    assert median_ratio(np.ones(3), ratios) == (1.0, 2.0, 3.0)
    rng = np.random.default_rng(1)
    low, _, high = median_ratio(np.ones(1000), rng.uniform(0.9, 1.1, 1000))
    assert high - low < 0.03
