"""Rivals: their table, their processes, and what happens when one is absent, fails or dies."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from fcn_edge.bench.rivals import RIVALS, Rival, RivalContext
from fcn_edge.bench.rivals import field as field_module
from fcn_edge.bench.rivals.convert import int8_table
from fcn_edge.bench.rivals.field import Field, check_names, make_field
from fcn_edge.bench.rivals.frames import first_frames
from fcn_edge.bench.rivals.predictors import argmax
from fcn_edge.bench.rivals.worker import masks_of
from fcn_edge.bench.subject import open_subject
from fcn_edge.ground.config import BenchConfig
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.models.frames import to_input

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


@pytest.mark.parametrize(("same", "agrees"), [(1.0, True), (0.5, False)])
def test_a_rival_with_other_masks_is_said_to_compute_something_else(
    context: RivalContext, same: float, agrees: bool
) -> None:
    ours = np.ones((2, 4, 6), np.uint8)
    ours[:, :, : round(6 * (1 - same))] = 0
    with Field(("steady",), context, ours, lambda text: None) as field:
        field.run_round(3)
        (rival,) = field.to_json([[10.0] * 3])["rivals"]
    assert (rival["same_pixels_as_ours"], rival["agrees"]) == (same, agrees)


def test_masks_survive_a_runtime_that_writes_all_of_them_into_one_buffer() -> None:
    buffer = np.zeros((2, 3), np.uint8)

    def predict(frame: np.ndarray) -> np.ndarray:
        buffer[:] = frame[..., 0]
        return buffer

    frames = [np.full((2, 3, 3), value, np.uint8) for value in (1, 2)]
    assert masks_of(predict, frames)[:, 0, 0].tolist() == [1, 2]


def test_argmax_takes_the_first_largest_class_as_numpy_does() -> None:
    scores = np.random.default_rng(0).integers(0, 4, (150, 20, 30)).astype(np.float32)  # with ties
    np.testing.assert_array_equal(argmax(scores), scores.argmax(0))


def test_what_rivals_get_is_the_input_that_the_network_was_trained_on(tmp_path: Path) -> None:
    context = RivalContext("zoo:road", (4, 6), tmp_path / "f.npy", tmp_path / "c.npy", tmp_path, 1)
    frame = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    model = context.model()
    wanted = to_input(torch.from_numpy(frame)[None], model.mean, model.std).numpy()
    np.testing.assert_allclose(context.prepared(frame), wanted, atol=1e-5)
    scale, zero = 0.02, 5
    found = cv2.LUT(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), int8_table(context, scale, zero))
    steps = np.clip(np.rint(wanted[0].transpose(1, 2, 0) / scale) + zero, -128, 127)
    assert np.abs(found - steps).max() <= 1, "a tie may round either way"
    assert np.mean(found == steps) > 0.9


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


def test_a_checkpoint_that_cannot_be_read_is_told_before_any_rival_starts(tmp_path: Path) -> None:
    golden = open_subject(Path(__file__).parents[1] / "golden/tiny.fcne")
    config = BenchConfig(against=("torch",), checkpoint=str(tmp_path / "absent"))
    with pytest.raises(FcnEdgeError, match="no such checkpoint"):
        make_field(golden, tmp_path, config, tmp_path / "cache", print)


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
