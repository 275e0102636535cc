"""Surgery with its measurements: every candidate network is exported, quantized and run on the target."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from torch import nn

from fcn_edge.backends import Engine, load_backend
from fcn_edge.backends.resize import resize_frame
from fcn_edge.config import CompileConfig
from fcn_edge.data import open_dataset
from fcn_edge.errors import unknown_name
from fcn_edge.export.onnx import export_onnx
from fcn_edge.models.fcn import FCN
from fcn_edge.quantize.calibration import CalibrationSet, choose_frames
from fcn_edge.quantize.qdq import quantize_onnx
from fcn_edge.quantize.recipe import Recipe, recipe_for
from fcn_edge.surgery.decide import decide
from fcn_edge.surgery.fidelity import Measurement, agreement, sqnr_db
from fcn_edge.surgery.table import SurgeryTable
from fcn_edge.targets import ORACLE, ORACLE_OPTIONS, TARGETS, Target
from fcn_edge.train.checkpoint import load_checkpoint, save_checkpoint

Frame = npt.NDArray[np.uint8]
Note = Callable[[str], None]

CALIBRATION_FRAMES = 8  # for the ranges of a trial; the network that is shipped gets the whole set
FIDELITY_FRAMES = 16
ROUNDS = 24  # of one frame each, candidate and kept network in turn


class TargetMeasure:
    """A `measure` for surgery.decide: export, quantize, run on the target, compare with the original in fp32.

    Latency is measured in turns with the first network that was given (the one that keeps its layers), and
    reported as ratio of medians times that network's own median: a machine that slows down slows both.
    """

    def __init__(
        self,
        original: nn.Module,
        calibration: CalibrationSet,
        size: tuple[int, int],
        target: Target,
        recipe: Recipe,
        options: dict[str, str],
    ) -> None:
        self.frames = spread(calibration.frames, FIDELITY_FRAMES)
        self._trial = replace(calibration, frames=spread(calibration.frames, CALIBRATION_FRAMES))
        self._size, self._recipe = size, recipe
        self._engine_name = target.engine or ORACLE
        self._options = options if target.engine else ORACLE_OPTIONS
        self._kept: tuple[Engine, float] | None = None
        with tempfile.TemporaryDirectory() as folder:
            reference = self._open(export_onnx(original, size, "scores", Path(folder) / "fp32.onnx"))
            self.reference = [reference.infer(frame) for frame in self.frames]

    def __call__(self, model: nn.Module) -> Measurement:
        """Measure one network."""
        with tempfile.TemporaryDirectory() as folder:
            engine = self._build(model, Path(folder))
            scores = [engine.infer(frame) for frame in self.frames]
            latency = self._latency(engine)
        return Measurement(agreement(self.reference, scores), sqnr_db(self.reference, scores), latency)

    def _build(self, model: nn.Module, folder: Path) -> Engine:
        fp32 = export_onnx(model, self._size, "scores", folder / "fp32.onnx")
        quantize_onnx(fp32, self._trial, self._recipe, folder / "int8.onnx")
        return self._open(folder / "int8.onnx")

    def _open(self, model: Path) -> Engine:
        return load_backend(self._engine_name).open(model, None, self._options)

    def _latency(self, engine: Engine) -> float:
        if self._kept is None:
            (times,) = race([engine], self.frames[0])
            self._kept = engine, float(np.median(times))
            return self._kept[1]
        kept, kept_ms = self._kept
        before, after = (np.median(times) for times in race([kept, engine], self.frames[0]))
        return float(kept_ms * after / before)


def race(engines: Sequence[Engine], frame: Frame, rounds: int = ROUNDS) -> list[list[float]]:
    """Return the milliseconds of `rounds` runs of each engine, in turns, after two that do not count."""
    times: list[list[float]] = [[] for _ in engines]
    for number in range(rounds + 2):
        for engine, own in zip(engines, times, strict=True):
            start = time.perf_counter()
            engine.infer(frame)
            if number >= 2:
                own.append(1e3 * (time.perf_counter() - start))
    return times


def spread(frames: Sequence[Frame], count: int) -> list[Frame]:
    """Return at most `count` of the frames, evenly spaced."""
    picked = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int))
    return [frames[int(index)] for index in picked]


def operate_on(
    model: nn.Module,
    config: CompileConfig,
    calibration: CalibrationSet | None,
    size: tuple[int, int],
    progress: Note,
) -> SurgeryTable:
    """Return the decision on a network for the target and options of a compilation.

    Without calibration frames (an fp32 compilation) nothing is measured, and "auto" keeps every layer.
    """
    if calibration is None:
        return decide(model, [], None, config.upsample, progress=progress)
    target = TARGETS[config.target]
    recipe = recipe_for(config.recipe, target.weights or "full")
    measure = TargetMeasure(model, calibration, size, target, recipe, config.options)
    return decide(model, calibration.frames, measure, config.upsample, progress=progress)


def operate(
    config: CompileConfig, save_to: Path | None = None, progress: Note | None = None
) -> dict[str, Any]:
    """Return the decision table of a checkpoint as JSON; write the operated checkpoint to `save_to`."""
    if config.target not in TARGETS:
        raise unknown_name("target", config.target, list(TARGETS))
    note = progress or (lambda text: None)
    checkpoint = load_checkpoint(config.checkpoint)
    assert config.data is not None
    dataset = open_dataset(config.data, config.calibration_split, labelled=False)
    size = config.size or dataset[0].frame.shape[:2]
    calibration = choose_frames(
        dataset, config.calibration_count, config.seed, lambda frame: resize_frame(frame, size)
    )
    table = operate_on(checkpoint.model, config, calibration, size, note)
    result = {"checkpoint": config.checkpoint, "target": config.target, "size": list(size), **table.to_json()}
    if save_to is not None:
        info = {**checkpoint.info, "surgery": table.choice}
        result["saved"] = str(save_checkpoint(save_to, cast(FCN, table.model), checkpoint.classes, info))
    return result
