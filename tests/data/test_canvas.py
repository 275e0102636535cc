"""Picture and mask are drawn together: where one is painted the other is labelled."""

from __future__ import annotations

import numpy as np
import pytest

from fcn_edge.data.streets.canvas import Canvas
from fcn_edge.data.streets.sketch import ELLIPSE, Sketch

SIZE = (40, 50)
GREEN = (0.0, 200.0, 0.0)


@pytest.mark.parametrize("seed", range(6))
def test_a_polygon_labels_exactly_what_it_paints(seed: int) -> None:
    rng = np.random.default_rng(seed)
    canvas = Canvas(SIZE, 0)
    canvas.polygon(ELLIPSE * rng.uniform(3, 30, 2) + rng.uniform(0, 50, 2), GREEN, 7)
    assert np.array_equal(canvas.mask == 7, canvas.image[..., 1] == 200)


@pytest.mark.parametrize("seed", range(6))
def test_a_texture_labels_exactly_what_it_paints(seed: int) -> None:
    rng = np.random.default_rng(seed)
    canvas = Canvas(SIZE, 0)
    corners = np.array([(5, 5), (40, 8), (42, 30), (3, 33)]) + rng.uniform(-5, 25, 2)
    canvas.texture(corners, rng.integers(1, 256, (9, 11, 3), dtype=np.uint8), 7)
    assert np.array_equal(canvas.mask == 7, canvas.image.any(axis=2))


def covered(low: float, high: float, n: int) -> np.ndarray:
    """Return how much of each of n pixels [i - 1/2, i + 1/2] the stretch [low, high] covers."""
    left = np.arange(n) - 0.5
    return np.clip(np.minimum(left + 1, high) - np.maximum(left, low), 0, 1)


@pytest.mark.parametrize("seed", range(10))
def test_a_sketch_blends_by_coverage_and_labels_what_is_more_than_half_covered(seed: int) -> None:
    rng = np.random.default_rng(seed)
    (top, left), (tall, wide) = rng.uniform(-5, 25, 2), rng.uniform(3, 15, 2)
    box = np.array([(left, top), (left + wide, top), (left + wide, top + tall), (left, top + tall)])
    canvas = Canvas(SIZE, 0)
    sketch = Sketch(canvas, box)
    sketch.polygon(box, GREEN)
    sketch.paste(7)
    share = covered(top, top + tall, SIZE[0])[:, None] * covered(left, left + wide, SIZE[1])
    step = 0.6  # the sheet is four times finer than the picture, and OpenCV fills edge pixels whole
    assert np.abs(canvas.image[..., 1] / 200 - share).max() < step
    assert (canvas.mask[share > 0.95] == 7).all()
    assert (canvas.mask[share < 0.05] == 0).all()
    assert np.array_equal(canvas.mask == 7, canvas.image[..., 1] >= 100)


def test_later_drawing_covers_earlier() -> None:
    canvas = Canvas(SIZE, 0)
    for class_id, radius in ((3, 15), (5, 8)):
        canvas.polygon(ELLIPSE * radius + np.array([25, 20]), GREEN, class_id)
    assert canvas.mask[20, 25] == 5
    assert canvas.mask[20, 14] == 3


def test_what_lies_outside_the_picture_is_not_drawn() -> None:
    canvas = Canvas(SIZE, 0)
    far_out = np.array([(100.0, 100.0), (120.0, 100.0), (120.0, 120.0)])
    assert not Sketch(canvas, far_out).visible
    canvas.polygon(far_out, GREEN, 7)
    canvas.texture(np.vstack([far_out, far_out[:1]]), np.full((4, 4, 3), 9, np.uint8), 7)
    assert not canvas.mask.any()
    assert not canvas.image.any()
