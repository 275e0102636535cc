import pickle
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fcn_edge.data import Classes
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models import ModelSpec, build_model
from fcn_edge.models.weights import load_weights, read_weights
from fcn_edge.train.checkpoint import load_checkpoint, save_checkpoint


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


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "module.",
        "_orig_mod.",
        "model.",
        "net.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "model._orig_mod.",
    ],
)
def test_names_lose_what_wrappers_put_before_them(tmp_path, prefix, suffix):
    own = model("fcn8s-resnet18").state_dict()
    path = tmp_path / f"wrapped.{suffix}"
    renamed = {f"{prefix}{key}": value for key, value in own.items()}
    save_file(renamed, path) if suffix == "safetensors" else torch.save(renamed, path)
    report = load_weights(model("fcn8s-resnet18"), path)
    assert (report.loaded, report.missing, report.unexpected) == (len(own), (), ())


def test_a_compiled_part_of_a_network_loads_too(tmp_path):
    own = model("fcn8s-resnet18").state_dict()
    path = tmp_path / "part.safetensors"
    save_file({key.replace("backbone.", "backbone._orig_mod."): value for key, value in own.items()}, path)
    report = load_weights(model("fcn8s-resnet18"), path)
    assert (report.missing, report.unexpected) == ((), ())


def test_wrapped_names_are_those_that_torch_itself_writes(tmp_path):
    inner = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1))
    for wrapped in (torch.nn.DataParallel(inner), torch.compile(inner)):
        torch.save(wrapped.state_dict(), tmp_path / "a.pth")
        assert set(read_weights(tmp_path / "a.pth")) == {"0.weight", "0.bias"}


def test_two_networks_in_one_file_are_refused(tmp_path):
    path = tmp_path / "two.safetensors"
    save_file({"model.conv1.weight": torch.ones(1), "net.conv1.weight": torch.ones(1)}, path)
    with pytest.raises(
        FcnEdgeError, match=r"holds two networks: conv1\.weight is there twice, once as net\."
    ):
        read_weights(path)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_weights_that_are_not_finite_are_refused_and_named(tmp_path, bad, dtype):
    path = tmp_path / "diverged.safetensors"
    tensors = {
        "a": torch.ones(3, dtype=dtype),
        "b": torch.tensor([1.0, bad], dtype=dtype),
        "n": torch.ones(1).long(),
    }
    save_file(tensors, path)
    with pytest.raises(FcnEdgeError, match="NaN or infinity in 1 of its tensors, first b;"):
        read_weights(path)


def test_weights_of_the_zoo_and_of_a_run_are_found_by_name(tmp_path):
    spec = load_checkpoint("zoo:road").spec
    network = build_model(ModelSpec(spec.name, 3, spec.head_width, spec.context))
    report = load_weights(network, Path("zoo:road"))
    assert not [name for name in report.missing if name.startswith("backbone.")]
    assert set(report.mismatched) == {"classifier.weight", "classifier.bias"}  # of other classes
    save_checkpoint(tmp_path / "run", network, Classes(("a", "b", "c"), ((0, 0, 0),) * 3), {})
    assert set(read_weights(tmp_path / "run")) == set(network.state_dict())
    with pytest.raises(FcnEdgeError, match="unknown zoo model 'raod'; did you mean 'road'"):
        read_weights(Path("zoo:raod"))
    with pytest.raises(
        FcnEdgeError, match=r"no such weights file: .*; give a \.safetensors or \.pth file, a run"
    ):
        read_weights(tmp_path / "nothing.pth")


class Options:
    """Stands for what training scripts save beside their tensors."""


def one_line(error) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert "\x1b" not in text
    return text


@pytest.mark.parametrize("zipped", [True, False])
def test_a_whole_pickled_model_is_called_one_with_the_lines_that_make_it_loadable(tmp_path, zipped):
    path = tmp_path / "whole.pth"
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(network, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(FcnEdgeError) as error:
        read_weights(path)
    text = one_line(error)
    assert (
        f"{path} is a whole pickled object (torch.nn.modules.container.Sequential), not its tensors" in text
    )
    load, save = text.partition("type in Python: ")[2].split("; ")
    assert run_lines(tmp_path, load, save) == {"0.weight", "0.bias"}


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("as_module", [True, False])
def test_a_checkpoint_with_objects_is_called_one(tmp_path, key, as_module):
    path = tmp_path / "checkpoint.ckpt"
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))
    torch.save({"epoch": 3, key: network if as_module else network.state_dict(), "options": Options()}, path)
    with pytest.raises(FcnEdgeError) as error:
        read_weights(path)
    text = one_line(error)
    assert f"{path} holds Python objects beside its tensors (" in text
    assert as_module or f"({Options.__module__}.Options)" in text
    load, save = text.partition("type in Python: ")[2].split("; ")
    assert run_lines(tmp_path, load, save) == {"0.weight", "0.bias"}


def test_a_torchscript_archive_is_called_one(tmp_path):
    path = tmp_path / "script.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))).save(str(path))
        with pytest.raises(FcnEdgeError) as error:
            read_weights(path)
        text = one_line(error)
        assert f"{path} is a TorchScript archive" in text
        load, save = text.partition("type: ")[2].split("; ")
        assert run_lines(tmp_path, load, save) == {"0.weight", "0.bias"}


def run_lines(folder, *lines) -> set[str]:
    """Do what the message says, in the file's folder, and return the names that are then read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        known = {"torch": torch}
        for line in lines:
            exec(line, known)
    return set(read_weights(folder / "weights.pth"))


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 cut", bytes(range(256)) * 9])
def test_what_is_no_file_of_torch_is_one_line(tmp_path, content):
    path = tmp_path / "page.pth"
    path.write_bytes(content)
    with pytest.raises(FcnEdgeError, match=r"page\.pth is not a readable weights file") as error:
        read_weights(path)
    assert len(one_line(error)) < 400


def test_tensors_without_names_are_one_sentence(tmp_path):
    torch.save({"state_dict": {1: torch.ones(1)}}, tmp_path / "numbered.pth")
    with pytest.raises(FcnEdgeError, match="holds a tensor under 1, which is no name"):
        load_weights(build_model(ModelSpec("fcn8s-resnet18", 3)), tmp_path / "numbered.pth")
