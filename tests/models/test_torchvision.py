"""Every torchvision model that `fcn-edge load` knows takes torchvision's tensors by torchvision's names."""

import math
import re
from collections import defaultdict
from pathlib import Path

import pytest
import torch

from fcn_edge.data.camvid import CAMVID_11
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models import load, weights

# Parameters that torchvision's documentation of the published weights states (`num_params`).
PUBLISHED = {
    "alexnet": 61_100_840, "vgg16": 138_357_544, "resnet18": 11_689_512, "resnet34": 21_797_672,
    "resnet50": 25_557_032, "mobilenet_v2": 3_504_872, "mobilenet_v3_large": 5_483_032,
    "mobilenet_v3_small": 2_542_856, "fcn_resnet50": 35_322_218, "fcn_resnet101": 54_314_346,
}  # fmt: skip
BATCHNORM = ("weight", "bias", "running_mean", "running_var")


def published_shapes() -> dict[str, dict[str, tuple[int, ...]]]:
    """Read torchvision_0_28.txt: model -> key -> shape."""
    found: dict[str, dict[str, tuple[int, ...]]] = defaultdict(dict)
    name = ""
    for line in (Path(__file__).parent / "torchvision_0_28.txt").read_text().splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif not line.startswith("#"):
            key, _, size = line.partition(" ")
            shape = tuple(int(n) for n in size.split("x"))
            if key.endswith(".*"):
                prefix = key.removesuffix("*")
                found[name] |= {prefix + part: shape for part in BATCHNORM}
                found[name][f"{prefix}num_batches_tracked"] = ()
            else:
                found[name][key] = shape
    return found


SHAPES = published_shapes()


@pytest.fixture
def load_shapes(monkeypatch):
    """Load tensors that have a shape and no values, so that VGG-16 takes no half gigabyte."""

    def from_shapes(name, shapes):
        tensors = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
        for module in (load, weights):
            monkeypatch.setattr(module, "read_weights", lambda path: dict(tensors))
        with torch.device("meta"):
            classes = None if name.startswith("fcn") else CAMVID_11
            return load.load_source(f"torchvision:{name}", Path("published.pth"), classes)

    return from_shapes


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_list_has_the_parameters_that_torchvision_states(name):
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    assert (
        sum(math.prod(shape) for key, shape in SHAPES[name].items() if not key.endswith(buffers))
        == PUBLISHED[name]
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_tensor_finds_its_place(load_shapes, name):
    report = load_shapes(name, SHAPES[name]).report
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())
    assert report.loaded + report.classifier == len(SHAPES[name])


@pytest.mark.parametrize("name", [name for name in PUBLISHED if not name.startswith("fcn")])
def test_a_key_too_few_too_many_or_of_another_shape_is_listed(load_shapes, name):
    first, second = list(SHAPES[name])[:2]
    changed = {**SHAPES[name], "stranger.weight": (3,), second: (1, 2, 3, 4)}
    del changed[first]
    listed = f"1 missing ({first}); 1 unexpected (stranger.weight); 1 mismatched ({second})"
    with pytest.raises(FcnEdgeError, match=re.escape(listed)):
        load_shapes(name, changed)


@pytest.mark.parametrize("name", ["fcn_resnet50", "fcn_resnet101"])
def test_a_whole_fcn_with_a_hole_is_refused(load_shapes, name):
    shapes = {key: shape for key, shape in SHAPES[name].items() if key != "backbone.layer4.0.conv1.weight"}
    with pytest.raises(FcnEdgeError, match=r"1 missing \(backbone\.body\.layer4\.0\.conv1\.weight\)"):
        load_shapes(name, shapes)
