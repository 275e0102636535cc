"""`train --qat` and `compile` on its checkpoint: the ranges that were learned are the ones that ship."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from surgery.nets import replace
from train.tiny_tree import write_tree

from fcn_edge.compilation.compile import compile_checkpoint
from fcn_edge.compilation.qat import train_for_int8
from fcn_edge.evaluation.evaluate import evaluate
from fcn_edge.ground.config import CompileConfig, TrainConfig
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.train import load_checkpoint, save_checkpoint, train


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path | str]:
    """A trained network, and the same one trained on with INT8 in the loop."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("qat")
    data = f"camvid:{write_tree(root / 'data', train=8)}"
    config = TrainConfig(
        data, root / "float", "fcn16s-mobilenet_v2", head_width=8, epochs=2, batch=4, lr=5e-3, ema=0,
        augment="none", crop=(64, 64), device="cpu",
    )  # fmt: skip
    train(config)
    rounding = dataclasses.replace(
        config, out=root / "int8", start=str(root / "float"), qat=True, epochs=1, lr=1e-3, ema=0.5
    )
    train_for_int8(rounding)
    return {"data": data, "float": root / "float", "int8": root / "int8", "root": root}


def compiled(runs: dict, out: Path, **changes: object) -> dict:
    config = CompileConfig(
        str(runs["int8"]), out, data=runs["data"], int8=True, calibration_count=8, max_drop=1.0,
        max_class_drop=1.0, min_agreement=0.0, **changes,
    )  # fmt: skip
    compile_checkpoint(config)
    return json.loads((out / "evidence" / "quantize.json").read_text())


def test_the_checkpoint_holds_ranges_that_moved_and_an_ordinary_network(runs: dict) -> None:
    before, after = load_checkpoint(runs["float"]), load_checkpoint(runs["int8"])
    assert after.spec == before.spec
    assert "qat" not in before.info
    assert after.info["qat"]["weights"] == "pairs"
    assert after.info["qat"]["ranges"]["frame"] > 0
    assert evaluate(str(runs["int8"]), runs["data"])["frames"] == 3


def test_compile_ships_the_learned_ranges_and_scores_what_training_scored(runs: dict, tmp_path: Path) -> None:
    used = compiled(runs, tmp_path / "net.fcne", target="onnx")
    learned = load_checkpoint(runs["int8"]).info
    assert used["recipe"] == {"method": "trained", "weights": "pairs"}
    assert used["ranges"]["Add_0"] == pytest.approx(learned["qat"]["ranges"]["frame"])
    assert used["float_layers"] == []
    assert used["bias_correction"] == {}
    shipped = evaluate(str(tmp_path / "net.fcne"), runs["data"])
    assert shipped["pixel_accuracy"] == pytest.approx(learned["metrics"]["pixel_accuracy"], abs=0.01)


def test_a_recipe_asks_for_calibration_instead(runs: dict, tmp_path: Path) -> None:
    used = compiled(runs, tmp_path / "net.fcne", recipe="minmax", upsample="keep")
    assert used["recipe"]["method"] == "minmax"
    assert used["bias_correction"]


def test_ranges_of_other_weights_and_surgery_are_refused(runs: dict, tmp_path: Path) -> None:
    found = load_checkpoint(runs["int8"])
    with torch.no_grad():
        found.model.classifier.weight.mul_(2)
    save_checkpoint(tmp_path / "other", found.model, found.classes, found.info)
    with pytest.raises(FcnEdgeError, match="learned with other weights"):
        compiled({**runs, "int8": tmp_path / "other"}, tmp_path / "never.fcne")
    with pytest.raises(MisuseError, match="was trained for INT8 as it is"):
        compiled(runs, tmp_path / "never.fcne", upsample="subpixel")
    assert not (tmp_path / "never.fcne").exists()


def test_a_network_learns_int8_after_surgery(runs: dict, tmp_path: Path) -> None:
    """The order that docs/int8.md gives: surgery --out, then train --qat --from it, then compile."""
    found = load_checkpoint(runs["float"])
    operated = replace(found.model, {"up.16": "subpixel"})
    save_checkpoint(tmp_path / "operated", operated, found.classes, {})
    config = TrainConfig(
        runs["data"], tmp_path / "int8", start=str(tmp_path / "operated"), qat=True, epochs=1, batch=4, ema=0,
        augment="none", crop=(64, 64), device="cpu", lr=1e-3,
    )  # fmt: skip
    train_for_int8(config)
    assert load_checkpoint(config.out).spec.upsamplers == {"up.16": "subpixel"}
    used = compiled({**runs, "int8": config.out}, tmp_path / "net.fcne", target="onnx")
    assert "up.16.conv" in used["int8_layers"]
    assert used["recipe"]["method"] == "trained"


def test_qat_needs_a_trained_network_of_the_same_classes(runs: dict, tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match=r"--qat fine-tunes a trained network.*--from RUN"):
        TrainConfig(runs["data"], tmp_path, qat=True)
    with pytest.raises(FcnEdgeError, match=r"has 11 classes, camvid:.* has "):
        train(TrainConfig(runs["data"], tmp_path, start="zoo:road", epochs=1))
