"""docs/surgery.md, statement 1: a transposed convolution is a convolution followed by depth to space."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fcn_edge.models.upsample import SubpixelConv2d, shape_like
from fcn_edge.surgery.candidates import make_candidate
from surgery.layers import largest_difference, random_case


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_subpixel_form_equals_the_transposed_convolution_for_every_legal_parameter_set(first: int) -> None:
    for seed in range(first, first + 50):
        case = random_case(seed)
        made = make_candidate(case.layer, "subpixel")
        assert made.residual == 0
        assert largest_difference(made.module(case.x), case.layer(case.x)) < 1e-10, str(case)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(4, 2, 1), (16, 8, 4), (3, 2, 1), (2, 2, 0), (5, 3, 1), (64, 32, 16)]
)
def test_subpixel_form_of_the_layers_people_use_has_no_more_weights_than_taps(
    kernel: int, stride: int, padding: int
) -> None:
    layer = nn.ConvTranspose2d(3, 2, kernel, stride, padding).double()
    module = make_candidate(layer, "subpixel").module
    assert isinstance(module, SubpixelConv2d)
    taps = -(-kernel // stride) * stride  # the kernel filled up to a multiple of the stride
    assert module.conv.weight.numel() == 3 * 2 * taps**2
    x = torch.randn(1, 3, 5, 6, dtype=torch.float64)
    assert largest_difference(module(x), layer(x)) < 1e-10


def test_subpixel_form_loads_its_state_dict_into_the_shape_made_from_the_bare_layer() -> None:
    for seed in range(20):
        case = random_case(seed)
        filled = make_candidate(case.layer, "subpixel").module
        empty = shape_like(case.layer, "subpixel")
        empty.load_state_dict(filled.state_dict())
        assert torch.equal(empty(case.x), filled(case.x)), str(case)
