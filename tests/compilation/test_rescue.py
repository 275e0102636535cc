"""Mixed precision end to end: INT8 fails the gate, and passes with the few layers in float that it takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from golden.tiny_fcn import TinyFCN

from fcn_edge.bundle import read_bundle
from fcn_edge.compilation.compile import compile_checkpoint
from fcn_edge.data import open_dataset
from fcn_edge.ground.config import CompileConfig
from fcn_edge.models.spec import ModelSpec
from fcn_edge.network import door
from fcn_edge.train.checkpoint import Checkpoint

DATA = "streets:48x64"
OUTLIER = 512.0


@torch.no_grad()
def with_an_outlier() -> TinyFCN:
    """Return a network in which one channel of one tensor is 512 times as large, and its readers know it."""
    net = TinyFCN(11)
    norm, readers = net.backbone[1][1][4], (net.backbone[2][0], net.score8)
    norm.weight[0] *= OUTLIER
    norm.bias[0] *= OUTLIER
    for conv in readers:
        conv.weight[:, 0] /= OUTLIER
    net.spec = ModelSpec("fcn8s-mobilenet_v2", 11)
    return net


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CompileConfig:
    """INT8 without equalization, which would mend this network; five pixels in a hundred may change."""
    classes = open_dataset(DATA, "val").classes
    made = Checkpoint(with_an_outlier(), ModelSpec("fcn8s-mobilenet_v2", 11), classes, {}, "")
    monkeypatch.setattr(door, "load_checkpoint", lambda where: made)
    (tmp_path / "plain.toml").write_text('method = "minmax"\nequalize = false\n')
    return CompileConfig(
        "tiny", tmp_path / "net.fcne", data=DATA, int8=True, calibration_count=8, upsample="keep", limit=4,
        labelled=False, max_drop=0.05, recipe=str(tmp_path / "plain.toml"),
    )  # fmt: skip


def test_exactly_the_readers_of_the_outlier_stay_float_and_the_gate_passes(config: CompileConfig) -> None:
    notes: list[str] = []
    result = compile_checkpoint(config, notes.append)
    assert any(text.startswith("the gate refuses: measuring one layer at a time") for text in notes)
    assert result.gate.verdict == read_bundle(config.out).verdict == "pass"
    assert result.layers == {"int8": 9, "float": 2}
    used = json.loads((config.out / "evidence" / "quantize.json").read_text())
    assert set(used["float_layers"]) == {"backbone.2.0", "score8"}
    ranked = json.loads((config.out / "evidence" / "sensitivity.json").read_text())
    assert {row["name"] for row in ranked[:2]} == {"backbone.2.0", "score8"}
