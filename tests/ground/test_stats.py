"""Order statistics against their definition and against numpy; intervals against known distributions."""

from __future__ import annotations

import numpy as np
import pytest

from fcn_edge.ground.stats import (
    STUDENT,
    bootstrap,
    latency_summary,
    paired_ratio,
    percentile,
    rounds_ratio,
    samples_needed,
)


@pytest.mark.parametrize("seed", range(20))
def test_percentile_is_the_smallest_sample_that_enough_samples_do_not_exceed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = rng.gamma(2.0, 5.0, int(rng.integers(1, 400)))
    q = float(rng.uniform(0.01, 1.0))
    found = percentile(samples, q)
    assert found in samples, f"seed {seed}: a value that was never observed"
    assert np.mean(samples <= found) >= q - 1e-9, f"seed {seed}, q {q}"
    assert np.mean(samples < found) < q, f"seed {seed}, q {q}: a smaller sample would do"


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("seed", range(5))
def test_percentile_equals_numpys_inverted_cdf(q: float, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(size=1000 + seed)
    assert percentile(samples, q) == np.quantile(samples, q, method="inverted_cdf")


def test_each_percentile_needs_as_many_samples_as_leave_one_beyond_it() -> None:
    assert [samples_needed(q) for q in (0.5, 0.9, 0.99, 0.999)] == [2, 10, 100, 1000]


def test_summary_leaves_out_what_the_samples_cannot_support() -> None:
    summary = latency_summary([float(v) for v in range(1, 51)])
    assert summary == {"p50": 25.0, "p90": 45.0, "p99": None, "p999": None, "max": 50.0, "mean": 25.5}
    assert latency_summary([])["p50"] is None


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 0.5)


def test_bootstrap_of_the_mean_agrees_with_the_normal_interval_for_independent_samples() -> None:
    rng = np.random.default_rng(7)
    rounds = [rng.normal(10.0, 2.0, 200).tolist() for _ in range(5)]
    found = bootstrap(rounds, lambda s: float(np.mean(s)), block=1, resamples=2000)
    everything = np.concatenate(rounds)
    half = 1.96 * everything.std() / np.sqrt(everything.size)
    assert found.low == pytest.approx(everything.mean() - half, abs=0.15 * half)
    assert found.high == pytest.approx(everything.mean() + half, abs=0.15 * half)


def test_bootstrap_is_wider_when_neighbouring_frames_are_alike() -> None:
    rng = np.random.default_rng(3)
    slow_drift = np.repeat(rng.normal(10.0, 2.0, 40), 25).tolist()  # 1000 frames, only 40 independent ones
    alone = bootstrap([slow_drift], lambda s: float(np.mean(s)), block=1)
    blocks = bootstrap([slow_drift], lambda s: float(np.mean(s)), block=25)
    assert blocks.high - blocks.low > 3 * (alone.high - alone.low)


def test_paired_ratio_cancels_a_machine_that_slows_down() -> None:
    drift = [1.0, 1.5, 3.0]
    a = [[20.0 * d] * 10 for d in drift]
    b = [[10.0 * d] * 10 for d in drift]
    assert paired_ratio(a, b) == {"median": 2.0, "min": 2.0, "max": 2.0}


def test_the_interval_of_two_runs_is_welchs_of_the_logarithms_of_their_rounds() -> None:
    rng = np.random.default_rng(4)
    before, after = (np.exp(rng.normal(mean, spread, 5)) for mean, spread in ((2.0, 0.02), (2.5, 0.06)))
    found = rounds_ratio([[v, v, v] for v in before], [[v, v, v] for v in after], 0.5)
    assert (found.before, found.after) == pytest.approx((np.prod(before) ** 0.2, np.prod(after) ** 0.2))
    a, b = np.log(before).var(ddof=1) / 5, np.log(after).var(ddof=1) / 5
    freedom = (a + b) ** 2 / (a**2 / 4 + b**2 / 4)
    assert 6 < freedom < 7  # so that 6 count: t = 2.447
    half = 2.447 * np.sqrt(a + b)
    assert found.interval is not None
    assert np.log(found.interval.low) == pytest.approx(np.log(found.after / found.before) - half)
    assert np.log(found.interval.high) == pytest.approx(np.log(found.after / found.before) + half)


def test_with_few_rounds_the_smaller_run_says_how_sure_one_can_be() -> None:
    found = rounds_ratio([[10.0], [11.0]], [[20.0], [22.0], [21.0], [24.0]], 0.5)
    shares = np.log([10.0, 11.0]).var(ddof=1) / 2 + np.log([20.0, 22.0, 21.0, 24.0]).var(ddof=1) / 4
    assert found.interval is not None
    assert np.log(found.interval.high / found.interval.low) == pytest.approx(2 * 12.706 * np.sqrt(shares))


def test_rounds_that_are_all_alike_have_an_interval_of_no_width() -> None:
    found = rounds_ratio([[10.0]] * 2, [[20.0]] * 3, 0.5)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((2.0, 2.0))


def test_students_points_are_those_of_simulated_means() -> None:
    rng = np.random.default_rng(0)
    for freedom in (1, 2, 4, 9, 29):
        values = rng.normal(size=(200_000, freedom + 1))
        t = values.mean(1) / (values.std(1, ddof=1) / np.sqrt(freedom + 1))
        assert np.mean(np.abs(t) > STUDENT[freedom - 1]) == pytest.approx(0.05, abs=0.002), freedom
    assert list(STUDENT) == sorted(STUDENT, reverse=True)
