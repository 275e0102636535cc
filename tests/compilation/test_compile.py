"""Compilation of a small network end to end: the bundle, the verdict, the refusals before the work starts."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import torch
from golden.make_golden import smooth_frames

import fcn_edge.compilation.compile
import fcn_edge.evaluation.diff
from fcn_edge.backends.nvidia_layers import LAYERS, quantized_layers
from fcn_edge.bundle import read_bundle
from fcn_edge.compilation.calibrate import calibrate
from fcn_edge.compilation.compile import compile_checkpoint
from fcn_edge.data import Classes
from fcn_edge.evaluation.diff import diff
from fcn_edge.evaluation.evaluate import evaluate
from fcn_edge.ground.config import CompileConfig
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.models import build_model
from fcn_edge.models.spec import ModelSpec
from fcn_edge.network import door
from fcn_edge.quantize.sensitivity import LayerNoise
from fcn_edge.train.checkpoint import save_checkpoint

SIZE = (40, 56)
CLASSES = Classes(("sky", "road", "car"), ((128, 128, 128), (128, 64, 128), (64, 0, 128)))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data set in CamVid's layout: smooth frames, labelled by what is brightest."""
    root = tmp_path_factory.mktemp("data")
    (root / "classes.json").write_text(json.dumps({"classes": CLASSES.to_json(), "void_id": 255}))
    for split, seed in (("train", 0), ("val", 1)):
        for folder in (split, f"{split}annot"):
            (root / folder).mkdir()
        for index, frame in enumerate(smooth_frames(10, seed, SIZE)):
            cv2.imwrite(str(root / split / f"{index:03d}.png"), frame)
            cv2.imwrite(str(root / f"{split}annot" / f"{index:03d}.png"), frame.argmax(2).astype(np.uint8))
    return f"camvid:{root}"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    model = build_model(ModelSpec("fcn8s-mobilenet_v2", num_classes=3, head_width=16)).eval()
    for (
        module
    ) in model.modules():  # statistics as after training, so that activations neither die nor explode
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    model.train()
    with torch.no_grad():
        model(torch.randn(8, 3, 64, 64))
    folder = tmp_path_factory.mktemp("run")
    save_checkpoint(folder, model.eval(), CLASSES, {})
    return str(folder)


@pytest.fixture(scope="module", autouse=True)
def export_once() -> Iterator[None]:
    """One export a size and tail: the network of this file is always the same, and torch takes seconds.

    The gate runs in Python, which spares a process a compilation; tests/runtime/test_gate.py has the other.
    """
    real, done = door.frame_graph, {}

    def export(fcn: torch.nn.Module, size: tuple[int, int], tail: str) -> onnx.ModelProto:
        if (size, tail) not in done:
            done[size, tail] = real(fcn, size, tail)
        return done[size, tail]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door, "frame_graph", export)
        patch.setattr("fcn_edge.compilation.gate_runtime._binary", lambda: None)
        yield


def config(checkpoint: str, out: Path, data: str | None, **changes: Any) -> CompileConfig:
    """INT8 with limits that anything meets, unless `changes` say otherwise."""
    loose = {"max_drop": 1.0, "max_class_drop": 1.0, "min_agreement": 0.0}
    defaults = {"int8": True, "calibration_count": 8, "upsample": "keep", **loose}
    return CompileConfig(checkpoint, out, data=data, **{**defaults, **changes})


@pytest.fixture(scope="module")
def compiled(checkpoint: str, data: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("out") / "road.fcne"
    notes: list[str] = []
    result = compile_checkpoint(config(checkpoint, out, data), notes.append)
    return {"out": out, "result": result.to_json(), "notes": notes}


def test_result_has_the_keys_that_tools_rely_on(compiled: dict[str, Any]) -> None:
    result = compiled["result"]
    assert (result["target"], result["precision"]) == ("openvino", "int8")
    assert result["bundle"] == str(compiled["out"])
    assert {"verdict", "fp32_miou", "int8_miou", "drop", "agreement", "sentence"} <= set(result["gate"])
    assert result["gate"]["drop"] == result["gate"]["fp32_miou"] - result["gate"]["int8_miou"]
    assert result["layers"]["int8"] > 50
    assert result["layers"]["float"] == 1  # the 1x1 layer that makes the scores


def test_bundle_carries_what_was_measured(compiled: dict[str, Any]) -> None:
    bundle = read_bundle(compiled["out"])
    assert bundle.size == SIZE
    assert bundle.manifest["gate"]["agreement"] == compiled["result"]["gate"]["agreement"]
    assert bundle.manifest["gate"]["frames"] == 10
    assert bundle.manifest["gate"]["measured_by"].endswith(" in Python")
    assert set(bundle.manifest["evidence"]) == {"fp32", "int8"}
    record = json.loads((compiled["out"] / "evidence" / "calibration.json").read_text())
    assert len(record["frames"]) == record["count"] == 8
    assert any("ranges are steadier with 64" in text for text in compiled["result"]["warnings"])


def test_eval_of_the_bundle_gives_the_gates_number(compiled: dict[str, Any], data: str) -> None:
    found = evaluate(str(compiled["out"]), data)
    assert found["miou"] == pytest.approx(compiled["result"]["gate"]["int8_miou"], abs=1e-9)
    assert found["frames"] == found["drift"]["frames"] == 10
    assert 0 < found["drift"]["score"] < 5
    assert set(found["class_iou"]) == set(CLASSES.names)


def test_eval_of_the_checkpoint_gives_the_gates_fp32_number(
    compiled: dict[str, Any], checkpoint: str, data: str
) -> None:
    found = evaluate(checkpoint, data)
    assert found["miou"] == pytest.approx(compiled["result"]["gate"]["fp32_miou"], abs=2e-3)


def test_diff_of_a_bundle_with_itself_is_nothing_and_with_the_checkpoint_is_its_disagreement(
    compiled: dict[str, Any], checkpoint: str, data: str, tmp_path: Path
) -> None:
    out = str(compiled["out"])
    same = diff(out, out, data, tmp_path / "same")
    assert same["changed"] == same["boundary"] == same["interior"] == 0
    assert same["first_diverging"] is None
    found = diff(checkpoint, out, data, tmp_path / "diff")
    assert found["changed"] == pytest.approx(1 - compiled["result"]["gate"]["agreement"], abs=2e-3)
    assert json.loads((tmp_path / "diff" / "diff.json").read_text()) == found
    assert (tmp_path / "diff" / "heat.png").is_file()
    assert (tmp_path / "diff" / f"{found['worst_frames'][0]['frame']}.png").is_file()
    assert found["layers"][0]["name"] == "backbone.features.0.0"


def test_a_refused_bundle_is_written_marked_and_does_not_open(
    checkpoint: str, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranked = [LayerNoise("backbone.features.3.1", 9.5), LayerNoise("head.score", 30.0)]
    monkeypatch.setattr("fcn_edge.compilation.gating.rank_layers", lambda *arguments: ranked)
    out = tmp_path / "refused.fcne"
    result = compile_checkpoint(config(checkpoint, out, data, min_agreement=1.0, mixed=False, limit=4))
    assert result.gate.verdict == "fail"
    sentence = result.to_json()["gate"]["sentence"]
    assert "needed are 100%" in sentence
    assert "to blame: layer backbone.features.3.1 (9.5 dB of the scores when it alone is INT8)" in sentence
    evidence = json.loads((out / "evidence" / "sensitivity.json").read_text())
    assert [layer["name"] for layer in evidence] == ["backbone.features.3.1", "head.score"]
    assert read_bundle(out).verdict == "fail"
    with pytest.raises(FcnEdgeError, match="says 'fail'"):
        fcn_edge.open(out)


def test_calibration_on_black_frames_is_caught_by_the_doctor_and_by_the_gate(
    checkpoint: str, data: str, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(data.removeprefix("camvid:"), tmp_path / "data"))
    for path in (root / "train").iterdir():
        cv2.imwrite(str(path), np.zeros((*SIZE, 3), np.uint8))
    limits = {"max_drop": 0.01, "max_class_drop": None, "min_agreement": 0.9}
    result = compile_checkpoint(config(checkpoint, tmp_path / "black.fcne", f"camvid:{root}", **limits))
    assert any("8 of 8 calibration frames are nearly black" in text for text in result.warnings)
    assert result.gate.verdict == "fail"
    assert result.gate.why[-1] == "to blame: 8 of 8 calibration frames are blank"
    assert any("equal: the bundle cannot tell drift" in text for text in result.warnings)
    assert "drift.json" not in read_bundle(tmp_path / "black.fcne").manifest["files"]


def test_a_written_calibration_set_is_used_as_it_is_and_refused_when_its_frames_change(
    checkpoint: str, data: str, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(data.removeprefix("camvid:"), tmp_path / "data"))
    record = calibrate(
        f"camvid:{root}", count=8, labelled=True, like=f"camvid:{root}", out=tmp_path / "set.json"
    )
    options = {"calibration": tmp_path / "set.json", "limit": 2}
    compile_checkpoint(config(checkpoint, tmp_path / "a.fcne", f"camvid:{root}", **options))
    used = json.loads((tmp_path / "a.fcne" / "evidence" / "calibration.json").read_text())
    assert used["frames"] == record["frames"]
    assert used["sha256"] == record["sha256"]
    first = root / "train" / f"{record['frames'][0]}.png"
    cv2.imwrite(str(first), np.zeros((*SIZE, 3), np.uint8))
    with pytest.raises(FcnEdgeError, match=r"the frames of .*set\.json have changed"):
        compile_checkpoint(config(checkpoint, tmp_path / "b.fcne", f"camvid:{root}", **options))
    first.unlink()
    (root / "trainannot" / first.name).unlink()
    with pytest.raises(FcnEdgeError, match=f"has no frame {first.stem}"):
        compile_checkpoint(config(checkpoint, tmp_path / "b.fcne", f"camvid:{root}", **options))


def test_auto_tries_every_method_on_held_out_frames_and_ships_the_best(
    checkpoint: str, data: str, tmp_path: Path
) -> None:
    out = tmp_path / "auto.fcne"
    compile_checkpoint(config(checkpoint, out, data, recipe="auto", limit=2))
    trials = json.loads((out / "evidence" / "recipes.json").read_text())
    assert {trial["method"] for trial in trials} == {"minmax", "percentile", "entropy", "mse"}
    assert trials[0]["agreement"] == max(trial["agreement"] for trial in trials)
    used = json.loads((out / "evidence" / "quantize.json").read_text())["recipe"]
    assert used["method"] == trials[0]["method"]


def test_fp32_bundle_equals_pytorch(checkpoint: str, data: str, tmp_path: Path) -> None:
    out = tmp_path / "fp32.fcne"
    result = compile_checkpoint(config(checkpoint, out, data, int8=False, target="onnx", limit=4))
    assert result.to_json()["precision"] == "fp32"
    assert result.layers["int8"] == 0
    assert result.gate.agreement is not None
    assert result.gate.agreement > 0.999
    assert read_bundle(out).manifest["output"]["tail"] == "mask"
    assert fcn_edge.open(out, allow_ungated=True)(smooth_frames(1)[0]).shape == SIZE


@pytest.mark.parametrize("target", ["tensorrt", "tensorrt-rtx"])
def test_nvidia_bundles_are_judged_by_the_oracle_and_say_so(
    checkpoint: str, data: str, tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No GPU here: the bundle is whole all the same, and names what is left to do on the device."""
    if target == "tensorrt-rtx":
        pytest.importorskip("tensorrt_rtx_bindings", reason="optional: pip install '.[tensorrt-rtx]'")
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    out = tmp_path / "road.fcne"
    result = compile_checkpoint(config(checkpoint, out, data, target=target, limit=2)).to_json()
    bundle = read_bundle(out)
    assert result["gate"]["oracle"] is bundle.manifest["gate"]["oracle"] is True
    assert result["gate"]["engine"] == "onnxruntime"
    computed = ("Conv",) if target == "tensorrt-rtx" else LAYERS  # transposed ones its builder turns to float
    assert result["layers"]["int8"] == len(quantized_layers(onnx.load(bundle.model), computed)) > 50
    assert result["next"] == (f"fcn-edge build-engine {out}" if target == "tensorrt" else "")
    engines = [name for name in bundle.manifest["files"] if name.endswith(".engine")]
    assert len(engines) == (1 if target == "tensorrt-rtx" else 0)
    half = {tensor.name for tensor in onnx.load(bundle.model).graph.initializer if tensor.data_type == 10}
    assert half  # what is not INT8 computes in float16


def test_fp16_bundle_computes_in_float16_and_keeps_the_masks(
    checkpoint: str, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    out = tmp_path / "half.fcne"
    result = compile_checkpoint(
        config(checkpoint, out, data, int8=False, half=True, target="tensorrt", limit=2)
    )
    assert (result.precision, read_bundle(out).manifest["precision"]) == ("fp16", "fp16")
    assert set(read_bundle(out).manifest["evidence"]) == {"fp32", "fp16"}
    model = onnx.load(read_bundle(out).model)
    floats = {tensor.data_type for tensor in model.graph.initializer} & {onnx.TensorProto.FLOAT, 10}
    assert floats - {onnx.TensorProto.FLOAT} == {10}
    assert result.gate.agreement is not None
    assert result.gate.agreement > 0.99


def test_a_bundle_that_the_program_refuses_is_an_error_and_not_written(
    checkpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "fcn-edge-stream"
    program.write_text("#!/bin/sh\necho 'fcn-edge-stream: error: drift.json is odd' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr("fcn_edge.compilation.gate_runtime._binary", lambda: program)
    with pytest.raises(FcnEdgeError, match=r"not written: fcn-edge-stream: drift\.json is odd"):
        compile_checkpoint(config(checkpoint, tmp_path / "out.fcne", None, int8=False, size=(32, 48)))
    assert [path.name for path in tmp_path.iterdir()] == ["fcn-edge-stream"]


def test_a_network_that_finds_nothing_is_said(
    checkpoint: str, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = fcn_edge.compilation.compile.measure

    def blind(*arguments: Any) -> Any:
        found = measure(*arguments)
        found.evidence["fp32"] = {
            **found.evidence["fp32"],
            "class_iou": {"sky": 0.7, "road": 0.0, "car": 0.0},
        }
        return found

    monkeypatch.setattr(fcn_edge.compilation.compile, "measure", blind)
    result = compile_checkpoint(
        config(checkpoint, tmp_path / "a.fcne", data, int8=False, target="onnx", limit=2)
    )
    assert any("finds no pixel of road, car" in text for text in result.warnings)


def test_data_of_as_many_other_classes_names_the_first_that_differs(
    checkpoint: str, data: str, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(data.removeprefix("camvid:"), tmp_path / "data"))
    other = Classes(("sky", "street", "car"), CLASSES.palette)
    (root / "classes.json").write_text(json.dumps({"classes": other.to_json(), "void_id": 255}))
    with pytest.raises(FcnEdgeError, match=rf"class 1 is 'street' in camvid and 'road' in {checkpoint};"):
        evaluate(checkpoint, f"camvid:{root}")


def test_without_data_the_bundle_is_ungated(checkpoint: str, tmp_path: Path) -> None:
    out = tmp_path / "ungated.fcne"
    result = compile_checkpoint(config(checkpoint, out, None, int8=False, size=(32, 48)))
    assert result.gate.verdict == read_bundle(out).verdict == "ungated"
    assert any("ungated" in text for text in result.warnings)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"target": "tensorrtx"}, MisuseError, "unknown target 'tensorrtx'; did you mean 'tensorrt'"),
        ({"target": "torchscript"}, MisuseError, "torchscript is float only"),
        ({"split": "night"}, FcnEdgeError, "no split 'night'"),
        ({"calibration_count": 4}, MisuseError, "4 calibration frames are too few"),
        ({"recipe": "none.toml"}, FcnEdgeError, "no such recipe"),
        ({"calibration_split": "night"}, FcnEdgeError, "no split 'night'"),
    ],
)
def test_bad_options_are_one_sentence_and_write_nothing(
    checkpoint: str, data: str, tmp_path: Path, changes: dict[str, Any], error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        compile_checkpoint(config(checkpoint, tmp_path / "never.fcne", data, **changes))
    assert list(tmp_path.iterdir()) == []


def test_int8_without_data_and_no_size_are_misuse(checkpoint: str, tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="--int8 needs frames"):
        compile_checkpoint(config(checkpoint, tmp_path / "never.fcne", None))
    with pytest.raises(MisuseError, match="no frame size"):
        compile_checkpoint(config(checkpoint, tmp_path / "never.fcne", None, int8=False))


def test_frames_without_labels_are_gated_on_agreement(checkpoint: str, data: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(data.removeprefix("camvid:"), tmp_path / "data"))
    for split in ("train", "val"):
        shutil.rmtree(root / f"{split}annot")
    result = compile_checkpoint(
        config(checkpoint, tmp_path / "a.fcne", f"camvid:{root}", labelled=False, limit=3)
    )
    assert (result.gate.metric, result.gate.verdict) == ("agreement", "pass")
    assert result.gate.drop == pytest.approx(1 - result.to_json()["gate"]["agreement"])
    assert result.gate.fp32_miou is None


def test_data_of_other_classes_is_refused_by_compile_and_eval(checkpoint: str, tmp_path: Path) -> None:
    with pytest.raises(FcnEdgeError, match=r"streets has 11 classes.*was trained on 3"):
        compile_checkpoint(config(checkpoint, tmp_path / "never.fcne", "streets:48x64"))
    with pytest.raises(FcnEdgeError, match=r"streets has 11 classes.*was trained on 3"):
        evaluate(checkpoint, "streets:48x64")


def test_a_bad_mask_of_the_gate_is_found_before_anything_is_made(
    checkpoint: str, data: str, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(data.removeprefix("camvid:"), tmp_path / "data"))
    masks = sorted((root / "valannot").iterdir())
    masks[-1].write_bytes(masks[-1].read_bytes()[:-20])
    notes: list[str] = []
    with pytest.raises(FcnEdgeError, match=f"{masks[-1].name} is cut short"):
        compile_checkpoint(config(checkpoint, tmp_path / "never.fcne", f"camvid:{root}"), notes.append)
    assert notes == []
