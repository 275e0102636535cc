"""`fcn-edge sensitivity`: a ranked table, written with a picture; every layer alone in INT8 and in float."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from golden.tiny_fcn import TinyFCN

from fcn_edge.compilation import sensitivity as module
from fcn_edge.data import open_dataset
from fcn_edge.ground.config import CompileConfig
from fcn_edge.ground.errors import MisuseError
from fcn_edge.models.spec import ModelSpec
from fcn_edge.network import door
from fcn_edge.train.checkpoint import Checkpoint

DATA = "streets:48x64"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every checkpoint be the tiny network."""
    spec = ModelSpec("fcn8s-mobilenet_v2", 11)
    found = Checkpoint(TinyFCN(11), spec, open_dataset(DATA, "train").classes, {}, "")
    monkeypatch.setattr(door, "load_checkpoint", lambda where: found)


def config(**changes: object) -> CompileConfig:
    return CompileConfig("tiny", Path("unused"), data=DATA, int8=True, calibration_count=8, **changes)


def test_every_layer_is_ranked_timed_written_and_drawn(tiny: None, tmp_path: Path) -> None:
    notes: list[str] = []
    result = module.sensitivity(config(), tmp_path, progress=notes.append)
    rows = result["layers"]
    assert len(rows) == len({row["name"] for row in rows}) == 11
    noise = [row["sqnr_db"] for row in rows]
    assert noise == sorted(noise)
    assert all(np.isfinite(row["saved_ms"]) for row in rows)
    assert "11/11 layers alone in INT8" in notes
    written = json.loads((tmp_path / "sensitivity.json").read_text())
    assert written["layers"] == rows
    picture = cv2.imread(result["picture"])
    assert np.array_equal(picture, module.draw(rows))


def test_the_longest_bar_belongs_to_the_noisiest_layer() -> None:
    rows = [{"name": "a", "sqnr_db": 10.0}, {"name": "b", "sqnr_db": 16.0}, {"name": "c", "sqnr_db": 40.0}]
    picture = module.draw(rows)
    lengths = [
        int((picture[module.EDGE + module.ROW * (n + 1) + 3] == module.BLUE).all(axis=1).sum())
        for n in range(3)
    ]
    assert lengths[1] / lengths[0] == pytest.approx(0.5, abs=0.02)  # 6 dB are half of the amplitude
    assert lengths[2] < lengths[1] / 10


def test_float_targets_have_no_sensitivity() -> None:
    with pytest.raises(MisuseError, match="torchscript is float only"):
        module.sensitivity(config(target="torchscript"))
