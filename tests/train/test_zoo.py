"""The shipped checkpoint is what its card says."""

import re
from functools import partial

import pytest

from fcn_edge.data import open_dataset
from fcn_edge.data.camvid import CAMVID_11
from fcn_edge.ground.artifacts import read_json, sha256_file
from fcn_edge.models.cost import count_macs
from fcn_edge.models.frames import predict_mask
from fcn_edge.train import evaluate, load_checkpoint
from fcn_edge.train.checkpoint import ZOO
from fcn_edge.train.splits import Subset

pytestmark = pytest.mark.skipif(not (ZOO / "road.safetensors").exists(), reason="zoo:road is not built yet")


@pytest.fixture(scope="module")
def road():
    return load_checkpoint("zoo:road")


def test_it_is_small_enough_to_ship_and_to_run(road):
    assert (ZOO / "road.safetensors").stat().st_size <= 10_000_000
    assert count_macs(road.model, (360, 480)).gmac <= 2.0


def test_its_classes_are_those_of_camvid(road):
    assert road.classes == CAMVID_11


def test_the_json_beside_it_describes_these_weights(road):
    about = read_json(ZOO / "road.json")
    assert about["weights_sha256"] == road.weights_sha256 == sha256_file(ZOO / "road.safetensors")
    assert about["info"] == road.info
    assert about["spec"] == road.spec.to_json()


def test_no_folder_of_the_machine_it_was_made_on_is_recorded():
    words = re.split(r"[\s\":=]+", (ZOO / "road.json").read_text())
    assert [word for word in words if word.startswith("/")] == []


def test_it_scores_on_camvid_what_the_card_says(road, camvid_root):
    val = open_dataset(f"camvid:{camvid_root}", "val")
    every = list(range(0, len(val), 10))
    found = evaluate(partial(predict_mask, road.model), Subset(val, every))
    claimed = read_json(ZOO / "road.json")["val"]
    assert claimed["frames"] == len(val)
    assert found.miou == pytest.approx(claimed["miou"], abs=0.04)  # a tenth of the frames
    assert found.pixel_accuracy == pytest.approx(claimed["pixel_accuracy"], abs=0.02)
