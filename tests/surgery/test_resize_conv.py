"""docs/surgery.md, statements 2 and 3: what a nearest resize and a convolution can draw."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.surgery.candidates import make_candidate, unavailable
from fcn_edge.surgery.checkerboard import checkerboard_index, phase_gains
from surgery.layers import Case, full_convolution, largest_difference, random_case, with_kernel


def cases_with_a_resize_conv(count: int) -> list[Case]:
    cases = (random_case(seed) for seed in range(10 * count))
    return [case for case in cases if not unavailable(case.layer, "resize-conv")][:count]


def test_nearest_resize_and_convolution_equal_the_deconvolution_with_kernel_box_times_k() -> None:
    for case in cases_with_a_resize_conv(100):
        layer = case.layer
        m = [k - s + 1 for k, s in zip(layer.kernel_size, layer.stride, strict=True)]
        K = torch.randn(*layer.weight.shape[:2], *m, dtype=torch.float64)
        box = torch.ones(layer.stride, dtype=torch.float64)
        drawn = with_kernel(layer, full_convolution(K, box))
        made = make_candidate(drawn, "resize-conv")
        assert made.residual < 1e-12, str(case)
        assert largest_difference(made.module(case.x), drawn(case.x)) < 1e-10, str(case)


def test_projection_is_the_least_squares_one_and_its_residual_the_distance() -> None:
    """The normal equations: what is left over is orthogonal to every kernel the form can draw."""
    for case in cases_with_a_resize_conv(40):
        D = case.layer.weight.detach()
        made = make_candidate(case.layer, "resize-conv")
        rest = D - drawn_kernel(case.layer, made.module).detach()
        assert abs(float(rest.norm() / D.norm()) - made.residual) < 1e-10, str(case)
        box = torch.ones(case.layer.stride, dtype=torch.float64)
        correlation = nn.functional.conv2d(rest.flatten(0, 1)[:, None], box[None, None])
        assert float(correlation.abs().max()) < 1e-9, str(case)


def test_projected_kernel_answers_nothing_at_multiples_of_one_over_the_stride() -> None:
    for case in cases_with_a_resize_conv(40):
        made = make_candidate(case.layer, "resize-conv")
        D = drawn_kernel(case.layer, made.module)
        for axis, stride in zip((2, 3), case.layer.stride, strict=True):
            taps = torch.arange(D.shape[axis], dtype=torch.float64)
            for multiple in range(1, stride):
                wave = torch.exp(-2j * torch.pi * multiple / stride * taps)
                answer = torch.tensordot(D.to(wave.dtype), wave, dims=([axis], [0]))
                assert float(answer.abs().max()) < 1e-10, (
                    f"{case}, axis {axis}, frequency {multiple}/{stride}"
                )


def test_phases_of_the_projected_layer_have_equal_gain() -> None:
    for case in cases_with_a_resize_conv(40):
        made = make_candidate(case.layer, "resize-conv")
        gains = phase_gains(made.module, case.layer.in_channels, case.layer.stride)
        assert checkerboard_index(gains) < 1e-10, str(case)


def test_kernel_smaller_than_its_stride_has_no_resize_conv_and_says_so() -> None:
    layer = nn.ConvTranspose2d(2, 2, 2, 3)
    with pytest.raises(FcnEdgeError, match=r"kernel \(2, 2\) is smaller than its stride \(3, 3\)"):
        make_candidate(layer, "resize-conv")


def test_dilated_layer_is_named_and_only_kept() -> None:
    layer = nn.ConvTranspose2d(2, 2, 4, 2, 1, dilation=2)
    assert make_candidate(layer, "keep").module is layer
    for kind in ("subpixel", "bilinear", "resize-conv"):
        with pytest.raises(FcnEdgeError, match=r"dilation \(2, 2\) is not supported"):
            make_candidate(layer, kind)


def drawn_kernel(layer: nn.ConvTranspose2d, module: nn.Module) -> torch.Tensor:
    """Return the kernel (C, C/g, k, k) that a stand-in draws, from its answer to one sample."""
    stride, kernel = layer.stride, layer.kernel_size
    reach = 2 + max(kernel)
    impulse = torch.zeros(
        layer.in_channels, layer.in_channels, 2 * reach + 1, 2 * reach + 1, dtype=torch.float64
    )
    impulse[range(layer.in_channels), range(layer.in_channels), reach, reach] = 1
    answer = module(impulse) - module(torch.zeros_like(impulse[:1]))
    first = [reach * s - p for s, p in zip(stride, layer.padding, strict=True)]
    window = answer[..., first[0] : first[0] + kernel[0], first[1] : first[1] + kernel[1]]
    per_group = layer.out_channels // layer.groups
    rows = []
    for channel in range(layer.in_channels):
        group = channel // (layer.in_channels // layer.groups)
        rows.append(window[channel, group * per_group : (group + 1) * per_group])
    return torch.stack(rows)
