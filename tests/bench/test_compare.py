"""Compare mode: a real slow-down is told from noise, and a budget is judged on the percentile asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fcn_edge.bench.compare import (
    check_budget,
    check_percentile,
    compare,
    judge_report,
    percentile_key,
    read_report,
    same_machine,
    same_method,
)
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.ground.stats import latency_summary


def make_report(
    factor: float = 1.0,
    seed: int = 0,
    name: str = "road",
    frames: int = 200,
    rounds: int = 5,
    spread: float = 0.005,
) -> dict:
    """Return a report whose rounds differ by a relative `spread` (standard deviation)."""
    rng = np.random.default_rng(seed)
    rounds = [
        (factor * np.exp(rng.normal(0, spread)) * (20 + rng.gamma(2, 0.4, frames))).tolist()
        for _ in range(rounds)
    ]
    flat = [value for one in rounds for value in one]
    bundle = {
        "name": name,
        "latency_ms": {"total": latency_summary(flat)},
        "rounds": [{"samples_ms": {"total": one}} for one in rounds],
    }
    return {
        "magic": "fcn-edge-report", "schema": [1, 0], "bundles": [bundle],
        "device": {"cpu": "A", "cores": 2, "governor": None},
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_the_same_speed_again_is_no_regression(seed: int) -> None:
    changes = compare(make_report(seed=seed), make_report(seed=seed + 100))
    assert not any(change.regression for change in changes), [change.sentence() for change in changes]


def test_a_slow_down_of_a_tenth_is_a_regression_and_is_said_in_words() -> None:
    median = compare(make_report(1.10, seed=1), make_report(seed=2))[0]
    assert (median.percentile, median.verdict, median.regression) == ("p50", "slower", True)
    assert median.ratio == pytest.approx(1.10, abs=0.02)
    assert median.ratio_low < median.ratio < median.ratio_high
    assert "p50 is slower" in median.sentence()


def test_a_slow_down_below_the_threshold_is_told_and_forgiven() -> None:
    median = compare(make_report(1.03, seed=1), make_report(seed=2), threshold=0.05)[0]
    assert (median.verdict, median.regression) == ("slower", False)


@pytest.mark.parametrize("rounds", [(2, 2), (3, 3), (5, 5), (2, 8), (10, 3), (5, 12)], ids=str)
def test_equal_systems_are_called_slower_or_faster_as_rarely_as_promised(rounds: tuple[int, int]) -> None:
    trials, verdicts = 800, []
    for seed in range(trials):
        then = make_report(seed=2 * seed, rounds=rounds[0], spread=0.05, frames=20)
        now = make_report(seed=2 * seed + 1, rounds=rounds[1], spread=0.05, frames=20)
        verdicts.append(compare(now, then)[0].verdict)
    wrong = 1 - verdicts.count("same") / trials
    # 5 % and three standard deviations of as many trials
    assert wrong <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / trials), wrong


@pytest.mark.parametrize("factor", [1.0, 1.1])
def test_the_interval_holds_the_true_ratio_as_often_as_promised(factor: float) -> None:
    trials, held = 800, 0
    for seed in range(trials):
        now = make_report(factor, seed=2 * seed, spread=0.05, frames=20)
        one = compare(now, make_report(seed=2 * seed + 1, spread=0.05, frames=20))[0]
        held += one.ratio_low <= factor <= one.ratio_high
    assert abs(held / trials - 0.95) <= 3 * np.sqrt(0.05 * 0.95 / trials), held / trials


@pytest.mark.parametrize("rounds", [(1, 1), (1, 5), (5, 1)], ids=str)
def test_a_single_round_gives_no_verdict_and_says_so(rounds: tuple[int, int]) -> None:
    then, now = (make_report(f, rounds=n) for f, n in zip((1.0, 3.0), rounds, strict=True))
    median = compare(now, then)[0]
    assert (median.verdict, median.regression) == ("unknown", False)
    assert (median.ratio_low, median.ratio_high) == (None, None)
    assert median.sentence().startswith("road: p50 was ")
    assert (
        "single round does not tell a change from noise: measure both sides with --rounds 5"
        in median.sentence()
    )
    json.dumps(median.to_json(), allow_nan=False)


def test_rounds_and_not_frames_decide() -> None:
    """Two rounds that differ by 30 % prove nothing, however many frames they hold."""
    then, now = make_report(rounds=2, frames=5000), make_report(1.1, seed=1, rounds=2, frames=5000)
    slow = now["bundles"][0]["rounds"][0]["samples_ms"]
    slow["total"] = [1.3 * value for value in slow["total"]]
    assert compare(now, then)[0].verdict == "same"


def test_a_speed_up_is_no_regression() -> None:
    median = compare(make_report(0.8, seed=1), make_report(seed=2))[0]
    assert (median.verdict, median.regression) == ("faster", False)


def test_a_percentile_that_either_side_cannot_support_is_not_compared() -> None:
    changes = compare(make_report(frames=10), make_report())
    assert [change.percentile for change in changes] == ["p50"]


def test_a_baseline_of_other_bundles_is_refused() -> None:
    with pytest.raises(MisuseError, match="the baseline measured rail"):
        compare(make_report(), make_report(name="rail"))


def test_another_machine_is_noticed() -> None:
    other = make_report()
    other["device"]["cores"] = 8
    assert same_machine(make_report(), other) == "cores was 8 and is 2"
    assert same_machine(make_report(), make_report()) == ""


def test_a_budget_is_kept_or_missed_at_the_percentile_asked_for() -> None:
    report = make_report()
    p99 = report["bundles"][0]["latency_ms"]["total"]["p99"]
    assert check_budget(report, p99 + 0.01, "p99")[0].kept
    missed = check_budget(report, 1.0, "p99")[0]
    assert not missed.kept
    assert "misses its budget" in missed.sentence()


def test_a_budget_on_a_percentile_without_enough_frames_is_refused() -> None:
    with pytest.raises(FcnEdgeError, match="too few frames for p999"):
        check_budget(make_report(frames=50), 33.0, "p999")


def test_percentiles_are_typed_as_people_write_them() -> None:
    assert [percentile_key(n) for n in (50, 99, 99.9, 100)] == ["p50", "p99", "p999", "max"]
    with pytest.raises(MisuseError, match="valid: 50"):
        percentile_key(95)


def test_a_percentile_that_the_frames_cannot_support_is_refused_before_they_are_run() -> None:
    assert check_percentile(99.9, frames=200, rounds=5) == "p999"
    with pytest.raises(MisuseError, match=r"99\.9 needs 1000 frames, and 5 rounds of 10 are 50") as caught:
        check_percentile(99.9, frames=10, rounds=5)
    assert caught.value.hint == "type --frames 200"
    assert check_percentile(100, frames=1, rounds=1) == "max"


def test_a_baseline_measured_in_another_way_is_said_to_be_one() -> None:
    before, now = make_report() | {"method": {"threads": 1}}, make_report() | {"method": {"threads": None}}
    assert same_method(now, before) == "threads was 1 and is None"
    assert same_method(now, now) == ""


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"magic": "x"}',
        '{"magic": "fcn-edge-report", "bundles": []}',
        '{"magic": "fcn-edge-report", "bundles": [{}], "device": {}}',
        '{"magic": "fcn-edge-report", "bundles": [1]}',
    ],
)
def test_a_baseline_that_is_no_report_is_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "old.json"
    path.write_text(content)
    with pytest.raises(FcnEdgeError, match=r"old\.json"):
        read_report(path)


def test_a_folder_given_as_baseline_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FcnEdgeError, match="cannot be read: Is a directory"):
        read_report(tmp_path)


def test_a_report_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(make_report()))
    assert read_report(path) == make_report()


def test_a_missed_budget_and_a_regression_are_both_failures(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text(json.dumps(make_report(seed=2)))
    judged, failures = judge_report(make_report(1.2), baseline=old, budget_ms=1.0, percentile=50)
    assert len(failures) == 2 + sum(one["regression"] for one in judged["changes"][1:])
    assert judged["budget"][0]["kept"] is False
    assert "another machine" not in judged["baseline"]
    assert judge_report(make_report(), budget_ms=1000.0)[1] == []
