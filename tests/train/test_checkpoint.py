import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fcn_edge.data import Classes
from fcn_edge.ground.artifacts import sha256_file
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.models import ModelSpec, build_model
from fcn_edge.train.checkpoint import load_checkpoint, save_checkpoint
from fcn_edge.train.load import load_checkpoint_from

CLASSES = Classes(("a", "b"), ((1, 2, 3), (4, 5, 6)))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build_model(ModelSpec("fcn16s-mobilenet_v2", 2, 8)).eval()


def test_a_checkpoint_gives_back_the_same_function(tmp_path, model):
    path = save_checkpoint(tmp_path, model, CLASSES, {"epoch": 3})
    for where in (tmp_path, path, str(path)):
        found = load_checkpoint(where)
        assert (found.spec, found.classes, found.info) == (model.spec, CLASSES, {"epoch": 3})
        assert found.weights_sha256 == sha256_file(path)
        assert not found.model.training
        x = torch.randn(1, 3, 40, 50)
        with torch.inference_mode():
            assert torch.equal(found.model(x), model(x))


def test_half_precision_takes_half_the_bytes_and_loads_as_float32(tmp_path, model):
    whole = save_checkpoint(tmp_path / "a", model, CLASSES, {})
    half = save_checkpoint(tmp_path / "b", model, CLASSES, {}, half=True)
    assert half.stat().st_size < 0.55 * whole.stat().st_size
    assert all(p.dtype == torch.float32 for p in load_checkpoint(half).model.parameters())


def test_the_json_beside_it_names_the_weights(tmp_path, model):
    path = save_checkpoint(tmp_path, model, CLASSES, {})
    about = json.loads((tmp_path / "model.json").read_text())
    assert about["weights_sha256"] == sha256_file(path)
    assert about["spec"]["name"] == "fcn16s-mobilenet_v2"


def test_a_header_of_another_architecture_is_one_sentence(tmp_path, model):
    path = save_checkpoint(tmp_path, model, CLASSES, {})
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    metadata["fcn_edge"] = metadata["fcn_edge"].replace("mobilenet_v2", "resnet18")
    save_file(load_file(path), path, metadata)
    with pytest.raises(FcnEdgeError, match="does not fit fcn16s-resnet18"):
        load_checkpoint(path)


def test_bare_weights_and_broken_files_are_told_apart(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "bare.safetensors")
    with pytest.raises(FcnEdgeError, match="bare weights"):
        load_checkpoint(tmp_path / "bare.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(FcnEdgeError, match="not a readable checkpoint"):
        load_checkpoint(tmp_path / "broken.safetensors")


def test_missing_places_are_named(tmp_path):
    with pytest.raises(FcnEdgeError, match="nowhere"):
        load_checkpoint(tmp_path / "nowhere")
    with pytest.raises(FcnEdgeError, match=r"model\.safetensors"):
        load_checkpoint(tmp_path)
    with pytest.raises(MisuseError, match="unknown zoo model 'raod'"):
        load_checkpoint("zoo:raod")


def test_a_bundle_in_place_of_a_checkpoint_is_named_as_one(tmp_path):
    bundle = tmp_path / "road.fcne"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    with pytest.raises(FcnEdgeError, match=r"road\.fcne is a bundle"):
        load_checkpoint(bundle)


def test_weights_that_diverged_are_refused(tmp_path, model):
    with torch.no_grad():
        model.backbone.features[0][0].weight[0, 0] = float("nan")
    save_checkpoint(tmp_path, model, CLASSES, {})
    with pytest.raises(
        FcnEdgeError, match=r"NaN or infinity in 1 of its tensors, first backbone\.features\.0"
    ):
        load_checkpoint(tmp_path)


def test_files_of_pytorch_are_called_so(tmp_path, model):
    torch.save(model.state_dict(), tmp_path / "a.pth")
    with pytest.raises(FcnEdgeError, match=r"a\.pth is a file of PyTorch.*train --weights"):
        load_checkpoint(tmp_path / "a.pth")


def test_a_run_is_copied_only_with_the_classes_that_it_has(tmp_path, model):
    save_checkpoint(tmp_path / "run", model, CLASSES, {})
    with pytest.raises(MisuseError, match=r"run has 2 classes, streets:32x48 has 11; leave --data out"):
        load_checkpoint_from(str(tmp_path / "run"), tmp_path / "copy", data="streets:32x48")
    assert not (tmp_path / "copy").exists()
    assert load_checkpoint_from(str(tmp_path / "run"), tmp_path / "copy")["classes"] == ["a", "b"]
