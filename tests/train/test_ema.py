import torch
from torch import nn

from fcn_edge.train.ema import Ema


def test_the_average_follows_its_recurrence():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    ema, expected = Ema(model, 0.9), 0.0
    for n in range(1, 200):
        nn.init.constant_(model.weight, float(n % 7))
        ema.update(model)
        decay = min(0.9, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * (n % 7)
    torch.testing.assert_close(ema.model.weight.item(), expected, rtol=1e-5, atol=1e-5)


def test_batchnorm_statistics_are_averaged_too():
    model = nn.BatchNorm2d(2)
    ema = Ema(model, 0.5)
    model.running_mean += 8
    ema.update(model)
    assert 0 < ema.model.running_mean[0] < 8
