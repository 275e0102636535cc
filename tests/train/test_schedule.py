import pytest

from fcn_edge.train.schedule import WARMUP, Clock, rate_factor


def test_the_rate_climbs_and_then_follows_the_poly_schedule():
    assert rate_factor(0) == 0
    assert rate_factor(WARMUP / 2) == pytest.approx(0.5 * (1 - WARMUP / 2) ** 0.9)
    assert rate_factor(0.5) == pytest.approx(0.5**0.9)
    assert rate_factor(1) == 0


def test_progress_by_steps_ends_at_the_last_step():
    clock = Clock(total_steps=4)
    seen = []
    while clock.progress < 1:
        seen.append(clock.progress)
        clock.step += 1
    assert seen == [0.125, 0.375, 0.625, 0.875]


def test_progress_by_time_counts_what_was_spent_before_a_resume():
    clock = Clock(total_steps=4, budget=100, spent=25, step=1000)
    assert clock.progress == pytest.approx(0.25, abs=0.01)
    clock.started -= 80
    assert clock.progress == 1
