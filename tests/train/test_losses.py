import math

import numpy as np
import pytest
import torch

from fcn_edge.train.losses import class_weights, segmentation_loss


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


def test_a_batch_of_void_alone_has_loss_zero_and_zero_gradients():
    scores = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = segmentation_loss(scores, torch.full((1, 4, 4), 255, dtype=torch.uint8), torch.ones(3))
    loss.backward()
    assert loss.item() == 0
    assert scores.grad.abs().max() == 0


def test_rare_classes_weigh_more_but_no_more_than_the_cap():
    weights = class_weights(np.array([900, 90, 10, 0]))
    assert weights[0] < weights[1] < weights[2] < weights[3]
    assert float(weights[3] / weights[0]) <= math.log(2.1) / math.log(1.1) + 1e-5
    assert float(weights.mean()) == pytest.approx(1)
