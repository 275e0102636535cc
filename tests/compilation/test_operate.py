"""Measuring candidates on an engine: on which frames, and on which graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from surgery.nets import deconvs_of, frames, replace, scores_of, tiny_fcn

from fcn_edge.compilation.operate import JUDGE_FRAMES, TargetMeasure, halve
from fcn_edge.ground.config import CompileConfig
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.surgery.apply import substitute
from fcn_edge.surgery.candidates import make_candidate
from fcn_edge.surgery.fidelity import agreement

SIZE = (37, 53)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small FCN exported as it is; torch takes seconds for that."""
    return export_onnx(tiny_fcn(), SIZE, "scores", tmp_path_factory.mktemp("kept") / "kept.onnx")


def numbered(count: int) -> CalibrationSet:
    frames = [np.full((2, 3, 3), number, np.uint8) for number in range(count)]
    return CalibrationSet(frames, [f"{number:03d}" for number in range(count)], "test", 0, "0")


@pytest.mark.parametrize("count", [8, 9, 24, 64, 200])
def test_no_candidate_is_judged_on_a_frame_that_it_was_fitted_or_quantized_with(count: int) -> None:
    halves = halve(numbered(count))
    learned = {int(frame[0, 0, 0]) for frame in halves.learn.frames}
    judged = {int(frame[0, 0, 0]) for frame in halves.judge}
    assert not learned & judged
    assert learned | judged == set(range(count)), "every frame is used"
    assert len(halves.judge) == min(JUDGE_FRAMES, count // 2)
    assert halves.learn.stems == [f"{number:03d}" for number in sorted(learned)]
    assert len(judged & set(range(count // 2, count))) >= len(judged) // 2, "spread over the whole set"


def test_graph_with_substituted_layers_computes_what_the_operated_network_does(kept: Path) -> None:
    kinds = {"up.16": "resize-conv", "up.8": "bilinear", "final": "subpixel"}
    operated = replace(tiny_fcn(), kinds)
    layers = deconvs_of(tiny_fcn())
    stand_ins = {name: make_candidate(layers[name], kind).module for name, kind in kinds.items()}
    after = substitute(onnx.load(kept), stand_ins)
    onnx.checker.check_model(after, full_check=True)
    layers = [node.name for node in after.graph.node if node.op_type in ("Conv", "ConvTranspose")]
    assert {f"{name}.conv" for name in kinds} <= set(layers), "named as in an export of the operated network"
    session = ort.InferenceSession(after.SerializeToString(), providers=["CPUExecutionProvider"])
    picture = frames(1, SIZE)[0]
    (scores,) = session.run(None, {"frame": picture[None]})
    expected = scores_of(operated, [picture])[0]
    assert np.abs(scores[0] - expected).max() < 1e-4 * np.abs(expected).max()


def test_network_is_measured_in_int8_against_the_original_in_fp32(kept: Path) -> None:
    calibration = CalibrationSet(frames(8, SIZE), [str(i) for i in range(8)], "test", 0, "0")
    halves = halve(calibration)
    measure = TargetMeasure(kept, CompileConfig("unused", Path("unused"), int8=True), halves)
    model = tiny_fcn()
    original = measure({})
    assert original.agreement > 0.8
    assert 15 < original.sqnr_db < 80, "INT8 is not fp32"
    assert original.latency_ms is not None
    lossy = replace(model, {"final": "bilinear"})
    loss = agreement(scores_of(model, halves.judge), scores_of(lossy, halves.judge))
    bilinear = make_candidate(deconvs_of(model)["final"], "bilinear").module
    assert measure({"final": bilinear}).agreement == pytest.approx(loss, abs=0.1), "it pays for its own error"
