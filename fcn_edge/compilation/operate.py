"""Surgery with its measurements: every candidate network is quantized and run on the target."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx
from torch import nn

from fcn_edge.backends import Engine, load_backend
from fcn_edge.backends.resize import resize_frame
from fcn_edge.data import open_dataset
from fcn_edge.ground.apart import check_apart
from fcn_edge.ground.artifacts import check_folder
from fcn_edge.ground.config import CompileConfig
from fcn_edge.ground.errors import MisuseError, unknown_name
from fcn_edge.ground.targets import ORACLE, ORACLE_OPTIONS, TARGETS
from fcn_edge.ground.turns import Frame, in_turns, median_ratio
from fcn_edge.network import Network, open_named
from fcn_edge.quantize.calibration import CalibrationSet, choose_frames
from fcn_edge.quantize.placement import layer_names
from fcn_edge.quantize.qdq import quantize_onnx
from fcn_edge.quantize.ranges import Measurements
from fcn_edge.quantize.recipe import recipe_for
from fcn_edge.surgery.apply import apply, substitute
from fcn_edge.surgery.decide import decide
from fcn_edge.surgery.describe import compare_scores, pattern_period
from fcn_edge.surgery.fidelity import FloatArray, Measurement
from fcn_edge.surgery.find import list_upsamplers
from fcn_edge.surgery.pictures import write_pictures
from fcn_edge.train.checkpoint import save_checkpoint
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

    `kept` is the network as it is, a scores graph; in fp32 on the same engine it is the reference. The first
    measurement must be the one that keeps all layers: the latency of the others is measured in turns with it
    and reported as the median ratio of a round times its own median, so that a machine that slows down slows
    both, with the 95 % interval of that ratio.
    An engine that cannot run here is replaced by the oracle for the scores and has no latency; TensorRT-RTX,
    where it is installed, says which layers it computes in float.
    """

    def __init__(self, kept: Path, config: CompileConfig, frames: Halves) -> None:
        target = TARGETS[config.target]
        self.frames = frames.judge
        self._ranges = subset(frames.learn, spread(range(len(frames.learn)), RANGE_FRAMES))
        self._config = config
        self._recipe = recipe_for(config.recipe, target.weights or "full")
        self._known = Measurements(self._ranges.frames)  # what trials have in common is measured once
        self._runs_here = target.engine is not None
        self._kept_onnx = kept
        self._kept: tuple[Engine, float] | None = None
        self._period = pattern_period(list_upsamplers(onnx.load(kept)))

    @cached_property
    def reference(self) -> list[FloatArray]:
        """Scores of the original in fp32, one (C, h, w) a frame."""
        engine = self._open(self._kept_onnx)
        return [engine.infer(frame) for frame in self.frames]

    def __call__(self, stand_ins: Mapping[str, nn.Module]) -> Measurement:
        """Measure the network with these nodes replaced."""
        with tempfile.TemporaryDirectory() as folder:
            int8 = self._quantize(stand_ins, Path(folder))
            engine = self._open(int8)
            precision = self._precision(int8, Path(folder))
        if self._kept is None:
            self._kept = engine, float(np.median(in_turns([engine.infer], self.frames[:1], ROUNDS)))
        scores = [engine.infer(frame) for frame in self.frames]
        found = replace(compare_scores(self.reference, scores, self._period), precision=precision)
        return self._timed(found, engine, *self._kept) if self._runs_here else found

    def _quantize(self, stand_ins: Mapping[str, nn.Module], folder: Path) -> Path:
        fp32 = self._kept_onnx
        if stand_ins:
            fp32 = folder / "fp32.onnx"
            onnx.save(substitute(onnx.load(self._kept_onnx), stand_ins), fp32)
        quantize_onnx(fp32, self._ranges, self._recipe, folder / "int8.onnx", known=self._known)
        return folder / "int8.onnx"

    def _open(self, model: Path) -> Engine:
        if not self._runs_here:
            return load_backend(ORACLE).open(model, None, ORACLE_OPTIONS)
        engine = TARGETS[self._config.target].engine
        assert engine is not None
        return load_backend(engine).open(model, None, self._config.options)

    def _timed(self, found: Measurement, engine: Engine, kept: Engine, kept_ms: float) -> Measurement:
        """Return the measurement with the latency, which is relative to the kept network's."""
        if engine is kept:
            return replace(found, latency_ms=kept_ms)
        before, after = in_turns([kept.infer, engine.infer], self.frames[:1], ROUNDS)
        low, ratio, high = median_ratio(before, after)
        return replace(found, latency_ms=kept_ms * ratio, latency_range_ms=(kept_ms * low, kept_ms * high))

    def _precision(self, int8: Path, folder: Path) -> dict[str, str]:
        """Return what the builder says of every layer with weights; nothing for other targets."""
        if self._config.target != "tensorrt-rtx":
            return {}
        said = load_backend("tensorrt-rtx").build(int8, folder, self._config.options)
        in_float = set(said["float_layers"])
        return {name: "float" if name in in_float else "int8" for name in layer_names(onnx.load(int8))}


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
    named = open_named(config.checkpoint)
    assert config.data is not None
    dataset = open_dataset(config.data, config.calibration_split, labelled=False)
    size = config.size or dataset[0].frame.shape[:2]
    network = named.at(size)
    calibration = choose_frames(dataset, FRAMES, config.seed, lambda frame: resize_frame(frame, size))
    halves = halve(calibration)
    with tempfile.TemporaryDirectory() as folder:
        kept = network.write(Path(folder) / "kept.onnx")
        table = decide(
            network.graph,
            halves.learn.frames,
            TargetMeasure(kept, config, halves),
            config.upsample,
            search_all=search_all,
            progress=note,
        )
    result = {"checkpoint": config.checkpoint, "target": config.target, "size": list(size), **table.to_json()}
    if pictures is not None:
        drawn = write_pictures(network.graph, table, calibration.frames[0], pictures)
        result["pictures"] = [str(path) for path in drawn]
    if save_to is not None:
        result["saved"] = str(_save(save_to, apply(network, table.candidates), table.choice))
    return result


def _save(folder: Path, operated: Network, choice: dict[str, str]) -> Path:
    """Write the operated network as a checkpoint that training can go on with."""
    checkpoint = operated.origin.checkpoint
    if checkpoint is None:
        raise MisuseError(
            f"{operated.origin.where} came as a graph, without a checkpoint to save",
            hint="leave --out out: compile operates on it by itself",
        )
    info = {**checkpoint.info, "surgery": choice}
    return save_checkpoint(folder, checkpoint.model, checkpoint.classes, info)
