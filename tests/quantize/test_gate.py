"""The gate: what it refuses, what it says, and the statistics it rests on against plain recomputation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fcn_edge.quantize.gate import Limits, judge, ungated
from fcn_edge.quantize.gate_statistics import BAND, GateStatistics, Intervals, near_boundary
from fcn_edge.train.metrics import ConfusionMatrix

NAMES = ("road", "pole", "sky")


def metrics(road: float, pole: float, sky: float | None = None) -> dict:
    present = [iou for iou in (road, pole, sky) if iou is not None]
    return {
        "miou": sum(present) / len(present),
        "class_iou": dict(zip(NAMES, (road, pole, sky), strict=True)),
    }


def test_a_small_drop_passes_and_names_the_worst_class() -> None:
    gate = judge(metrics(0.9, 0.5), metrics(0.9, 0.49), 0.99, Limits())
    assert gate.verdict == "pass"
    assert gate.worst_class == {"name": "pole", "drop": pytest.approx(0.01), "interval": None}
    assert gate.sentence().endswith("most in class pole (0.0100): within the limits")


def test_each_limit_refuses_by_itself_and_is_named() -> None:
    loose = Limits(max_drop=1, max_class_drop=1, min_agreement=0)
    before = metrics(0.9, 0.5)
    cases = {
        "over the limit of 0.01": judge(before, metrics(0.9, 0.4), 1.0, Limits(0.01, 1, 0)),
        "class pole is over the limit of 0.05 for one class": judge(
            before, metrics(0.99, 0.44), 1.0, Limits(1, 0.05, 0)
        ),
        "85.00% of the pixels agree with fp32, needed are 90%": judge(
            before, before, 0.85, Limits(1, 1, 0.9)
        ),
    }
    boundary = {"fp32_miou": 0.5, "int8_miou": 0.4, "drop": 0.1, "band": 5}
    edges = "near boundaries mean IU drops by 0.1000, over the limit of 0.05"
    cases[edges] = judge(before, before, 1.0, Limits(1, 1, 0, 0.05), boundary=boundary)
    for phrase, gate in cases.items():
        assert gate.verdict == "fail"
        assert gate.why == (phrase,)
        assert gate.sentence().endswith(phrase)
    assert judge(before, metrics(0.1, 0.1), 0.1, loose).verdict == "pass"


def test_a_limit_that_is_just_reached_is_kept() -> None:
    # binary fractions: 0.75 - 0.5 is 0.25 exactly
    before, after = metrics(0.75, 0.75), metrics(0.5, 0.5)
    boundary = {"fp32_miou": 0.5, "int8_miou": 0.375, "drop": 0.125, "band": 5.0}
    at = Limits(max_drop=0.25, max_class_drop=0.25, min_agreement=0.875, max_boundary_drop=0.125)
    assert judge(before, after, 0.875, at, boundary=boundary).why == ()
    beyond = [
        replace(at, max_drop=np.nextafter(0.25, 0)),
        replace(at, max_class_drop=np.nextafter(0.25, 0)),
        replace(at, min_agreement=np.nextafter(0.875, 1)),
        replace(at, max_boundary_drop=np.nextafter(0.125, 0)),
    ]
    for limits in beyond:
        assert len(judge(before, after, 0.875, limits, boundary=boundary).why) == 1, limits


def test_near_a_boundary_is_within_five_pixels_on_either_side() -> None:
    label = np.zeros((30, 40), np.uint8)
    label[:, 20:] = 1
    assert np.flatnonzero(near_boundary(label)[15]).tolist() == list(range(15, 25))
    assert np.flatnonzero(near_boundary(label.T)[:, 15]).tolist() == list(range(15, 25))


def test_equal_mean_iu_with_other_masks_is_refused() -> None:
    assert judge(metrics(0.03, 0.03), metrics(0.06, 0.06), 0.004, Limits()).verdict == "fail"


def test_without_labels_agreement_decides() -> None:
    none = {"miou": None, "class_iou": dict.fromkeys(NAMES)}
    assert judge(none, none, 0.995, Limits()).verdict == "pass"
    refused = judge(none, none, 0.98, Limits())
    assert (refused.verdict, refused.metric) == ("fail", "agreement")
    assert "changes 2.00% of fp32's pixels" in refused.sentence()


def test_classes_absent_from_the_labels_are_left_out() -> None:
    assert judge(metrics(0.9, 0.5, None), metrics(0.8, 0.5, None), 1.0, Limits()).worst_class == {
        "name": "road",
        "drop": pytest.approx(0.1),
        "interval": None,
    }


def test_ungated_is_neither_pass_nor_fail() -> None:
    assert ungated().verdict == "ungated"
    assert "nothing was measured" in ungated().sentence()


def random_masks(seed: int, flipped: float) -> list[np.ndarray]:
    """A label, a mask with 10 % of its pixels wrong, and that mask with `flipped` more wrong."""
    generator = np.random.default_rng(seed)
    label = np.kron(generator.integers(0, 3, (4, 5), dtype=np.uint8), np.ones((12, 12), np.uint8))
    masks = [label]
    for share in (0.1, flipped):
        noise = generator.integers(0, 3, label.shape, dtype=np.uint8)
        masks.append(np.where(generator.random(label.shape) < share, noise, masks[-1]))
    return masks


def test_statistics_equal_a_plain_recomputation() -> None:
    statistics, plain = GateStatistics(3), (ConfusionMatrix(3), ConfusionMatrix(3))
    agreement = []
    for seed in range(30):
        label, before, after = random_masks(seed, 0.05)
        statistics.update([before, after], label)
        agreement.append((before == after).mean())
        near = np.zeros(label.shape, bool)  # every pixel with another label in the window, by brute force
        for y, x in np.ndindex(label.shape):
            window = label[max(0, y - BAND) : y + BAND + 1, max(0, x - BAND) : x + BAND + 1]
            near[y, x] = np.any(window != label[y, x])
        assert np.array_equal(near_boundary(label), near)
        for matrix, mask in zip(plain, (before, after), strict=True):
            matrix.update(mask, np.where(near, label, np.uint8(255)))
    assert statistics.agreement == pytest.approx(np.mean(agreement))
    boundary = statistics.boundary()
    assert boundary is not None
    assert boundary["drop"] == pytest.approx(plain[0].miou - plain[1].miou)


def test_drop_interval_holds_the_drop_and_is_narrower_with_more_frames() -> None:
    widths = []
    for frames in (30, 300):
        statistics, before, after = GateStatistics(3), ConfusionMatrix(3), ConfusionMatrix(3)
        for seed in range(frames):
            label, first, second = random_masks(seed, 0.05)
            statistics.update([first, second], label)
            before.update(first, label)
            after.update(second, label)
        found = statistics.intervals(NAMES)
        assert found is not None
        interval = found.drop
        assert interval is not None
        assert interval[0] < before.miou - after.miou < interval[1]
        widths.append(interval[1] - interval[0])
    assert widths[1] < 0.8 * widths[0]


def test_too_few_frames_have_no_interval() -> None:
    statistics = GateStatistics(3)
    for seed in range(19):
        label, before, after = random_masks(seed, 0.05)
        statistics.update([before, after], label)
    assert statistics.intervals(NAMES) is None


def test_intervals_of_every_drop_are_those_of_resampling_blocks_by_hand() -> None:
    statistics, counts = GateStatistics(3), []
    for seed in range(25):
        label, before, after = random_masks(seed, 0.05)
        statistics.update([before, after], label)
        pair = ConfusionMatrix(3), ConfusionMatrix(3)
        for matrix, mask in zip(pair, (before, after), strict=True):
            matrix.update(mask, label)
        counts.append((*pair, (before == after).mean()))
    found = statistics.intervals(NAMES)
    assert found is not None
    generator = np.random.default_rng(0)
    starts = generator.integers(0, 25, (1000, 3))  # three blocks of ten neighbours, cut to 25 frames
    drops, pole, agreement = [], [], []
    for row in starts:
        frames = [(start + i) % 25 for start in row for i in range(10)][:25]
        both = ConfusionMatrix(3), ConfusionMatrix(3)
        for frame in frames:
            for matrix, one in zip(both, counts[frame][:2], strict=True):
                matrix.counts += one.counts
        drops.append(both[0].miou - both[1].miou)
        pole.append(both[0].class_iou[1] - both[1].class_iou[1])
        agreement.append(np.mean([counts[frame][2] for frame in frames]))
    for interval, values in (
        (found.drop, drops),
        (found.classes["pole"], pole),
        (found.agreement, agreement),
    ):
        assert interval == pytest.approx(np.quantile(values, [0.025, 0.975]))
    assert found.boundary is not None
    assert found.boundary[0] < found.boundary[1]


def test_intervals_reach_the_verdict_and_unlabelled_frames_have_one_of_agreement_only() -> None:
    statistics = GateStatistics(3)
    for seed in range(20):
        _, before, after = random_masks(seed, 0.05)
        statistics.update([before, after], None)
    found = statistics.intervals(NAMES)
    assert found is not None
    assert (found.drop, found.boundary, found.classes) == (None, None, {})
    assert found.agreement is not None
    assert found.agreement[0] < statistics.agreement < found.agreement[1]
    given = Intervals((0.0, 0.01), (0.0, 0.02), (0.9, 1.0), {"pole": (0.0, 0.03)})
    boundary = {"fp32_miou": 0.5, "int8_miou": 0.5, "drop": 0.0, "band": 5.0}
    gate = judge(metrics(0.9, 0.5), metrics(0.9, 0.49), 0.99, Limits(), intervals=given, boundary=boundary)
    assert (gate.drop_interval, gate.agreement_interval) == ((0.0, 0.01), (0.9, 1.0))
    assert gate.worst_class is not None
    assert gate.worst_class["interval"] == (0.0, 0.03)
    assert gate.boundary is not None
    assert gate.boundary["interval"] == (0.0, 0.02)
