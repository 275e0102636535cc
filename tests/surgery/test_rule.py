"""The rule that takes or refuses a measured replacement."""

from __future__ import annotations

import pytest

from fcn_edge.surgery.fidelity import Measurement
from fcn_edge.surgery.rule import Rule

KEEP = Measurement(agreement=0.980, sqnr_db=25.0, latency_ms=10.0)
RULE = Rule()


@pytest.mark.parametrize(
    ("new", "taken"),
    [
        (Measurement(0.980, 25.0, 10.0), False),  # no better
        (Measurement(0.985, 25.0, 10.0), True),  # more accurate
        (Measurement(0.980, 27.0, 10.0), True),  # cleaner scores at the same agreement
        (Measurement(0.980, 25.0, 8.0), True),  # faster
        (Measurement(0.980, 25.0, 9.9), False),  # faster within the noise
        (Measurement(0.985, 27.0, 11.0), False),  # more accurate but slower
        (Measurement(0.970, 30.0, 5.0), False),  # fast and wrong
        (Measurement(0.9795, 25.0, 8.0), True),  # the loss is none, the gain is one
        (Measurement(0.985, 27.0), True),  # no latency known: accuracy alone decides
        (Measurement(0.980, 25.0, 8.0, latency_range_ms=(7.0, 9.4)), True),  # faster, and surely so
        (Measurement(0.980, 25.0, 8.0, latency_range_ms=(6.0, 9.6)), False),  # perhaps faster
        (Measurement(0.985, 27.0, 11.0, latency_range_ms=(9.0, 13.0)), False),  # perhaps no slower
    ],
)
def test_replacement_is_taken_only_if_it_loses_nothing_and_wins_something(
    new: Measurement, taken: bool
) -> None:
    assert RULE.takes(new, KEEP) is taken


def test_slower_replacement_is_taken_only_below_the_accuracy_floor_and_says_so() -> None:
    poor = Measurement(0.90, 12.0, 10.0)
    better = Measurement(0.96, 18.0, 14.0)
    assert RULE.takes(better, poor)
    assert "slower, but the accuracy budget demands it" in RULE.why("subpixel", better, poor)
    assert not RULE.takes(Measurement(0.99, 30.0, 14.0), KEEP)


def test_mean_iu_decides_where_there_are_labels() -> None:
    keep = Measurement(0.98, 25.0, 10.0, miou=0.60)
    assert RULE.takes(Measurement(0.97, 24.0, 10.0, miou=0.61), keep)
    assert not RULE.takes(Measurement(0.99, 26.0, 8.0, miou=0.59), keep)


def test_pick_prefers_accuracy_then_speed_and_keeps_on_a_tie() -> None:
    choices = {
        ("keep",): KEEP,
        ("subpixel",): Measurement(0.990, 27.0, 9.0),
        ("bilinear",): Measurement(0.990, 26.0, 7.0),
        ("resize-conv",): Measurement(0.985, 30.0, 5.0),
    }
    assert RULE.pick(choices, ("keep",)) == ("bilinear",)
    assert RULE.pick({("keep",): KEEP, ("subpixel",): KEEP}, ("keep",)) == ("keep",)


def test_reason_names_what_was_measured() -> None:
    why = RULE.why("subpixel", Measurement(0.985, 27.0, 8.0), KEEP)
    assert why == (
        "subpixel is more accurate and faster: agreement 0.9850 against 0.9800, "
        "SQNR 27.0 against 25.0 dB, 8.00 against 10.00 ms"
    )
