"""The fused tail against torch's interpolate + argmax, and against the committed masks that C++ reads too."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.ground.errors import FcnEdgeError

GOLDEN = Path(__file__).parents[1] / "golden" / "tail"


@pytest.mark.parametrize("seed", range(60))
def test_fused_tail_equals_interpolate_and_argmax_in_double_precision(seed: int) -> None:
    generator = np.random.default_rng(seed)
    stride = int(generator.choice([1, 4, 8, 16, 32]))
    classes, height, width = generator.integers(1, 24), *generator.integers(1, 12, 2)
    size = tuple(
        int(generator.integers(max(1, stride * (n - 1) + 1), stride * n + 1)) for n in (height, width)
    )
    scores = generator.standard_normal((classes, height, width)).astype(np.float32)
    full = torch.nn.functional.interpolate(
        torch.from_numpy(scores).double()[None], scale_factor=stride, mode="bilinear", align_corners=False
    )[0, :, : size[0], : size[1]]
    found = mask_from_scores(scores, stride, size)
    # a pixel may differ only where the two best classes are equal to float32 accuracy
    best = full.max(0).values.numpy()
    chosen = np.take_along_axis(full.numpy(), found[None].astype(np.int64), 0)[0]
    assert found.shape == size
    assert np.all(best - chosen < 1e-5), (seed, stride, classes, height, width, size)


def test_first_class_wins_a_tie() -> None:
    scores = np.zeros((4, 3, 3), np.float32)
    scores[2:] = 1.0
    assert np.all(mask_from_scores(scores, 8, (24, 24)) == 2)


@pytest.mark.parametrize("case", json.loads((GOLDEN / "index.json").read_text()), ids=lambda c: c["scores"])
def test_committed_masks_are_reproduced_bit_for_bit(case: dict) -> None:
    shape = case["channels"], case["score_height"], case["score_width"]
    scores = np.fromfile(GOLDEN / case["scores"], "<f4").reshape(shape)
    mask = cv2.imread(str(GOLDEN / case["mask"]), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(mask_from_scores(scores, case["stride"], (case["height"], case["width"])), mask)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("stride", [1, 8])
def test_scores_that_are_not_finite_are_refused_and_the_class_named(bad: float, stride: int) -> None:
    scores = np.random.default_rng(0).standard_normal((5, 4, 6)).astype(np.float32)
    size = (4 * stride, 6 * stride)
    mask_from_scores(scores, stride, size)
    scores[3, 2, 5] = bad
    with pytest.raises(FcnEdgeError, match=r"not finite .*first in class 3"):
        mask_from_scores(scores, stride, size)
