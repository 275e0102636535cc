"""Frame statistics against their formulas, and against what they are meant to notice."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fcn_edge.data.statistics import (
    ALIKE,
    colourfulness,
    frame_statistics,
    hash_distance,
    near_duplicates,
    perceptual_hash,
    summary,
)
from fcn_edge.data.streets import StreetsDataset, drive

SIZE = (96, 128)


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    return [sample.frame for sample in StreetsDataset("val", SIZE, count=10)]


@pytest.mark.parametrize("seed", range(4))
def test_statistics_equal_their_formulas(seed: int) -> None:
    frame = np.random.default_rng(seed).integers(0, 256, (31, 45, 3), dtype=np.uint8)
    blue, green, red = np.moveaxis(frame.astype(float), 2, 0)
    luma = np.rint(0.299 * red + 0.587 * green + 0.114 * blue)
    padded = np.pad(luma, 1, mode="reflect")
    laplacian = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * luma
    found = frame_statistics(frame)
    assert found.brightness == pytest.approx(luma.mean(), abs=0.6)
    assert found.contrast == pytest.approx(luma.std(), abs=0.6)
    assert found.sharpness == pytest.approx(laplacian.var(), rel=0.02)


def test_colourfulness_of_two_colours_by_hand() -> None:
    """Half red, half blue: R-G is 255 or 0, (R+G)/2-B is 127.5 or -255; so sigma 229.8 and mu 142.5."""
    frame = np.zeros((4, 8, 3), np.uint8)
    frame[:, :4, 2] = 255
    frame[:, 4:, 0] = 255
    assert colourfulness(frame) == pytest.approx(
        np.hypot(127.5, 191.25) + 0.3 * np.hypot(127.5, -63.75), rel=1e-5
    )


def test_grey_has_no_colour() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (9, 9, 1), dtype=np.uint8).repeat(3, axis=2)
    assert colourfulness(grey) == 0


def test_blur_lowers_sharpness_dimming_brightness_and_greying_colour(frames: list[np.ndarray]) -> None:
    for frame in frames:
        usual = frame_statistics(frame)
        assert frame_statistics(cv2.GaussianBlur(frame, (0, 0), 2.5)).sharpness < 0.5 * usual.sharpness
        assert frame_statistics(frame // 2).brightness == pytest.approx(usual.brightness / 2, abs=1)
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)[..., None].repeat(3, axis=2)
        assert frame_statistics(grey).colourfulness < usual.colourfulness


def test_sharpness_hardly_depends_on_the_size_a_frame_is_stored_at(frames: list[np.ndarray]) -> None:
    small = cv2.resize(frames[0], (480, 360), interpolation=cv2.INTER_CUBIC)
    large = cv2.resize(small, (1440, 1080), interpolation=cv2.INTER_CUBIC)
    assert frame_statistics(large).sharpness == pytest.approx(frame_statistics(small).sharpness, rel=0.2)


def test_the_summary_gives_percentiles() -> None:
    measured = [frame_statistics(np.full((4, 4, 3), level, np.uint8)) for level in range(101)]
    assert summary(measured)["brightness"] == pytest.approx({"p5": 5, "p50": 50, "p95": 95})
    assert summary([]) == {}


def test_a_hash_survives_scaling_compression_and_light(frames: list[np.ndarray]) -> None:
    for frame in frames:
        usual = perceptual_hash(frame)
        jpeg = cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
        brighter = cv2.convertScaleAbs(frame, alpha=1.05, beta=4)
        larger = cv2.resize(frame, None, fx=1.7, fy=1.7)
        for other in (jpeg, brighter, larger):
            assert hash_distance(usual, perceptual_hash(other)) <= ALIKE


def test_hashes_of_different_streets_are_far_apart(frames: list[np.ndarray]) -> None:
    hashes = [perceptual_hash(frame) for frame in frames]
    distances = [hash_distance(a, b) for i, a in enumerate(hashes) for b in hashes[i + 1 :]]
    assert min(distances) > ALIKE
    assert near_duplicates(hashes) == []


def test_a_camera_that_hardly_moves_gives_near_duplicates() -> None:
    slow = [perceptual_hash(sample.frame) for sample in drive(0.1, size=SIZE, fps=40)]
    assert near_duplicates([*slow, 0x0F0F0F0F0F0F0F0F]) == [list(range(len(slow)))]


@pytest.mark.parametrize("seed", range(5))
def test_groups_of_duplicates_are_the_connected_parts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hashes = [int(value) for value in rng.integers(0, 1 << 8, 24)]
    near = np.array([[hash_distance(a, b) <= 1 for b in hashes] for a in hashes])
    reach = np.linalg.matrix_power(near.astype(np.int64), 1)
    for _ in range(len(hashes)):
        reach = np.minimum(reach @ near, 1)
    expected = {tuple(np.flatnonzero(row).tolist()) for row in reach}
    assert sorted(map(tuple, near_duplicates(hashes, alike=1))) == sorted(g for g in expected if len(g) > 1)
