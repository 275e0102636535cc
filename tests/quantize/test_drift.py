"""Drift: distances against Wasserstein's by sorting, thresholds, windows, and what changed pictures score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from golden.make_golden import smooth_frames

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.quantize.drift import (
    COLUMNS,
    FEWEST,
    ROWS,
    SHARPNESS,
    DriftMonitor,
    DriftStatistics,
    Group,
    histograms,
    measure,
    points,
    read_statistics,
)

FRAMES = smooth_frames(40, seed=5, size=(120, 160))
NOISE = np.random.default_rng(0).integers(-20, 21, FRAMES[0].shape)
STATISTICS = measure(FRAMES[:30])
assert STATISTICS is not None


def bins_of(frame: np.ndarray) -> dict[str, list[np.ndarray]]:
    """The bins of every sample point, pixel by pixel in plain Python."""
    height, width = frame.shape[:2]

    def luma(y: int, x: int) -> int:
        b, g, r = map(int, frame[min(y, height - 1), min(x, width - 1)])
        return (29 * b + 150 * g + 77 * r + 128) // 256

    light, blue, red, sharp = [], [], [], []
    for i in range(ROWS):
        for j in range(COLUMNS):
            y, x = int((i + 0.5) * height / ROWS), int((j + 0.5) * width / COLUMNS)
            here = luma(y, x)
            light.append(here // 8)
            for found, band in ((blue, 0), (red, 2)):
                found.append(min(max((int(frame[y, x, band]) - here + 64) // 4, 0), 31))
            step = max(abs(luma(y, x + 1) - here), abs(luma(y + 1, x) - here))
            sharp.append(sum(step >= edge for edge in SHARPNESS))
    return {
        "light": [np.array(light)],
        "colour": [np.array(blue), np.array(red)],
        "sharpness": [np.array(sharp)],
    }


@pytest.mark.parametrize("size", [(120, 160), (1, 1), (37, 53)])
def test_distances_are_wassersteins_between_the_samples(size: tuple[int, int]) -> None:
    first, second = smooth_frames(2, seed=8, size=size)
    found = (histograms(first), histograms(second))
    for name, samples in bins_of(first).items():
        others = bins_of(second)[name]
        # for as many samples on both sides the distance is that of the sorted ones, one by one
        expected = sum(np.abs(np.sort(a) - np.sort(b)).sum() for a, b in zip(samples, others, strict=True))
        group = Group(np.cumsum(found[0][name])[None], 1.0)
        assert group.distance(found[1][name]) == expected


def test_points_are_inside_and_evenly_spread() -> None:
    for length in (1, 2, 63, 64, 65, 1000):
        found = points(length, 64)
        assert found[0] >= 0
        assert found[-1] < length
        assert np.diff(found).max() - np.diff(found).min() <= 1


def test_a_calibration_frame_is_no_distance_from_its_set_and_typical_ones_are_about_one() -> None:
    assert all(value == 0 for value in STATISTICS.distances(FRAMES[7]).values())
    scores = [max(STATISTICS.distances(frame).values()) for frame in FRAMES[30:]]
    assert np.mean(scores) < STATISTICS.threshold


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda frame: frame // 5, "light"),
        (lambda frame: np.clip(frame + NOISE, 0, 255), "sharpness"),
        (lambda frame: np.stack([frame[..., 1]] * 3, axis=2), "colour"),
    ],
    ids=["dark", "noise", "grey"],
)
def test_changed_pictures_leave_the_set_by_the_group_that_changed(change, cause: str) -> None:
    monitor = DriftMonitor(STATISTICS)
    for frame in FRAMES[30:]:
        monitor.update(np.asarray(change(frame), np.uint8))
    found = monitor.to_json()
    assert found["score"] > found["threshold"]
    assert max(found["groups"], key=found["groups"].get) == cause


def test_threshold_rises_with_how_far_apart_the_calibration_frames_are_left_out() -> None:
    odd = [*FRAMES[:30], FRAMES[0] // 8, np.full_like(FRAMES[0], 255), FRAMES[1] // 4 + 190]
    assert measure(odd).threshold > STATISTICS.threshold


def test_threshold_is_the_upper_end_of_the_interval_of_the_95th_percentile() -> None:
    found = {name: [histograms(frame)[name] for frame in FRAMES[:30]] for name in STATISTICS.groups}
    scores = np.zeros(30)
    for bins in found.values():
        running = np.cumsum(bins, axis=1)
        nearest = [min(np.abs(running[i] - running[j]).sum() for j in range(30) if j != i) for i in range(30)]
        scores = np.maximum(scores, nearest / np.mean(nearest))
    rng = np.random.default_rng(7)
    tops = [np.quantile(rng.choice(scores, 30), 0.95) for _ in range(4000)]
    low, middle, high = np.quantile(tops, [0.025, 0.5, 0.975])
    assert low < middle < high
    assert STATISTICS.threshold == pytest.approx(high, rel=0.01)
    assert abs(STATISTICS.threshold - high) < 0.2 * min(high - middle, high - low)


def test_a_frame_at_the_threshold_is_not_above_it() -> None:
    score = max(STATISTICS.distances(FRAMES[33]).values())
    for threshold, above in ((score, 0), (np.nextafter(score, 0), 1)):
        monitor = DriftMonitor(DriftStatistics(STATISTICS.groups, float(threshold)))
        assert monitor.update(FRAMES[33]) == score
        assert monitor.to_json()["share_above"] == above


def test_monitor_is_the_mean_of_the_window_and_counts_single_frames() -> None:
    statistics = DriftStatistics(STATISTICS.groups, STATISTICS.threshold, window=12)
    monitor = DriftMonitor(statistics)
    frames = [*FRAMES[30:], *(frame // 5 for frame in FRAMES)]
    scores, means = [], []
    for frame in frames:
        scores.append(monitor.update(frame))
        means.append(monitor.score)
        assert monitor.score == pytest.approx(np.mean(scores[-12:]))
    found = monitor.to_json()
    assert found["frames"] == len(frames)
    assert found["share_above"] == np.mean(np.array(scores) > statistics.threshold)
    assert found["highest"] == pytest.approx(max(means[FEWEST - 1 :]))


def test_statistics_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "drift.json"
    file.write_text(json.dumps(STATISTICS.to_json()))
    again = read_statistics(file)
    assert again is not None
    assert again.distances(FRAMES[33]) == STATISTICS.distances(FRAMES[33])
    assert (again.threshold, again.window) == (STATISTICS.threshold, STATISTICS.window)
    file.write_text(json.dumps({**STATISTICS.to_json(), "version": 2}))
    assert read_statistics(file) is None
    file.write_text('{"version": 1, "groups": []}')
    with pytest.raises(FcnEdgeError, match=r"drift\.json holds no drift statistics"):
        read_statistics(file)


def test_frames_that_are_all_equal_carry_no_statistics() -> None:
    one, other = FRAMES[0], FRAMES[1]
    assert measure([one] * 10) is None
    assert measure([one]) is None
    assert measure([*[one, other] * 5]) is None  # each has its equal
    assert measure([*[one] * 127, other]) is None  # the 95th percentile is 0 all the same
    few = measure([one, other])
    assert few is not None
    assert few.threshold == 1.0  # both are as far from the other as the mean
    rng = np.random.default_rng(6)
    noisy = [
        np.clip(one.astype(int) + rng.integers(-2, 3, one.shape), 0, 255).astype(np.uint8) for _ in range(10)
    ]
    parked = measure(noisy)  # a parked camera has noise, which is enough
    assert parked is not None
    assert parked.threshold > 0.5


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"threshold": 0.0}, "has threshold 0.0, not between 1e-09 and 1e"),
        ({"threshold": float("nan")}, "has threshold nan"),
        ({"threshold": True}, "has threshold True"),
        ({"window": 0}, "has window 0"),
        ({"window": 2.5}, "has window 2.5"),
        ({"groups": {}}, "holds no drift statistics"),
    ],
)
def test_statistics_that_cpp_would_refuse_are_refused(tmp_path: Path, edit: dict, message: str) -> None:
    file = tmp_path / "drift.json"
    file.write_text(json.dumps({**STATISTICS.to_json(), **edit}))
    with pytest.raises(FcnEdgeError, match=message):
        read_statistics(file)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda light: light.update(unit=0.5), "has light unit 0.5"),
        (lambda light: light.update(running=light["running"][:1]), "the histograms of 1 frames"),
        (lambda light: light.update(running=light["running"][:9]), "has colour histograms of shape"),
        (lambda light: light["running"][3].__setitem__(0, -1), "has light counts outside"),
        (
            lambda light: light["running"][3].__setitem__(0, 1.5),
            "has light histograms that are not whole numbers",
        ),
        (lambda light: light["running"][3].pop(), "holds no drift statistics"),
    ],
)
def test_groups_that_cpp_would_refuse_are_refused(tmp_path: Path, edit, message: str) -> None:
    value = json.loads(json.dumps(STATISTICS.to_json()))
    edit(value["groups"]["light"])
    (tmp_path / "drift.json").write_text(json.dumps(value))
    with pytest.raises(FcnEdgeError, match=message):
        read_statistics(tmp_path / "drift.json")
