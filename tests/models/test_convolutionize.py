import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from fcn_edge.errors import FcnEdgeError, MisuseError
from fcn_edge.models import ModelSpec, build_model
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


def test_lacking_weights_and_unknown_classifiers_are_named(tmp_path):
    save_file({"features.0.weight": torch.zeros(4, 3, 3, 3)}, tmp_path / "part.safetensors")
    with pytest.raises(FcnEdgeError, match=r"classifier\.0\.weight"):
        load_heat_map("vgg16", tmp_path / "part.safetensors")
    with pytest.raises(MisuseError, match="alexnet"):
        load_heat_map("vgg17", tmp_path / "part.safetensors")
