"""Augmentation moves frame and mask together, repeats under a seed, and leaves ids alone."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fcn_edge.data import IGNORE
from fcn_edge.data.transforms import MEAN_BGR, Augmentation


def coded(rng: np.random.Generator, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame whose red channel is 20 times its mask's id, in large blobs."""
    blobs = cv2.resize(
        rng.integers(0, 12, (4, 5), dtype=np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST
    )
    frame = np.stack([np.full(size, 7, np.uint8), np.full(size, 9, np.uint8), 20 * blobs], axis=2)
    return frame, blobs


@pytest.mark.parametrize("seed", range(12))
def test_a_mask_goes_where_its_frame_goes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, crop = (tuple(int(n) for n in rng.integers(30, 150, 2)) for _ in range(2))
    print("seed", seed, "frame", size, "crop", crop)
    frame, mask = coded(rng, size)
    moved, ids = Augmentation(crop=crop, scale=(0.5, 2.0)).geometry(frame, mask, rng)
    assert moved.shape == (*crop, 3)
    assert ids.shape == crop
    inside = ids != IGNORE
    decoded = np.rint(moved[..., 2] / 20).astype(int)
    wrong = inside & (decoded != ids)
    edges = cv2.dilate(cv2.morphologyEx(ids, cv2.MORPH_GRADIENT, np.ones((3, 3))), np.ones((3, 3))) > 0
    assert not (wrong & ~edges).any(), "off an edge, colour and id disagree"
    assert wrong.sum() <= edges.sum() / 2


@pytest.mark.parametrize("seed", range(6))
def test_outside_the_frame_is_void_and_the_mean_colour(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame, mask = coded(rng, (20, 30))
    moved, ids = Augmentation.none(crop=(50, 60))(frame, mask, rng)
    void = ids == IGNORE
    assert void.sum() == 50 * 60 - 20 * 30
    assert (moved[void] == MEAN_BGR).all()


def test_without_strength_nothing_changes() -> None:
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (33, 47, 3), dtype=np.uint8)
    mask = rng.integers(0, 11, (33, 47), dtype=np.uint8)
    same, ids = Augmentation.none()(frame, mask, rng)
    assert np.array_equal(same, frame)
    assert np.array_equal(ids, mask)


def test_a_flip_mirrors_both() -> None:
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (8, 11, 3), dtype=np.uint8)
    mask = rng.integers(0, 11, (8, 11), dtype=np.uint8)
    flipped, ids = Augmentation(scale=(1.0, 1.0), flip=1.0).geometry(frame, mask, rng)
    assert np.array_equal(flipped, frame[:, ::-1])
    assert np.array_equal(ids, mask[:, ::-1])


@pytest.mark.parametrize("strength", ["standard", "strong"])
def test_light_leaves_the_mask_alone_and_never_invents_ids(strength: str) -> None:
    rng = np.random.default_rng(3)
    augment = Augmentation.strong((40, 52)) if strength == "strong" else Augmentation(crop=(40, 52))
    frame = rng.integers(0, 256, (64, 80, 3), dtype=np.uint8)
    mask = rng.choice(np.array([0, 3, 9, IGNORE], np.uint8), (64, 80))
    for _ in range(30):
        lit, ids = augment(frame, mask, rng)
        assert lit.dtype == ids.dtype == np.uint8
        assert set(np.unique(ids).tolist()) <= {0, 3, 9, IGNORE}


@pytest.mark.parametrize("seed", range(3))
def test_one_seed_gives_one_result_and_another_seed_another(seed: int) -> None:
    frame, mask = coded(np.random.default_rng(seed), (60, 80))
    augment = Augmentation.strong((48, 64))
    first, again, other = (augment(frame, mask, np.random.default_rng(s)) for s in (seed, seed, seed + 100))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_the_input_is_not_written_to() -> None:
    rng = np.random.default_rng(1)
    frame, mask = coded(rng, (60, 80))
    kept = frame.copy(), mask.copy()
    augment = Augmentation(
        crop=(60, 80), scale=(1.0, 1.0), shadow=1.0, blur=1.0, noise=1.0, jpeg=1.0, cutout=1.0
    )
    for _ in range(5):
        augment(frame, mask, rng)
    assert np.array_equal(frame, kept[0])
    assert np.array_equal(mask, kept[1])


def test_brightness_and_contrast_follow_their_formula() -> None:
    """With gain, gamma and colour off, value' = (value - 1/2) c + 1/2 + b: two numbers explain the frame."""
    frame = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    only = replace(Augmentation.none(), brightness=0.2, contrast=0.25)
    for seed in range(8):
        lit = only.light(frame, np.random.default_rng(seed))[..., 0].ravel().astype(float)
        free = (lit > 0) & (lit < 255)
        slope, offset = np.polyfit(np.arange(256)[free], lit[free], 1)
        assert abs(slope - 1) <= only.contrast + 0.01, seed
        assert np.abs(slope * np.arange(256)[free] + offset - lit[free]).max() < 1.01, seed


def test_a_turn_of_hue_keeps_grey_grey() -> None:
    grey = np.full((5, 6, 3), 130, np.uint8)
    only = replace(Augmentation.none(), saturation=0.9, hue=0.4)
    for seed in range(10):
        assert np.abs(only.light(grey, np.random.default_rng(seed)).astype(int) - 130).max() <= 1


def test_a_cutout_is_blank_and_void() -> None:
    rng = np.random.default_rng(0)
    frame, mask = coded(rng, (40, 60))
    cut, ids = replace(Augmentation.none(), cutout=1.0)(frame, mask, rng)
    void = ids == IGNORE
    assert 0 < void.sum() <= 10 * 15
    assert (cut[void] == MEAN_BGR).all()
    assert np.array_equal(ids[~void], mask[~void])
