import random

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.models import BACKBONES, MODEL_NAMES, ModelSpec, build_model
from fcn_edge.models.backbones.alexnet import AlexNet
from fcn_edge.models.backbones.vgg16 import VGG16
from fcn_edge.models.fcn import FCN
from fcn_edge.models.layers import bilinear_deconv

LIGHT = [name for name in BACKBONES if name not in ("vgg16", "alexnet", "fcn_resnet50", "fcn_resnet101")]


def small(name="fcn8s-mobilenet_v2", **options):
    torch.manual_seed(0)
    return build_model(ModelSpec(name, 5, **{"head_width": 8, **options})).eval()


@pytest.mark.parametrize("backbone", LIGHT)
def test_output_size_equals_input_size_for_any_size(backbone):
    rng = random.Random(7)
    sizes = [(1, 1), (1, 40), (33, 1), *((rng.randint(1, 90), rng.randint(1, 90)) for _ in range(3))]
    model = small(f"fcn8s-{backbone}")
    for size in sizes:
        with torch.inference_mode():
            assert model(torch.randn(1, 3, *size)).shape == (1, 5, *size), size


@pytest.mark.parametrize("narrow", [VGG16(width=4), AlexNet((4, 5, 6, 7, 8), hidden=9)])
def test_the_nets_with_fully_connected_layers_take_any_size_too(narrow):
    model = FCN(ModelSpec("fcn8s-vgg16", 5, None, context=False), narrow, finest=8).eval()
    for size in [(1, 1), (33, 47), (64, 31)]:
        with torch.inference_mode():
            assert model(torch.randn(1, 3, *size)).shape == (1, 5, *size), size


@pytest.mark.parametrize("name", [n for n in MODEL_NAMES if n.endswith("mobilenet_v2")])
def test_scores_are_at_the_ceiling_of_size_over_stride(name):
    model = small(name)
    for size in [(1, 1), (31, 33), (64, 65), (95, 17)]:
        with torch.inference_mode():
            scores = model.forward_scores(torch.randn(1, 3, *size))
        assert scores.shape[-2:] == tuple(-(-n // model.score_stride) for n in size), size


def test_forward_is_half_pixel_bilinear_of_the_scores_then_a_crop():
    model, x = small(), torch.randn(2, 3, 37, 50)
    with torch.inference_mode():
        scores = model.forward_scores(x)
        whole = F.interpolate(scores, scale_factor=8.0, mode="bilinear", align_corners=False)
        assert torch.equal(model(x), whole[..., :37, :50])


def test_a_fresh_deconv_is_bilinear_upsampling_in_the_interior():
    for stride in (2, 4, 8):
        x = torch.randn(1, 3, 7, 9)
        made = bilinear_deconv(3, stride)(x)
        bilinear = F.interpolate(x, scale_factor=stride, mode="bilinear", align_corners=False)
        assert made.shape == bilinear.shape
        inner = slice(stride, -stride)
        torch.testing.assert_close(made[..., inner, inner], bilinear[..., inner, inner])


def test_a_fresh_skip_of_the_paper_head_is_silent():
    torch.manual_seed(3)
    coarse = build_model(ModelSpec("fcn32s-mobilenet_v2", 5, None, context=False)).eval()
    fine = build_model(ModelSpec("fcn16s-mobilenet_v2", 5, None, context=False)).eval()
    fine.load_state_dict(coarse.state_dict(), strict=False)
    x = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        up = fine.up["16"](coarse.forward_scores(x))
        torch.testing.assert_close(fine.forward_scores(x), up)


@pytest.mark.parametrize("backbone", [n for n, strides in BACKBONES.items() if 4 in strides])
def test_fcn4s_scores_at_stride_4_with_half_of_the_heads_channels(backbone):
    model = small(f"fcn4s-{backbone}", head_width=9)
    assert model.up["4"].weight.shape[:2] == (9, 5)
    for size in [(1, 1), (61, 34)]:
        with torch.inference_mode():
            scores = model.forward_scores(torch.randn(1, 3, *size))
        assert scores.shape[-2:] == tuple(-(-n // 4) for n in size)


def test_the_step_to_half_the_channels_starts_as_bilinear_upsampling_of_mixtures():
    torch.manual_seed(1)
    x, deconv = torch.randn(2, 6, 5, 7), bilinear_deconv(6, 2, 3)
    mixed = torch.einsum("nchw,cd->ndhw", x, deconv.weight[..., 1, 1] / 0.75**2)  # (1, 1) is the tap 0.75**2
    bilinear = F.interpolate(mixed, scale_factor=2, mode="bilinear", align_corners=False)
    inner = slice(2, -2)
    torch.testing.assert_close(deconv(x)[..., inner, inner], bilinear[..., inner, inner])


def test_a_learned_last_upsampling_gives_scores_at_full_size():
    model = small(final="deconv")
    x = torch.randn(1, 3, 45, 61)
    with torch.inference_mode():
        assert model.score_stride == 1
        assert model.forward_scores(x).shape == model(x).shape == (1, 5, 45, 61)


def test_a_shift_by_the_coarsest_stride_shifts_the_interior_of_the_scores():
    model = small(context=False)
    x = torch.randn(1, 3, 64, 64 * 20)
    with torch.inference_mode():
        scores, shifted = model.forward_scores(x), model.forward_scores(x.roll(32, dims=-1))
    middle = slice(72, 88)  # further from both ends than half the receptive field of 491 pixels
    expected = scores.roll(4, dims=-1)[..., middle]
    torch.testing.assert_close(shifted[..., middle], expected, rtol=1e-3, atol=1e-5)


def test_every_activation_is_one_that_int8_engines_run_as_part_of_the_conv():
    allowed = (
        nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU, nn.ReLU6, nn.MaxPool2d, nn.Identity,
    )  # fmt: skip
    for backbone in set(LIGHT) - {"mobilenet_v3_large", "mobilenet_v3_small"}:
        leaves = [m for m in small(f"fcn8s-{backbone}").modules() if not list(m.children())]
        assert {type(m) for m in leaves} <= {*allowed, nn.ModuleList}, backbone


def test_an_unknown_model_lists_the_valid_ones():
    with pytest.raises(MisuseError, match=r"fcn8s-resnet18"):
        build_model(ModelSpec("fcn8s-resnet19"))


def test_a_spec_survives_json_and_refuses_unknown_keys():
    spec = ModelSpec("fcn16s-resnet18", 3, None, False, "deconv", {"up.16": "subpixel"})
    assert ModelSpec.from_json(spec.to_json()) == spec
    with pytest.raises(FcnEdgeError, match="colour"):
        ModelSpec.from_json({**spec.to_json(), "colour": 1})


def test_replaced_upsamplers_are_rebuilt_from_the_spec():
    model = small(upsamplers={"up.8": "subpixel"})
    assert not isinstance(model.up["8"], nn.ConvTranspose2d)
    assert isinstance(model.up["16"], nn.ConvTranspose2d)
    with pytest.raises(FcnEdgeError, match=r"up\.4"):
        small(upsamplers={"up.4": "subpixel"})
