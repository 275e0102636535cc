"""The choice of frames covers every class and the whole set, and beats chance."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from fcn_edge.data.select import (
    ENOUGH_PIXELS,
    choose_diverse,
    class_shares,
    colour_layout,
    cover_classes,
    farthest_points,
)
from fcn_edge.data.streets import StreetsDataset


def covering_radius(points: np.ndarray, chosen: list[int]) -> float:
    """Return the largest distance from any point to the nearest chosen one."""
    distance = np.linalg.norm(points[:, None] - points[chosen][None], axis=2)
    return float(distance.min(axis=1).max())


@pytest.mark.parametrize("seed", range(8))
def test_no_point_is_farther_than_twice_the_best_possible(seed: int) -> None:
    """Gonzalez' bound, against the optimum by trying every subset."""
    rng = np.random.default_rng(seed)
    n, count = int(rng.integers(6, 11)), int(rng.integers(1, 5))
    points = rng.normal(size=(n, int(rng.integers(1, 4))))
    print("seed", seed, "n", n, "count", count)
    best = min(covering_radius(points, list(subset)) for subset in combinations(range(n), count))
    assert covering_radius(points, choose_diverse(points, count)) <= 2 * best + 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_each_point_is_the_farthest_from_those_before(seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(30, 5))
    order = choose_diverse(points, 10)
    for k in range(1, len(order)):
        gaps = [min(np.linalg.norm(point - points[i]) for i in order[:k]) for point in points]
        assert gaps[order[k]] == pytest.approx(max(gaps))


@pytest.mark.parametrize("seed", range(5))
def test_no_frame_is_chosen_twice_and_copies_come_last(seed: int) -> None:
    rng = np.random.default_rng(seed)
    distinct = rng.normal(size=(6, 4))
    points = distinct[rng.permutation(np.repeat(np.arange(6), 5))]
    order = choose_diverse(points, 30)
    assert sorted(order) == list(range(30))
    assert len(np.unique(points[order[:6]], axis=0)) == 6


@pytest.mark.parametrize("seed", range(8))
def test_every_class_that_any_frame_shows_is_shown_by_the_choice(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares = rng.random((40, 11)) * (rng.random((40, 11)) < rng.uniform(0.02, 0.5, 11))
    chosen = choose_diverse(rng.normal(size=(40, 3)), 12, shares)
    shown = shares >= ENOUGH_PIXELS
    assert len(set(chosen)) == 12
    assert (shown[chosen].any(axis=0) == shown.any(axis=0)).all()


def test_classes_are_covered_rarest_first_when_there_is_no_room_for_all() -> None:
    shares = np.array([[1.0, 0, 0], [0.9, 0.1, 0], [0.8, 0.2, 0], [0.7, 0, 0.3]])
    assert cover_classes(shares, 1) == [3]
    assert cover_classes(shares, 2) == [3, 2]


def test_more_frames_than_there_are_gives_all_of_them() -> None:
    points = np.random.default_rng(0).normal(size=(5, 2))
    assert sorted(choose_diverse(points, 64)) == [0, 1, 2, 3, 4]
    assert choose_diverse(points[:0], 8) == []
    assert farthest_points(points, 0, []) == []


def test_diversity_covers_better_than_chance() -> None:
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(0, 1, (190, 8)), rng.normal(12, 1, (10, 8))])  # few frames at night
    ours = covering_radius(points, choose_diverse(points, 16))
    chance = [covering_radius(points, rng.permutation(200)[:16].tolist()) for _ in range(20)]
    assert ours < np.median(chance)


def test_shares_are_pixel_fractions_and_void_belongs_to_no_class() -> None:
    mask = np.array([[0, 0, 2, 255], [0, 1, 2, 255]], np.uint8)
    assert class_shares(mask, 4).tolist() == [3 / 8, 1 / 8, 2 / 8, 0]


def test_the_layout_says_what_is_where() -> None:
    left = np.zeros((60, 80, 3), np.uint8)
    left[:, :40] = 255
    layout = colour_layout(left)[:144].reshape(6, 8, 3)
    assert np.allclose(layout[:, :4], (100, 0, 0), atol=0.5)
    assert np.allclose(layout[:, 4:], (0, 0, 0), atol=0.5)
    assert colour_layout(left).shape == colour_layout(left[:7, :9]).shape == (192,)


def test_the_layout_tells_frames_of_one_street_from_another() -> None:
    """A frame and its blurred copy are nearer than two streets."""
    data = StreetsDataset("val", (72, 96), count=6)
    layouts = np.array([colour_layout(sample.frame) for sample in data])
    half = np.array([colour_layout(sample.frame[::2, ::2]) for sample in data])
    distance = np.linalg.norm(layouts[:, None] - half[None], axis=2)
    assert (distance.argmin(axis=1) == np.arange(6)).all()
