import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.models import ModelSpec, build_model
from fcn_edge.models.backbones import make_backbone
from fcn_edge.models.backbones.alexnet import AlexNet
from fcn_edge.models.backbones.vgg16 import VGG16
from fcn_edge.models.classifiers import heat_map, load_heat_map
from fcn_edge.models.weights import load_into

# Plain classifiers written from the papers' tables, with torchvision's key names, narrow to be quick.


def vgg16(width=4, classes=10):
    layers, channels = [], 3
    for stage, convs in enumerate((2, 2, 3, 3, 3)):
        for _ in range(convs):
            out = width * min(2**stage, 8)
            layers += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU()]
            channels = out
        layers.append(nn.MaxPool2d(2))
    hidden = 64 * width
    head = nn.Sequential(
        nn.Linear(8 * width * 49, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Dropout(), nn.Linear(hidden, classes),
    )  # fmt: skip
    return Classifier(nn.Sequential(*layers), head)


def alexnet(classes=10):
    features = nn.Sequential(
        nn.Conv2d(3, 8, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(8, 12, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 12, 3, padding=1), nn.ReLU(),
        nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
    )  # fmt: skip
    head = nn.Sequential(
        nn.Dropout(), nn.Linear(12 * 36, 40), nn.ReLU(),
        nn.Dropout(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, classes),
    )  # fmt: skip
    return Classifier(features, head)


class Classifier(nn.Module):
    def __init__(self, features, classifier):
        super().__init__()
        self.features, self.classifier = features, classifier

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


@pytest.mark.parametrize("make", [vgg16, alexnet])
def test_the_convolutional_form_equals_the_classifier_on_its_own_input_size(make):
    torch.manual_seed(5)
    plain = make().eval()
    heat = heat_map(make.__name__, plain.state_dict()).eval()
    x = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        found = heat(x)
        assert found.shape == (2, 10, 1, 1)
        torch.testing.assert_close(found.flatten(1), plain(x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("make", [vgg16, alexnet])
def test_on_a_larger_input_each_place_is_the_classifier_on_the_map_under_it(make):
    torch.manual_seed(6)
    plain = make().eval()
    heat = heat_map(make.__name__, plain.state_dict()).eval()
    pooled = 7 if make is vgg16 else 6
    x = torch.randn(1, 3, 288, 352)
    with torch.inference_mode():
        scores, features = heat(x), plain.features(x)
        assert scores.shape[-2:] == tuple(n - pooled + 1 for n in features.shape[-2:])
        for y, z in [(0, 0), (scores.shape[2] - 1, scores.shape[3] - 1), (1, 2)]:
            window = features[..., y : y + pooled, z : z + pooled]
            torch.testing.assert_close(
                scores[..., y, z], plain.classifier(window.flatten(1)), rtol=1e-4, atol=1e-6
            )


def test_a_classifier_that_averages_equals_its_heat_map_too():
    torch.manual_seed(7)
    backbone = build_model(ModelSpec("fcn32s-resnet18", 2, 8)).backbone.eval()
    fc = nn.Linear(512, 10)
    weights = {**backbone.state_dict(), "fc.weight": fc.weight.detach(), "fc.bias": fc.bias.detach()}
    heat = heat_map("resnet18", weights).eval()
    x = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        expected = fc(F.adaptive_avg_pool2d(backbone(x)[32], 1).flatten(1))
        torch.testing.assert_close(heat(x).flatten(1), expected, rtol=1e-4, atol=1e-5)
        assert heat(torch.randn(1, 3, 256, 320)).shape == (1, 10, 2, 4)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "mobilenet_v2"])
def test_published_classifiers_become_heat_maps(weights_root, name):
    heat = load_heat_map(name, weights_root / f"{name}_in1k.safetensors")
    with torch.inference_mode():
        scores = heat(torch.rand(1, 3, 224, 256) * 2 - 1)
    assert scores.shape == (1, 1000, 1, 2)


def test_the_vgg16_backbone_takes_the_fully_connected_weights_of_the_classifier():
    torch.manual_seed(8)
    plain, backbone = vgg16().eval(), VGG16(width=4).eval()
    report = load_into(backbone, plain.state_dict(), backbone.classifier_keys)
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())
    x = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        fc7 = plain.classifier[:6](plain.features(x).flatten(1))
        centre = backbone(x)[32][..., 3, 3]  # fc6 is padded by 3: the middle of the 7x7 map sees it all
        torch.testing.assert_close(centre, fc7, rtol=1e-4, atol=1e-6)


def test_the_alexnet_backbone_is_the_classifier_with_its_windows_moved():
    torch.manual_seed(9)
    plain, backbone = alexnet().eval(), AlexNet((8, 12, 16, 12, 12), hidden=40).eval()
    report = load_into(backbone, plain.state_dict(), backbone.classifier_keys)
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())
    heat = heat_map("alexnet", plain.state_dict()).eval()
    x = torch.randn(1, 3, 640, 640)
    with torch.inference_mode():
        # Padding of 5, 1, 1 and 1 at strides 1, 4, 8, 16 moves a window by 33 pixels, torchvision's by 2.
        fc7 = heat.scores[:4](heat.features(F.pad(x, (31, 0, 31, 0))))
        ours = backbone(x)[32]
    # fc6 is padded by 3; positions 7 to 14 see neither edge of the picture
    torch.testing.assert_close(ours[..., 7:15, 7:15], fc7[..., 4:12, 4:12], rtol=1e-4, atol=1e-6)


# Strides and the first block with hard-swish, from tables 1 and 2 of the MobileNetV3 paper.
MOBILENET_V3 = {
    "mobilenet_v3_large": ((1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1), 7),
    "mobilenet_v3_small": ((2, 2, 1, 2, 1, 1, 1, 1, 2, 1, 1), 4),
}


def plain_mobilenet_v3(name, w, x):
    """The classifier written out from the paper: the layers of a block are those the weights have."""
    strides, first_swish = MOBILENET_V3[name]

    def swish(y):
        return y * (y + 3).clamp(0, 6) / 6

    def conv_bn(key, y, stride=1):
        kernel = w[f"{key}.0.weight"]
        groups = y.shape[1] // kernel.shape[1]
        y = F.conv2d(y, kernel, None, stride, kernel.shape[-1] // 2, 1, groups)
        norm = (w[f"{key}.1.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(y, *norm, eps=0.001)

    x = swish(conv_bn("features.0", x, 2))
    for block, stride in enumerate(strides, start=1):
        key, before = f"features.{block}.block", x
        active = swish if block >= first_swish else F.relu
        layers = sorted({int(k.split(".")[3]) for k in w if k.startswith(f"{key}.")})
        for i in layers:
            if f"{key}.{i}.fc1.weight" in w:
                gate = F.conv2d(x.mean((2, 3), True), w[f"{key}.{i}.fc1.weight"], w[f"{key}.{i}.fc1.bias"])
                gate = F.conv2d(F.relu(gate), w[f"{key}.{i}.fc2.weight"], w[f"{key}.{i}.fc2.bias"])
                x = x * (gate + 3).clamp(0, 6) / 6
                continue
            depthwise = w[f"{key}.{i}.0.weight"].shape[1] == 1
            x = conv_bn(f"{key}.{i}", x, stride if depthwise else 1)
            x = x if i == layers[-1] else active(x)
        x = x + before if x.shape == before.shape and stride == 1 else x
    x = swish(conv_bn(f"features.{len(strides) + 1}", x)).mean((2, 3))
    x = swish(F.linear(x, w["classifier.0.weight"], w["classifier.0.bias"]))
    return F.linear(x, w["classifier.3.weight"], w["classifier.3.bias"])


@pytest.mark.parametrize("name", MOBILENET_V3)
def test_mobilenet_v3_is_the_network_of_the_paper(name):
    torch.manual_seed(10)
    backbone = make_backbone(name).train()
    backbone(torch.randn(4, 3, 96, 96))  # statistics that are not 0 and 1
    channels = backbone.channels[32]
    last, hidden = f"features.{len(MOBILENET_V3[name][0]) + 1}", 6 * channels
    w = {
        **backbone.state_dict(),
        f"{last}.0.weight": torch.randn(hidden, channels, 1, 1) / channels**0.5,
        **{f"{last}.1.{part}": torch.rand(hidden) + 0.5 for part in ("weight", "bias", "running_var")},
        f"{last}.1.running_mean": torch.randn(hidden),
        "classifier.0.weight": torch.randn(20, hidden) / hidden**0.5, "classifier.0.bias": torch.randn(20),
        "classifier.3.weight": torch.randn(5, 20), "classifier.3.bias": torch.randn(5),
    }  # fmt: skip
    x = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        heat = heat_map(name, w).eval()(x)
        assert heat.shape == (2, 5, 1, 1)
        torch.testing.assert_close(heat.flatten(1), plain_mobilenet_v3(name, w, x), rtol=1e-3, atol=1e-4)


def test_lacking_weights_and_unknown_classifiers_are_named(tmp_path):
    save_file({"features.0.weight": torch.zeros(4, 3, 3, 3)}, tmp_path / "part.safetensors")
    with pytest.raises(FcnEdgeError, match=r"classifier\.0\.weight"):
        load_heat_map("vgg16", tmp_path / "part.safetensors")
    with pytest.raises(MisuseError, match="alexnet"):
        load_heat_map("vgg17", tmp_path / "part.safetensors")
