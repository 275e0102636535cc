"""The fit to activations and the distillation after it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models.upsample import bilinear_kernel
from fcn_edge.network.run import tensor_values
from fcn_edge.surgery.apply import substitute
from fcn_edge.surgery.candidates import make_candidate
from fcn_edge.surgery.describe import output_sqnr_db
from fcn_edge.surgery.fidelity import agreement, sqnr_db
from fcn_edge.surgery.recover import recover
from fcn_edge.surgery.refit import refit
from surgery.nets import deconvs_of, frames, tiny_fcn, tiny_fcn_graph


def smooth_inputs(count: int, channels: int, seed: int) -> list[torch.Tensor]:
    """Return inputs as networks make them: smooth, with a mean."""
    generator = torch.Generator().manual_seed(seed)
    coarse = 3 + torch.randn(count, 1, channels, 5, 6, generator=generator)
    return [nn.functional.interpolate(one, size=(20, 24), mode="bicubic") for one in coarse]


def trained_like(seed: int, bias: bool) -> nn.ConvTranspose2d:
    """Return a layer as training leaves it: smooth kernels that mix the channels, noise, equal phases."""
    torch.manual_seed(seed)
    layer = nn.ConvTranspose2d(6, 5, 4, 2, 1, bias=bias).requires_grad_(False)
    triangle = bilinear_kernel(2, 1)[0, 0]
    noise = 0.2 * torch.randn(6, 5, 4, 4)
    for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        noise[:, :, y::2, x::2] -= noise[:, :, y::2, x::2].mean(dim=(2, 3), keepdim=True)
    layer.weight.data = torch.randn(6, 5, 1, 1) * triangle + noise
    return layer


@pytest.mark.parametrize("kind", ["bilinear", "resize-conv"])
@pytest.mark.parametrize("bias", [False, True])
def test_fit_to_smooth_inputs_beats_the_fit_to_the_kernel_on_inputs_it_has_not_seen(
    kind: str, bias: bool
) -> None:
    gains = []
    for seed in range(5):
        layer = trained_like(seed, bias)
        module = make_candidate(layer, kind).module
        unseen = smooth_inputs(3, 6, seed + 100)
        before = output_sqnr_db(module, layer, unseen)
        assert refit(module, layer, smooth_inputs(8, 6, seed))
        gains.append(output_sqnr_db(module, layer, unseen) - before)
    assert np.mean(gains) > 0, f"dB by seed: {gains}"
    assert min(gains) > -0.05, f"dB by seed: {gains}"  # where the two are as good, sampling decides


@pytest.mark.parametrize("kind", ["bilinear", "resize-conv"])
def test_fit_finds_the_weights_of_a_layer_that_the_form_can_draw(kind: str) -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(3, 3, 16, 8, 4, bias=False).requires_grad_(False)
    layer.weight.data = bilinear_kernel(8, 3) + bilinear_kernel(8, 3).roll(
        1, dims=0
    )  # mixes channels, stays smooth
    inputs = [torch.randn(1, 3, 12, 12) for _ in range(6)]
    student = make_candidate(layer, kind).module
    nn.init.zeros_(student.conv.weight)
    refit(student, layer, inputs)
    assert output_sqnr_db(student, layer, inputs) > 40


def test_exact_and_grouped_forms_are_left_as_they_are() -> None:
    layer = nn.ConvTranspose2d(4, 4, 4, 2, 1, groups=2)
    inputs = [torch.randn(1, 4, 8, 8)]
    for kind in ("subpixel", "resize-conv"):
        module = make_candidate(layer, kind).module
        before = module.conv.weight.detach().clone()
        assert refit(module, layer, inputs) is False
        assert torch.equal(before, module.conv.weight)


def stand_ins(kinds: dict[str, str]) -> dict[str, nn.Module]:
    """Return the modules of these layers of tiny_fcn(), fitted to their kernels alone."""
    layers = deconvs_of(tiny_fcn())
    return {name: make_candidate(layers[name], kind).module for name, kind in kinds.items()}


def scores_by(graph: onnx.ModelProto, pictures: list[np.ndarray]) -> list[np.ndarray]:
    return [values["scores"][0] for values in tensor_values(graph, ["scores"], pictures)]


def test_distillation_trains_only_the_replaced_layers_and_comes_closer_to_the_original() -> None:
    graph = tiny_fcn_graph()
    modules = stand_ins({"up.16": "bilinear", "up.8": "subpixel", "final": "bilinear"})
    result = recover(graph, modules, frames(12), steps=30, rate=2e-3)
    assert result.after.sqnr_db > result.before.sqnr_db
    moved = {
        name: not torch.equal(modules[name].conv.weight, result.modules[name].conv.weight) for name in modules
    }
    assert moved == {"up.16": True, "up.8": False, "final": True}
    unseen = frames(4, seed=9)
    reference = scores_by(graph, unseen)
    before, after = (
        agreement(reference, scores_by(substitute(graph, made), unseen)) for made in (modules, result.modules)
    )
    assert after >= before - 0.01


def test_distilled_fidelity_is_that_of_the_substituted_graph() -> None:
    graph, modules = tiny_fcn_graph(), stand_ins({"up.8": "resize-conv", "final": "bilinear"})
    result = recover(graph, modules, frames(8), steps=4)
    held = frames(8)[::4]
    reference, scores = scores_by(graph, held), scores_by(substitute(graph, modules), held)
    assert result.before.agreement == pytest.approx(agreement(reference, scores), abs=1e-3)
    assert result.before.sqnr_db == pytest.approx(sqnr_db(reference, scores), abs=0.05)


def test_distillation_uses_labels_when_there_are_any() -> None:
    modules = stand_ins({"final": "resize-conv"})
    pictures = frames(8)
    masks = [np.full(p.shape[:2], 1, np.uint8) for p in pictures]
    plain = recover(tiny_fcn_graph(), modules, pictures, steps=5, rate=1e-2)
    taught = recover(tiny_fcn_graph(), modules, pictures, masks=masks, steps=5, rate=1e-2)
    weights = (r.modules["final"].conv.weight for r in (plain, taught))
    assert not torch.equal(*weights) or taught.after == taught.before


def test_distillation_on_too_few_frames_is_refused() -> None:
    with pytest.raises(FcnEdgeError, match="3 frames are too few to recover on; give 8 or more"):
        recover(tiny_fcn_graph(), {}, frames(3))


def test_fit_on_windows_of_a_large_input_is_the_fit_on_the_whole_input() -> None:
    """Outputs that see the border of a window are left out, so a layer the form can draw is found."""
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(2, 2, 4, 2, 1).requires_grad_(False)
    teacher = make_candidate(layer, "resize-conv").module.requires_grad_(False)
    drawn = nn.ConvTranspose2d(2, 2, 4, 2, 1).requires_grad_(False)
    weight = teacher.conv.weight.flip(2, 3).transpose(0, 1)
    drawn.weight.data = nn.functional.conv2d(
        nn.functional.pad(weight.flatten(0, 1)[:, None], [1, 1, 1, 1]), torch.ones(1, 1, 2, 2)
    ).reshape(2, 2, 4, 4)
    drawn.bias.data = teacher.conv.bias.clone()
    inputs = [torch.randn(1, 2, 150, 160) for _ in range(3)]
    assert output_sqnr_db(teacher, drawn, inputs) > 100
    student = make_candidate(layer, "resize-conv").module
    nn.init.zeros_(student.conv.weight)
    refit(student, drawn, inputs)
    assert output_sqnr_db(student, drawn, inputs) > 40
