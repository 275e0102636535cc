"""Rivals: their table, their processes, and what happens when one is absent, fails or dies."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fcn_edge.bench.rivals import RIVALS, Rival, RivalContext
from fcn_edge.bench.rivals import field as field_module
from fcn_edge.bench.rivals.field import Field, check_names
from fcn_edge.bench.rivals.frames import first_frames
from fcn_edge.config import BenchConfig
from fcn_edge.errors import FcnEdgeError, MisuseError

WORKER = """
import json, sys
import numpy as np
name, context = sys.argv[1], json.loads(sys.argv[2])
if name == "failing":
    sys.exit("ValueError: this operator is not known")
np.save(context["folder"] + "/" + name + ".masks.npy", np.ones((2, 4, 6), np.uint8))
for number, line in enumerate(sys.stdin):
    if name == "dying" and number == 1:
        sys.exit("out of memory")
    print(json.dumps([20.0] * int(line.split()[1])), flush=True)
"""


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RivalContext:
    """Let a stand-in answer for three made-up rivals."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    for name, package in (
        ("steady", "numpy"),
        ("failing", "numpy"),
        ("dying", "numpy"),
        ("absent", "no_such"),
    ):
        monkeypatch.setitem(RIVALS, name, Rival(_settings, package, "no-such"))
    monkeypatch.setattr(
        field_module, "worker_command", lambda name, about: [sys.executable, str(script), name, about]
    )
    return RivalContext("run", (4, 6), tmp_path / "f.npy", tmp_path / "c.npy", tmp_path, 2)


def _settings(context: RivalContext) -> None:
    """Made up."""


def test_rivals_are_measured_beside_ours_and_their_masks_compared(context: RivalContext) -> None:
    ours = np.ones((2, 4, 6), np.uint8)
    ours[0, :2] = 0
    with Field(("steady",), context, ours, lambda text: None) as field:
        field.run_round(3)
        field.run_round(3)
        told = field.to_json([[10.0] * 3, [10.0] * 3])
    (rival,) = told["rivals"]
    assert rival["times_ours"] == {"median": 2.0, "min": 2.0, "max": 2.0}
    assert rival["same_pixels_as_ours"] == 0.75
    assert rival["settings"] == "Made up."
    assert [len(one) for one in rival["samples_ms"]] == [3, 3]


def test_an_absent_package_is_left_out_with_its_pip_line(context: RivalContext) -> None:
    with Field(("absent",), context, np.zeros(0, np.uint8), lambda text: None) as field:
        assert field.absent == {"absent": "not installed: pip install no-such"}


def test_a_rival_that_cannot_run_the_network_is_left_out_with_its_reason(context: RivalContext) -> None:
    said: list[str] = []
    with Field(("failing",), context, np.zeros(0, np.uint8), said.append) as field:
        assert "this operator is not known" in field.absent["failing"]
    assert any("failing is left out" in line for line in said)


def test_a_rival_that_dies_in_a_round_ends_the_run_with_its_last_words(context: RivalContext) -> None:
    with (
        Field(("dying",), context, np.zeros(0, np.uint8), lambda text: None) as field,
        pytest.raises(FcnEdgeError, match="dying died while it was measured: out of memory"),
    ):
        field.run_round(3)


def test_an_unknown_rival_lists_the_known_ones() -> None:
    with pytest.raises(MisuseError, match="valid: torch, torch-compile, onnxruntime"):
        check_names(["tensorflow"])


def test_rivals_without_a_checkpoint_are_refused() -> None:
    with pytest.raises(MisuseError, match="--checkpoint"):
        BenchConfig(against=("torch",))


def test_every_rival_says_how_it_is_set_up() -> None:
    assert all(rival.settings and rival.pip for rival in RIVALS.values())


def test_the_context_survives_the_way_to_another_process(tmp_path: Path) -> None:
    context = RivalContext("zoo:road", (4, 6), tmp_path / "f.npy", tmp_path / "c.npy", tmp_path, 2)
    assert RivalContext.from_json(context.to_json()) == context


def test_the_first_frames_of_a_folder_come_in_order_and_at_the_networks_size(tmp_path: Path) -> None:
    for index, value in enumerate((10, 20, 30)):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.full((8, 12, 3), value, np.uint8))
    (tmp_path / "notes.txt").write_text("not a frame")
    frames = first_frames(tmp_path, (4, 6), 2)
    assert [frame.shape for frame in frames] == [(4, 6, 3), (4, 6, 3)]
    assert [int(frame[0, 0, 0]) for frame in frames] == [10, 20]


def test_a_source_without_frames_is_named(tmp_path: Path) -> None:
    with pytest.raises(FcnEdgeError, match="has no frame"):
        first_frames(tmp_path, (4, 6), 2)
