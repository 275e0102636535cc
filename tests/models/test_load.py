import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from fcn_edge.data import Classes
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.models import ModelSpec, build_model
from fcn_edge.models.load import load_source, torchvision_key

TWO = Classes(("a", "b"), ((0, 0, 0), (1, 1, 1)))

# Names and shapes of tensors in torchvision's fcn_resnet50_coco, written down from its published file.
FCN_RESNET50 = {
    "backbone.conv1.weight": (64, 3, 7, 7),
    "backbone.layer1.0.conv3.weight": (256, 64, 1, 1),
    "backbone.layer1.0.downsample.0.weight": (256, 64, 1, 1),
    "backbone.layer3.5.conv2.weight": (256, 256, 3, 3),
    "backbone.layer4.2.bn3.running_var": (2048,),
    "classifier.0.weight": (512, 2048, 3, 3),
    "classifier.1.running_mean": (512,),
    "classifier.4.weight": (21, 512, 1, 1),
    "classifier.4.bias": (21,),
}


@pytest.fixture(scope="module")
def published():
    """Every tensor that torchvision's fcn_resnet50 has, and one of its auxiliary head, with seeded values."""
    torch.manual_seed(0)
    own = build_model(ModelSpec("fcn8s-fcn_resnet50", 21, None, context=False)).state_dict()
    names = {}
    for key, value in own.items():
        theirs = key.replace("backbone.body.", "backbone.") if "body" in key else key.replace("backbone.", "")
        names[theirs.replace("lateral.8.", "classifier.4.")] = value
    return {**names, "aux_classifier.4.bias": torch.zeros(21)}


def test_key_names_and_shapes_are_those_of_torchvision(published):
    assert {key: tuple(published[key].shape) for key in FCN_RESNET50} == FCN_RESNET50
    assert torchvision_key("aux_classifier.0.weight") == "aux_classifier.0.weight"


def test_a_torchvision_fcn_loads_whole_with_the_classes_of_voc(published, tmp_path):
    save_file(published, tmp_path / "fcn.safetensors")
    found = load_source("torchvision:fcn_resnet50", tmp_path / "fcn.safetensors")
    assert found.ready
    assert found.report.unexpected == ()
    assert found.classes.names[15] == "person"
    assert found.classes.palette[15] == (192, 128, 128)


def test_its_last_upsampling_is_torchvisions_at_multiples_of_eight(published, tmp_path):
    save_file(published, tmp_path / "fcn.safetensors")
    model = load_source("torchvision:fcn_resnet50", tmp_path / "fcn.safetensors").model
    x = torch.randn(1, 3, 48, 64)
    with torch.inference_mode():
        theirs = F.interpolate(model.forward_scores(x), size=(48, 64), mode="bilinear", align_corners=False)
        torch.testing.assert_close(model(x), theirs)


def test_a_classifier_becomes_an_fcn_with_a_head_to_train(weights_root):
    file = weights_root / "mobilenet_v2_in1k.safetensors"
    for source, weights in ((f"mobilenet_v2:{file}", None), ("torchvision:mobilenet_v2", file)):
        found = load_source(source, weights, TWO)
        assert not found.ready
        assert found.report.missing == ()
        assert found.model.spec.name == "fcn8s-mobilenet_v2"


def test_what_is_missing_or_unknown_is_said(published, tmp_path):
    with pytest.raises(MisuseError, match=r"resnet18:FILE or add --weights"):
        load_source("resnet18", None, TWO)
    with pytest.raises(MisuseError, match="did you mean 'resnet18'"):
        load_source("resnet19", None, TWO)
    some = {key: value for key, value in published.items() if "layer4" not in key}
    save_file(some, tmp_path / "part.safetensors")
    with pytest.raises(FcnEdgeError, match=r"missing \(backbone\.body\.layer4"):
        load_source("torchvision:fcn_resnet50", tmp_path / "part.safetensors")


def test_a_torchvision_fcn_takes_the_classes_of_the_data_or_says_how_many_it_has(published, tmp_path):
    file = tmp_path / "fcn.safetensors"
    save_file(published, file)
    names = tuple(f"thing {index}" for index in range(21))
    own = Classes(names, tuple((index, 0, 0) for index in range(21)))
    assert load_source("torchvision:fcn_resnet50", file, own).classes.names == names
    with pytest.raises(MisuseError, match="tell 21 classes apart, --data has 2;"):
        load_source("torchvision:fcn_resnet50", file, TWO)


def test_a_network_of_one_channel_is_refused(published, tmp_path):
    one = {**published, "classifier.4.weight": torch.ones(1, 512, 1, 1), "classifier.4.bias": torch.ones(1)}
    save_file(one, tmp_path / "binary.safetensors")
    with pytest.raises(FcnEdgeError, match="1 class gives nothing but class 0"):
        load_source("torchvision:fcn_resnet50", tmp_path / "binary.safetensors")
    with pytest.raises(FcnEdgeError, match="1 class gives nothing but class 0"):
        ModelSpec("fcn8s-resnet18", 1)
