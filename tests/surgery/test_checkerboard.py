"""docs/surgery.md, statement 6: the checkerboard index from weights and from score maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fcn_edge.models.upsample import bilinear_kernel
from fcn_edge.surgery.candidates import make_candidate
from fcn_edge.surgery.checkerboard import (
    analytic_index,
    checkerboard_index,
    phase_gains,
    power_spectrum,
    score_checkerboard,
)
from surgery.layers import random_case


def test_phase_gains_are_the_sums_of_the_kernel_taps_of_each_phase() -> None:
    for seed in range(40):
        case = random_case(seed)
        layer = case.layer
        if layer.groups != 1:
            continue
        sy, sx = layer.stride
        gains = phase_gains(layer, layer.in_channels, (sy, sx))
        # the order of the phases depends on the padding: compare as sets
        expected = torch.stack(
            [layer.weight[:, :, y::sy, x::sx].sum(dim=(2, 3)) for y in range(sy) for x in range(sx)], dim=-1
        )
        got = gains.flatten(2).sort(dim=-1).values
        assert torch.allclose(got, expected.sort(dim=-1).values, atol=1e-10), str(case)


def test_index_is_the_energy_at_multiples_of_one_over_the_stride_relative_to_frequency_zero() -> None:
    """Parseval over the phases."""
    for seed in range(40):
        case = random_case(seed)
        layer = case.layer
        sy, sx = layer.stride
        if layer.groups != 1:
            continue
        energy = torch.zeros(sy, sx, dtype=torch.float64)
        y = torch.arange(layer.kernel_size[0], dtype=torch.float64)
        x = torch.arange(layer.kernel_size[1], dtype=torch.float64)
        for a in range(sy):
            for b in range(sx):
                wave = torch.exp(-2j * torch.pi * (a / sy * y[:, None] + b / sx * x[None, :]))
                energy[a, b] = (layer.weight * wave).sum(dim=(2, 3)).abs().square().sum()
        ripple = float((energy.sum() - energy[0, 0]) / energy[0, 0]) ** 0.5
        index = checkerboard_index(phase_gains(layer, layer.in_channels, (sy, sx)))
        assert index == pytest.approx(ripple, rel=1e-6), str(case)


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_bilinear_layer_has_no_checkerboard_and_a_kernel_of_three_at_stride_two_has_a_strong_one(
    stride: int,
) -> None:
    smooth = nn.ConvTranspose2d(2, 2, 2 * stride, stride, stride // 2, bias=False)
    smooth.weight.data = bilinear_kernel(stride, 2)
    index = analytic_index(smooth)
    assert index.ripple < 1e-6
    assert index.residual is not None
    assert index.residual < 1e-6
    uneven = nn.ConvTranspose2d(1, 1, 3, 2, 1)
    nn.init.ones_(uneven.weight)  # 1, 2, 2 and 4 taps at the four phases (Odena et al. 2016)
    # mean 2.25, variance (1.5625 + 2 * 0.0625 + 3.0625) / 4
    assert analytic_index(uneven).ripple == pytest.approx((4.75 / 4) ** 0.5 / 2.25, rel=1e-6)


def test_score_index_finds_a_checkerboard_in_noise_and_none_without_it() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((4, 60, 80))
    smooth = noise + np.roll(noise, 1, axis=2)
    for period in (2, 4):
        y, x = np.mgrid[:60, :80]
        pattern = np.where((y % period == 0) & (x % period == 0), 1.0, 0.0)
        assert score_checkerboard(noise, period) < 2
        assert score_checkerboard(smooth + 2 * pattern, period) > 10
        index = [score_checkerboard(noise + strength * pattern, period) for strength in (0, 0.5, 1, 2)]
        assert index == sorted(index)


def test_score_index_does_not_depend_on_the_scale_or_the_mean_of_the_scores() -> None:
    scores = np.random.default_rng(1).standard_normal((3, 40, 40))
    assert score_checkerboard(scores, 2) == pytest.approx(score_checkerboard(7 * scores + 100, 2))


def test_map_smaller_than_four_periods_has_index_one() -> None:
    assert score_checkerboard(np.ones((2, 20, 20)), 8) == 1
    assert power_spectrum(np.ones((2, 20, 20)), 8) is None


def test_projection_takes_the_checkerboard_off_the_output_of_a_random_layer() -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(3, 2, 4, 2, 1).requires_grad_(False)
    x = 1 + nn.functional.avg_pool2d(
        torch.randn(1, 3, 44, 44), 5, stride=1
    )  # smooth, with a mean, like features
    before = score_checkerboard(layer(x)[0].numpy(), 2)
    after = score_checkerboard(make_candidate(layer, "resize-conv").module(x)[0].detach().numpy(), 2)
    assert before > 30 * after
    assert after < 5
