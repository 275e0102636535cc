import pickle

import pytest
import torch
from safetensors.torch import save_file

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models import ModelSpec, build_model
from fcn_edge.models.weights import load_weights, read_weights


def model(name):
    return build_model(ModelSpec(name, 3, 8))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("fcn8s-efficientnet_lite0", "efficientnet_lite0_in1k"),
        ("fcn8s-mobilenet_v2", "mobilenet_v2_in1k"),
        ("fcn8s-mobilenet_edgetpu_slim", "deeplab_edgetpu_slim_cityscapes"),
    ],
)
def test_published_weights_fill_the_backbone_completely(weights_root, name, file):
    report = load_weights(model(name), weights_root / f"{file}.safetensors")
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())


# A sample of torchvision 0.28's own key names and shapes, written down rather than computed.
RESNET18_KEYS = {
    "conv1.weight": (64, 3, 7, 7),
    "bn1.running_var": (64,),
    "layer1.0.conv1.weight": (64, 64, 3, 3),
    "layer2.0.downsample.0.weight": (128, 64, 1, 1),
    "layer2.0.downsample.1.running_mean": (128,),
    "layer3.1.bn2.bias": (256,),
    "layer4.1.conv2.weight": (512, 512, 3, 3),
}
MOBILENET_V2_KEYS = {
    "features.0.0.weight": (32, 3, 3, 3),
    "features.0.1.weight": (32,),
    "features.1.conv.0.0.weight": (32, 1, 3, 3),
    "features.1.conv.1.weight": (16, 32, 1, 1),
    "features.1.conv.2.running_mean": (16,),
    "features.2.conv.1.0.weight": (96, 1, 3, 3),
    "features.17.conv.2.weight": (320, 960, 1, 1),
    "features.17.conv.3.bias": (320,),
}


@pytest.mark.parametrize(
    ("name", "keys"), [("fcn8s-resnet18", RESNET18_KEYS), ("fcn8s-mobilenet_v2", MOBILENET_V2_KEYS)]
)
def test_key_names_are_those_of_torchvision(name, keys):
    own = {key: tuple(value.shape) for key, value in model(name).backbone.state_dict().items()}
    assert {key: own.get(key) for key in keys} == keys


def test_a_report_lists_missing_unexpected_and_mismatched_keys(tmp_path):
    path = tmp_path / "some.safetensors"
    save_file(
        {"conv1.weight": torch.zeros(64, 3, 7, 7), "bn1.bias": torch.zeros(3), "extra": torch.zeros(1)}, path
    )
    report = load_weights(model("fcn8s-resnet18"), path)
    assert report.loaded == 1
    assert report.unexpected == ("extra",)
    assert report.mismatched == ("bn1.bias",)
    assert "layer1.0.conv1.weight" in report.missing


def test_a_coarser_fcn_fills_all_but_the_new_skip(tmp_path):
    coarse = build_model(ModelSpec("fcn32s-resnet18", 3, None, context=False))
    path = tmp_path / "fcn32s.safetensors"
    save_file(coarse.state_dict(), path)
    report = load_weights(build_model(ModelSpec("fcn16s-resnet18", 3, None, context=False)), path)
    assert set(report.missing) == {"lateral.16.weight", "lateral.16.bias", "up.16.weight"}


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"encoder.0": torch.zeros(1)}, path)
    with pytest.raises(FcnEdgeError, match=r"encoder\.0"):
        load_weights(model("fcn8s-resnet18"), path)


def test_an_fcn_on_another_backbone_is_refused_though_its_head_fits(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file(model("fcn8s-resnet18").state_dict(), path)
    with pytest.raises(FcnEdgeError, match="no tensor of the backbone of fcn8s-mobilenet_v2"):
        load_weights(model("fcn8s-mobilenet_v2"), path)


class Bomb:
    def __reduce__(self):
        return (print, ("this must never be printed",))


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, capsys):
    path = tmp_path / "bomb.pth"
    path.write_bytes(pickle.dumps({"a": Bomb()}))
    with pytest.raises(FcnEdgeError, match=r"bomb\.pth"):
        read_weights(path)
    assert "never" not in capsys.readouterr().out


def test_a_truncated_file_is_one_sentence(tmp_path):
    path = tmp_path / "cut.safetensors"
    save_file({"a": torch.zeros(100)}, path)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(FcnEdgeError, match=r"cut\.safetensors"):
        read_weights(path)


def test_pth_files_are_read_through_their_usual_wrappers(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"state_dict": {"module.conv1.weight": torch.ones(2)}, "epoch": 3}, path)
    with pytest.raises(FcnEdgeError, match="no tensor"):
        load_weights(model("fcn8s-resnet18"), path)
    assert set(read_weights(path)) == {"conv1.weight"}
