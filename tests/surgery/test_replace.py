"""Replacement in the module tree: names, state dicts, BatchNorm folding, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.models import build_model
from fcn_edge.surgery.candidates import KINDS, replace
from fcn_edge.surgery.fidelity import scores_of
from fcn_edge.surgery.find import list_upsamplers
from surgery.nets import TinyNet, frames, tiny_fcn


def test_every_transposed_convolution_of_an_fcn_is_listed_by_name() -> None:
    found = {layer.name: (layer.kernel, layer.stride) for layer in list_upsamplers(tiny_fcn())}
    assert found == {"up.16": ((4, 4), (2, 2)), "up.8": ((4, 4), (2, 2)), "final": ((16, 16), (8, 8))}


@pytest.mark.parametrize("kind", KINDS)
def test_replaced_network_is_rebuilt_from_its_spec_and_state_dict(kind: str) -> None:
    model = tiny_fcn()
    made = replace(model, {layer.name: kind for layer in list_upsamplers(model)})
    again = build_model(made.spec)
    again.load_state_dict(made.state_dict())
    picture = frames(1, (37, 53))
    assert np.array_equal(scores_of(again.eval(), picture)[0], scores_of(made, picture)[0])


@pytest.mark.parametrize("size", [(32, 32), (37, 53), (65, 31)])
def test_subpixel_forms_change_no_score_of_a_whole_fcn_at_any_size(size: tuple[int, int]) -> None:
    model = tiny_fcn()
    made = replace(model, {layer.name: "subpixel" for layer in list_upsamplers(model)})
    before, after = (scores_of(net, frames(1, size))[0] for net in (model, made))
    assert np.abs(before - after).max() < 1e-5 * np.abs(before).max()


def test_replacing_leaves_the_original_and_every_other_name_as_they_were() -> None:
    model = tiny_fcn()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    made = replace(model, {"up.8": "resize-conv"})
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    changed = set(made.state_dict()) ^ set(before)
    assert changed == {"up.8.weight", "up.8.conv.weight"}
    assert made.spec.upsamplers == {"up.8": "resize-conv"}
    assert model.spec.upsamplers == {}


def test_batchnorm_behind_a_replaced_layer_is_folded_and_changes_nothing() -> None:
    model = TinyNet()
    made = replace(model, {"up": "subpixel"})
    assert isinstance(made.norm, nn.Identity)
    assert isinstance(model.norm, nn.BatchNorm2d)
    x = torch.randn(1, 3, 33, 47)
    with torch.no_grad():
        assert torch.allclose(made(x), model(x), atol=1e-5)


def test_batchnorm_behind_a_grouped_layer_without_bias_is_folded_too() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4).eval()
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    model = nn.Sequential(nn.ConvTranspose2d(6, 4, 4, 2, 1, groups=2, bias=False), norm).eval()
    made = replace(model, {"0": "subpixel"})
    x = torch.randn(1, 6, 5, 7)
    with torch.no_grad():
        assert torch.allclose(made(x), model(x), atol=1e-5)


def test_batchnorm_that_others_also_read_past_is_left_alone() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.norm = nn.ConvTranspose2d(2, 2, 2, 2), nn.BatchNorm2d(2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.up(x)
            return self.norm(y) + y

    model = Branching().eval()
    made = replace(model, {"up": "subpixel"})
    assert isinstance(made.norm, nn.BatchNorm2d)
    x = torch.randn(1, 2, 5, 5)
    with torch.no_grad():
        assert torch.allclose(made(x), model(x), atol=1e-5)


def test_layer_with_a_weight_that_is_not_finite_is_refused_by_name() -> None:
    model = TinyNet()
    model.last.weight.data[0, 0, 0, 0] = float("nan")
    with pytest.raises(
        FcnEdgeError, match=r"layer 'last': 1 of 384 values of its weight are NaN or infinite"
    ):
        list_upsamplers(model)


def test_unknown_layer_and_unknown_kind_list_the_valid_ones() -> None:
    with pytest.raises(MisuseError, match=r"unknown upsampling layer 'up9'.*valid: up, last"):
        replace(TinyNet(), {"up9": "subpixel"})
    with pytest.raises(MisuseError, match="valid: keep, subpixel, bilinear, resize-conv"):
        replace(TinyNet(), {"up": "cubic"})
