"""Sensitivity: the layer with spoilt ranges is found, and only as many layers go to float as needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from golden.make_golden import smooth_frames
from golden.tiny_fcn import TinyFCN

from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.placement import score_tensor
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.quantize.sensitivity import LayerNoise, fewest_float_layers, rank_layers
from fcn_edge.quantize.table import measure_ranges


@pytest.mark.parametrize("tail", ["scores", "mask"])
def test_the_layer_whose_input_range_is_spoilt_is_the_noisiest(tail: str, tmp_path: Path) -> None:
    frames = smooth_frames(8)
    calibration = CalibrationSet(frames, [f"{i}" for i in range(8)], "smooth noise", 0, "")
    fp32 = export_onnx(TinyFCN(), (48, 64), tail, tmp_path / "m.onnx")
    table = measure_ranges(fp32, calibration)
    spoilt = replace(table.seen["Clip_2"], peak=table.seen["Clip_2"].peak / 20)  # what backbone.1.1.3 reads
    table = replace(table, seen={**table.seen, "Clip_2": spoilt})
    ranked = rank_layers(fp32, table, Recipe("minmax", weights="full"), frames[:2])
    assert ranked[0].name == "backbone.1.1.3"
    assert len(ranked) == 11
    assert ranked[0].sqnr_db < ranked[1].sqnr_db - 5
    recipe = Recipe("minmax", weights="full", float_layers=("backbone.1.1.3", "score8"))
    rest = rank_layers(fp32, table, recipe, frames[:1])  # what is float already is not to blame
    assert {layer.name for layer in rest} == {layer.name for layer in ranked} - set(recipe.float_layers)


def test_scores_are_found_behind_a_mask_tail(tmp_path: Path) -> None:
    masks = onnx.load(export_onnx(TinyFCN(), (45, 61), "mask", tmp_path / "mask.onnx"))
    assert score_tensor(masks) == "Add_2"
    scores = onnx.load(export_onnx(TinyFCN(), (45, 61), "scores", tmp_path / "scores.onnx"))
    assert score_tensor(scores) == "scores"


@pytest.mark.parametrize("needed", range(1, 12))
def test_bisection_keeps_exactly_as_many_layers_in_float_as_needed(needed: int) -> None:
    ranked = [LayerNoise(f"layer{i}", float(i)) for i in range(20)]
    asked = []

    def passes(names: tuple[str, ...]) -> bool:
        asked.append(names)
        return len(names) >= needed

    found = fewest_float_layers(ranked, 10, passes)
    if needed > 10:
        assert found is None
    else:
        assert found == tuple(f"layer{i}" for i in range(needed))
    assert len(asked) <= 5
