import torch

from fcn_edge.models import ModelSpec, build_model
from fcn_edge.models.cost import count_macs, receptive_field


def test_macs_of_one_conv_match_the_formula():
    cost = count_macs(build_model(ModelSpec("fcn8s-resnet18", 11)), (360, 480))
    assert cost.layers["backbone.conv1"] == 180 * 240 * 64 * 3 * 7 * 7
    assert cost.layers["up.16"] == 12 * 15 * 96 * 96 * 4 * 4
    assert cost.layers["classifier"] == 45 * 60 * 96 * 11


def test_resnet18_costs_what_the_literature_says():
    backbone = count_macs(build_model(ModelSpec("fcn32s-resnet18", 2, None, False)), (224, 224))
    assert abs(backbone.gmac - 1.814) < 0.01  # 1.82 GMAC with the 0.5 M of the classifier


def test_counting_leaves_the_model_as_it_was():
    model = build_model(ModelSpec("fcn8s-mobilenet_v2", 3, 8)).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    count_macs(model, (32, 32))
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_receptive_fields_are_the_known_ones():
    # at stride 32; Araujo et al., Distill 2019
    known = {"resnet18": 435, "mobilenet_v2": 491, "resnet34": 899}
    for name, pixels in known.items():
        assert receptive_field(build_model(ModelSpec(f"fcn32s-{name}")))[32] == pixels


def test_no_gradient_reaches_beyond_the_receptive_field():
    model = build_model(ModelSpec("fcn8s-resnet18", 2, 8)).eval()
    pixels = receptive_field(model)[8]
    x = torch.randn(1, 3, 8, 256, requires_grad=True)
    model.backbone(x)[8][..., 16].sum().backward()
    touched = x.grad.abs().sum((0, 1, 2)).nonzero().flatten()
    assert touched[-1] - touched[0] + 1 <= pixels
    assert touched[-1] - touched[0] + 1 > pixels // 2
