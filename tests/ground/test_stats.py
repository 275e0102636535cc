"""Order statistics against their definition and against numpy; intervals against known distributions."""

from __future__ import annotations

import numpy as np
import pytest

from fcn_edge.ground.stats import bootstrap, latency_summary, paired_ratio, percentile, samples_needed


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
