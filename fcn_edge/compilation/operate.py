"""Surgery with its measurements: every candidate network is quantized and run on the target."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import onnx
from torch import nn

from fcn_edge.backends import Engine, load_backend
from fcn_edge.backends.resize import resize_frame
from fcn_edge.data import open_dataset
from fcn_edge.ground.apart import check_apart
from fcn_edge.ground.artifacts import check_folder
from fcn_edge.ground.config import CompileConfig
from fcn_edge.ground.errors import unknown_name
from fcn_edge.ground.targets import ORACLE, ORACLE_OPTIONS, TARGETS
from fcn_edge.ground.turns import Frame, in_turns
from fcn_edge.models.fcn import FCN
from fcn_edge.models.upsample import BilinearConv2d, ResizeConv2d, SubpixelConv2d
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet, choose_frames
from fcn_edge.quantize.placement import layer_names
from fcn_edge.quantize.qdq import quantize_onnx
from fcn_edge.quantize.recipe import recipe_for
from fcn_edge.surgery.decide import decide
from fcn_edge.surgery.describe import compare_scores, pattern_period
from fcn_edge.surgery.fidelity import FloatArray, Measurement
from fcn_edge.surgery.find import list_upsamplers
from fcn_edge.surgery.onnx_rewrite import substitute
from fcn_edge.surgery.pictures import write_pictures
from fcn_edge.train.checkpoint import load_checkpoint, save_checkpoint
from fcn_edge.train.run_folder import check_run_folder

Note = Callable[[str], None]
Item = TypeVar("Item")

FRAMES = 24  # that `fcn-edge surgery` looks at; compile has its calibration set
RANGE_FRAMES = 8  # for the ranges of a trial; the network that is shipped gets the whole set
JUDGE_FRAMES = 16  # at most
ROUNDS = 24  # of one frame each, candidate and kept network in turn


@dataclass(frozen=True)
class Halves:
    """A calibration set in two parts, so that no candidate is judged on a frame that it was made from."""

    learn: CalibrationSet  # ranges, fits and distillation
    judge: list[Frame]  # agreement, SQNR and the checkerboard of the scores


def halve(calibration: CalibrationSet) -> Halves:
    """Set every second frame aside to judge with, at most JUDGE_FRAMES; the others are to learn from."""
    positions = list(range(len(calibration)))
    judged = set(spread(positions[1::2], JUDGE_FRAMES))
    learn = subset(calibration, [position for position in positions if position not in judged])
    return Halves(learn, [calibration.frames[position] for position in sorted(judged)])


def subset(calibration: CalibrationSet, positions: Sequence[int]) -> CalibrationSet:
    """Return some of the frames as a calibration set."""
    return replace(
        calibration,
        frames=[calibration.frames[position] for position in positions],
        stems=[calibration.stems[position] for position in positions],
    )


class TargetMeasure:
    """A `measure` for surgery.decide: quantize, run on the target, compare with the original in fp32.

    `kept` is the original exported with tail "scores"; in fp32 on the same engine it is the reference. A
    network to be measured is the original with layers replaced, so its graph is written from `kept` instead
    of exported again, which takes torch several seconds. The first one must be the one that keeps all layers:
    the latency of the others is measured in turns with it and reported as the ratio of medians times its own
    median, so that a machine that slows down slows both. An engine that cannot run here is replaced by the
    oracle for the scores and has no latency; TensorRT-RTX, where it is installed, says which layers it
    computes in float.
    """

    def __init__(self, kept: Path, config: CompileConfig, frames: Halves) -> None:
        target = TARGETS[config.target]
        self.frames = frames.judge
        self._ranges = subset(frames.learn, spread(range(len(frames.learn)), RANGE_FRAMES))
        self._config = config
        self._recipe = recipe_for(config.recipe, target.weights or "full")
        self._runs_here = target.engine is not None
        self._kept_onnx = kept
        self._kept: tuple[Engine, float] | None = None
        self._period = 1

    @cached_property
    def reference(self) -> list[FloatArray]:
        """Scores of the original in fp32, one (C, h, w) a frame."""
        engine = self._open(self._kept_onnx)
        return [engine.infer(frame) for frame in self.frames]

    def __call__(self, model: nn.Module) -> Measurement:
        """Measure one network."""
        with tempfile.TemporaryDirectory() as folder:
            int8 = self._quantize(model, Path(folder))
            engine = self._open(int8)
            precision = self._precision(int8, Path(folder))
        if self._kept is None:
            self._kept = engine, float(np.median(in_turns([engine.infer], self.frames[:1], ROUNDS)))
            self._period = pattern_period(list_upsamplers(model))
        scores = [engine.infer(frame) for frame in self.frames]
        latency = self._latency(engine, *self._kept) if self._runs_here else None
        return replace(
            compare_scores(self.reference, scores, self._period), latency_ms=latency, precision=precision
        )

    def _quantize(self, model: nn.Module, folder: Path) -> Path:
        fp32 = self._kept_onnx
        if modules := stand_ins(model):
            fp32 = folder / "fp32.onnx"
            onnx.save(substitute(onnx.load(self._kept_onnx), modules), fp32)
        quantize_onnx(fp32, self._ranges, self._recipe, folder / "int8.onnx")
        return folder / "int8.onnx"

    def _open(self, model: Path) -> Engine:
        if not self._runs_here:
            return load_backend(ORACLE).open(model, None, ORACLE_OPTIONS)
        engine = TARGETS[self._config.target].engine
        assert engine is not None
        return load_backend(engine).open(model, None, self._config.options)

    def _latency(self, engine: Engine, kept: Engine, kept_ms: float) -> float:
        if engine is kept:
            return kept_ms
        times = in_turns([kept.infer, engine.infer], self.frames[:1], ROUNDS)
        before, after = np.median(times, axis=1)
        return float(kept_ms * after / before)

    def _precision(self, int8: Path, folder: Path) -> dict[str, str]:
        """Return what the builder says of every layer with weights; nothing for other targets."""
        if self._config.target != "tensorrt-rtx":
            return {}
        said = load_backend("tensorrt-rtx").build(int8, folder, self._config.options)
        in_float = set(said["float_layers"])
        return {name: "float" if name in in_float else "int8" for name in layer_names(onnx.load(int8))}


def stand_ins(model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers of a network that surgery put in, by name."""
    forms = (SubpixelConv2d, BilinearConv2d, ResizeConv2d)
    return {name: module for name, module in model.named_modules() if isinstance(module, forms)}


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """Return at most `count` of the items, evenly spaced."""
    if not items:
        return []
    picked = np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int))
    return [items[int(index)] for index in picked]


def operate(
    config: CompileConfig,
    save_to: Path | None = None,
    pictures: Path | None = None,
    search_all: bool = False,
    progress: Note | None = None,
) -> dict[str, Any]:
    """Return the decision table of a checkpoint as JSON.

    save_to: run folder for the operated checkpoint. pictures: folder for a picture of every layer.
    search_all: measure every combination of candidates.
    """
    if config.target not in TARGETS:
        raise unknown_name("target", config.target, list(TARGETS))
    check_apart("--pictures", pictures, [config.checkpoint], data=[config.data], names=())
    if pictures is not None:
        check_folder(pictures, "--pictures")
    if save_to is not None:
        check_run_folder(save_to, [config.checkpoint], data=[config.data])
    note = progress or (lambda text: None)
    checkpoint = load_checkpoint(config.checkpoint)
    assert config.data is not None
    dataset = open_dataset(config.data, config.calibration_split, labelled=False)
    size = config.size or dataset[0].frame.shape[:2]
    calibration = choose_frames(dataset, FRAMES, config.seed, lambda frame: resize_frame(frame, size))
    halves = halve(calibration)
    with tempfile.TemporaryDirectory() as folder:
        kept = export_onnx(checkpoint.model, size, "scores", Path(folder) / "kept.onnx")
        table = decide(
            checkpoint.model,
            halves.learn.frames,
            TargetMeasure(kept, config, halves),
            config.upsample,
            search_all=search_all,
            progress=note,
        )
    result = {"checkpoint": config.checkpoint, "target": config.target, "size": list(size), **table.to_json()}
    if pictures is not None:
        drawn = write_pictures(checkpoint.model, table, calibration.frames[0], pictures)
        result["pictures"] = [str(path) for path in drawn]
    if save_to is not None:
        info = {**checkpoint.info, "surgery": table.choice}
        result["saved"] = str(save_checkpoint(save_to, cast(FCN, table.model), checkpoint.classes, info))
    return result
