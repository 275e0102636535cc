"""`inspect` states facts that hold: costs, upsamplers, classes, and what the manifest of a bundle says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fcn_edge.cli import run
from fcn_edge.data.camvid import CAMVID_11
from fcn_edge.evaluation.inspect import inspect_subject
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models import build_model
from fcn_edge.models.spec import ModelSpec
from fcn_edge.train.checkpoint import save_checkpoint

GOLDEN = Path(__file__).parents[1] / "golden" / "tiny.fcne"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    save_checkpoint(folder, build_model(ModelSpec("fcn8s-resnet18", num_classes=11)), CAMVID_11, {})
    return folder


def test_macs_of_resnet18_at_its_own_size_are_the_published_ones(checkpoint: Path) -> None:
    facts = inspect_subject(str(checkpoint), size=(224, 224)).facts
    backbone = sum(layer["mmac"] for layer in facts["layers"] if layer["name"].startswith("backbone."))
    assert backbone / 1e3 == pytest.approx(1.814, abs=0.01)  # torchvision: 1.814 GMAC with the 0.5 M of fc


def test_macs_grow_with_the_area_of_the_frame(checkpoint: Path) -> None:
    small, large = (
        inspect_subject(str(checkpoint), size=size).facts["gmac"] for size in ((64, 64), (128, 128))
    )
    assert large == pytest.approx(4 * small, rel=0.01)


def test_bilinear_upsamplers_of_a_new_fcn_have_no_ripple(checkpoint: Path) -> None:
    upsamplers = inspect_subject(str(checkpoint)).facts["upsamplers"]
    assert [(layer["kernel"], layer["stride"]) for layer in upsamplers] == [([4, 4], [2, 2])] * 2
    assert all(layer["checkerboard"]["ripple"] < 1e-6 for layer in upsamplers)


def test_text_for_people_names_model_classes_and_upsamplers(checkpoint: Path) -> None:
    text = inspect_subject(str(checkpoint)).to_text()
    for word in ("fcn8s-resnet18", "pedestrian", "GMAC", "receptive field", "up.16", "up.8"):
        assert word in text


def test_bundle_is_described_from_its_verified_manifest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(GOLDEN), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    manifest = json.loads((GOLDEN / "manifest.json").read_text())
    assert facts["kind"] == "bundle"
    assert {key: facts[key] for key in manifest} == manifest
    assert manifest["name"] in inspect_subject(str(GOLDEN)).to_text()


def test_size_of_a_bundle_cannot_be_chosen() -> None:
    with pytest.raises(FcnEdgeError, match="--size"):
        inspect_subject(str(GOLDEN), size=(10, 10))
