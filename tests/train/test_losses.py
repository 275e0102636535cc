import math

import numpy as np
import pytest
import torch

from fcn_edge.ground.config import LOSSES
from fcn_edge.train.losses import (
    boundary_loss,
    class_weights,
    find_loss,
    near_boundary,
    ohem_loss,
    segmentation_loss,
)


def test_the_loss_equals_a_weighted_mean_written_out():
    torch.manual_seed(1)
    scores, weights = torch.randn(2, 3, 4, 5), torch.tensor([0.5, 1.0, 2.0])
    target = torch.randint(0, 3, (2, 4, 5)).to(torch.uint8)
    target[0, 0] = 255
    total = weight = 0.0
    for n in range(2):
        for y in range(4):
            for x in range(5):
                t = int(target[n, y, x])
                if t == 255:
                    continue
                z = [float(v) for v in scores[n, :, y, x]]
                total += float(weights[t]) * (math.log(sum(math.exp(v) for v in z)) - z[t])
                weight += float(weights[t])
    assert segmentation_loss(scores, target, weights).item() == pytest.approx(total / weight, rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_of_void_alone_has_loss_zero_and_zero_gradients(name):
    scores = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = find_loss(name)(scores, torch.full((1, 4, 4), 255, dtype=torch.uint8), torch.ones(3))
    loss.backward()
    assert loss.item() == 0
    assert scores.grad.abs().max() == 0


def test_rare_classes_weigh_more_but_no_more_than_the_cap():
    weights = class_weights(np.array([900, 90, 10, 0]))
    assert weights[0] < weights[1] < weights[2] < weights[3]
    assert float(weights[3] / weights[0]) <= math.log(2.1) / math.log(1.1) + 1e-5
    assert float(weights.mean()) == pytest.approx(1)


def plain_losses(scores, target, weights):
    """Return [(cross-entropy, class weight, place)] of the labelled pixels, one at a time in float64."""
    found = []
    for n, y, x in np.ndindex(*target.shape):
        t = int(target[n, y, x])
        if t != 255:
            z = scores[n, :, y, x].double().numpy()
            found.append((math.log(np.exp(z).sum()) - z[t], float(weights[t]), (n, y, x)))
    return found


def case_with_void(seed=2):
    torch.manual_seed(seed)
    target = torch.randint(0, 3, (2, 3, 2)).to(torch.uint8).repeat_interleave(4, 1).repeat_interleave(4, 2)
    target[0, 2:5] = 255
    target[1, 7, 3] = 255
    return torch.randn(2, 3, 12, 8), target, torch.tensor([0.5, 1.0, 2.0])


@pytest.mark.parametrize("share", [0.1, 0.25, 0.6])
def test_ohem_equals_the_weighted_mean_over_the_hardest_pixels_written_out(share):
    scores, target, weights = case_with_void()
    pixels = sorted(plain_losses(scores, target, weights), reverse=True)
    hardest = pixels[: int(share * len(pixels))]
    expected = sum(loss * w for loss, w, _ in hardest) / sum(w for _, w, _ in hardest)
    assert ohem_loss(scores, target, weights, share).item() == pytest.approx(expected, rel=1e-5)


def test_ohem_of_all_pixels_is_the_cross_entropy():
    scores, target, weights = case_with_void()
    expected = segmentation_loss(scores, target, weights).item()
    assert ohem_loss(scores, target, weights, share=1.0).item() == pytest.approx(expected, rel=1e-6)


def test_ohem_moves_the_hardest_pixels_and_no_other():
    scores, target, weights = case_with_void()
    ohem_loss(scores.requires_grad_(), target, weights, share=0.25).backward()
    pixels = sorted(plain_losses(scores.detach(), target, weights), reverse=True)
    moved = {tuple(place) for place in scores.grad.abs().sum(1).nonzero().tolist()}
    assert moved == {place for _, _, place in pixels[: len(pixels) // 4]}


def test_ohem_of_a_single_labelled_pixel_keeps_it():
    scores, target = torch.randn(1, 3, 4, 4), torch.full((1, 4, 4), 255, dtype=torch.uint8)
    target[0, 1, 2] = 1
    expected = segmentation_loss(scores, target, torch.ones(3))
    assert ohem_loss(scores, target, torch.ones(3)).item() == pytest.approx(expected.item())


@pytest.mark.parametrize(("band", "factor"), [(1, 5.0), (2, 3.0)])
def test_boundary_equals_the_weighted_mean_written_out(band, factor):
    scores, target, weights = case_with_void()
    total = weight = 0.0
    for loss, w, (n, y, x) in plain_losses(scores, target, weights):
        around = target[n, max(0, y - band) : y + band + 1, max(0, x - band) : x + band + 1]
        w *= factor if len(set(around.flatten().tolist()) - {255}) > 1 else 1
        total, weight = total + w * loss, weight + w
    expected = total / weight
    assert boundary_loss(scores, target, weights, band, factor).item() == pytest.approx(expected, rel=1e-5)


def test_a_mask_without_boundaries_has_the_cross_entropy_for_its_boundary_loss():
    scores, target = torch.randn(1, 3, 6, 6), torch.ones(1, 6, 6, dtype=torch.uint8)
    target[0, :, 3:] = 255
    expected = segmentation_loss(scores, target, torch.ones(3)).item()
    assert boundary_loss(scores, target, torch.ones(3)).item() == pytest.approx(expected, rel=1e-6)


def test_a_boundary_is_as_wide_as_said_and_void_has_none():
    target = torch.tensor([[[0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 255, 255, 1]]])
    near = near_boundary(target, band=2)[0, 0].int().tolist()
    assert near == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]


def test_a_boundary_is_that_of_the_gate_where_nothing_is_void():
    from fcn_edge.quantize import gate_statistics

    mask = np.kron(np.random.default_rng(3).integers(0, 255, (4, 5)), np.ones((9, 9))).astype(np.uint8)
    ours = near_boundary(torch.from_numpy(mask)[None], gate_statistics.BAND)[0].numpy()
    assert np.array_equal(ours, gate_statistics.near_boundary(mask))
