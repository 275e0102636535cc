"""From a checkpoint to a bundle: the stages in their order, and what each of them lost."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from fcn_edge.artifacts import provenance
from fcn_edge.backends import load_backend
from fcn_edge.backends.resize import resize_frame
from fcn_edge.bundle import Segmenter, write_bundle
from fcn_edge.config import CompileConfig
from fcn_edge.data import Dataset, open_dataset
from fcn_edge.errors import MisuseError, unknown_name
from fcn_edge.evaluate import Subject, check_classes, score, torch_predictor
from fcn_edge.export.onnx import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet, choose_frames
from fcn_edge.quantize.gate import GateVerdict, judge, ungated
from fcn_edge.quantize.lint import lint, refuse_if_found
from fcn_edge.quantize.qdq import QuantizeReport, layer_names, quantize_onnx
from fcn_edge.quantize.recipe import Recipe, load_recipe
from fcn_edge.targets import TARGETS, Target
from fcn_edge.train.checkpoint import Checkpoint, load_checkpoint

Note = Callable[[str], None]
Frame = npt.NDArray[np.uint8]
GOLDEN_FRAMES = 3
MIN_AGREEMENT = 0.98  # with the golden masks; engines on other CPUs round differently (docs/int8.md)


@dataclass(frozen=True)
class CompileResult:
    """What was written and what it is worth."""

    bundle: Path
    target: str
    precision: str
    gate: GateVerdict
    layers: dict[str, int]
    next: str = ""
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return what `fcn-edge compile --json` prints."""
        return {
            "bundle": str(self.bundle),
            "target": self.target,
            "precision": self.precision,
            "gate": {**self.gate.to_json(), "sentence": self.gate.sentence()},
            "layers": self.layers,
            "next": self.next,
            "warnings": self.warnings,
        }


@dataclass
class Build:
    """A compilation under way: what was decided first, and the evidence collected since."""

    config: CompileConfig
    target: Target
    checkpoint: Checkpoint
    size: tuple[int, int]
    note: Note
    evidence: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Say it now and keep it for the result."""
        self.warnings.append(text)
        self.note(f"warning: {text}")

    def open(self, model: Path) -> Segmenter:
        """Return the target's engine (or the one that stands in for it here) on an ONNX file."""
        stride = self.checkpoint.model.score_stride if self.target.tail == "scores" else None
        return Segmenter(
            load_backend(self.target.engine).open(model, None, self.config.options), self.size, stride
        )


def compile_checkpoint(config: CompileConfig, progress: Note | None = None) -> CompileResult:
    """Compile `config.checkpoint` and write `config.out`, also when the gate refuses (its verdict says so).

    progress: called with one line of text per stage. Every bad input is a FcnEdgeError before anything is
    written.
    """
    build = _start(config, progress or (lambda text: None))
    with tempfile.TemporaryDirectory() as folder:
        fp32 = export(build, Path(folder) / "fp32.onnx")
        calibration, report, model = None, None, fp32
        if config.int8:
            calibration = calibrate(build)
            model, report = quantize(build, fp32, calibration, Path(folder) / "int8.onnx")
        shipped = build.open(model)
        gate = measure(build, fp32, shipped)
        layers = _layer_counts(fp32, report)
        golden = [(frame, shipped(frame)) for frame in golden_frames(build, calibration)]
        build.note(f"writing {config.out}")
        write_bundle(config.out, _manifest(build, gate, layers), model, golden, build.evidence, MIN_AGREEMENT)
    return CompileResult(config.out, config.target, _precision(config), gate, layers, warnings=build.warnings)


def _start(config: CompileConfig, note: Note) -> Build:
    """Check everything that can be checked before the work starts."""
    if config.target not in TARGETS:
        raise unknown_name("target", config.target, list(TARGETS))
    if config.int8 and config.data is None:
        raise MisuseError("--int8 needs frames to calibrate on", hint="add --data NAME:PATH")
    checkpoint = load_checkpoint(config.checkpoint)
    size = config.size
    if config.data is not None:
        dataset = open_dataset(config.data, config.split, labelled=config.labelled)
        check_classes(Subject(config.checkpoint, lambda frame: frame, checkpoint.classes.names), dataset)
        size = size or dataset[0].frame.shape[:2]
    if size is None:
        raise MisuseError("no frame size", hint="add --size HEIGHTxWIDTH, or --data to take its frames' size")
    return Build(config, TARGETS[config.target], checkpoint, size, note)


def export(build: Build, path: Path) -> Path:
    """Write the fp32 frame graph."""
    build.note(f"exporting {build.checkpoint.spec.name} for frames of {build.size[0]}x{build.size[1]}")
    export_onnx(build.checkpoint.model, build.size, build.target.tail, path)
    refuse_if_found(lint(onnx.load(path)), "the exported graph")
    return path


def calibrate(build: Build) -> CalibrationSet:
    """Choose the calibration frames."""
    config = build.config
    assert config.data is not None
    dataset = open_dataset(config.data, config.calibration_split, labelled=False)
    chosen = choose_frames(
        dataset, config.calibration_count, config.seed, lambda frame: resize_frame(frame, build.size)
    )
    for text in chosen.warnings:
        build.warn(text)
    build.note(f"calibrating on {len(chosen)} frames of {chosen.source}")
    build.evidence["calibration"] = chosen.to_json()
    return chosen


def quantize(
    build: Build, fp32: Path, calibration: CalibrationSet, path: Path
) -> tuple[Path, QuantizeReport]:
    """Write the Q/DQ graph and lint it."""
    recipe = load_recipe(build.config.recipe) if build.config.recipe else Recipe()
    recipe = replace(recipe, weight_bits=recipe.weight_bits or build.target.weight_bits)
    report = quantize_onnx(fp32, calibration, recipe, path)
    for text in report.notes:
        build.warn(text)
    refuse_if_found(lint(onnx.load(path)), "the INT8 graph")
    build.note(f"quantized {len(report.int8_layers)} layers, {len(report.float_layers)} stay float")
    build.evidence["quantize"] = {"recipe": recipe.to_json(), **report.to_json()}
    return path, report


def measure(build: Build, fp32: Path, shipped: Segmenter) -> GateVerdict:
    """Score the shipped engine beside its original on the gate's split and judge.

    The original of an INT8 engine is the same engine on the fp32 graph, that of an fp32 engine the network in
    PyTorch.
    """
    config, names = build.config, build.checkpoint.classes.names
    if config.data is None:
        build.warn("no --data: the bundle is ungated and streams only with --allow-ungated")
        return ungated()
    original = build.open(fp32) if config.int8 else torch_predictor(build.checkpoint.model, build.size)
    dataset = open_dataset(config.data, config.split, labelled=config.labelled)
    same = Agreement()
    before, after = score(
        [Subject("fp32", original, names), Subject("shipped", shipped, names)],
        dataset, limit=config.limit, progress=build.note, each=same.update,
    )  # fmt: skip
    gate = judge(before, after, same.value, config.max_drop)
    build.evidence["gate"] = {
        **gate.to_json(), **_scored_on(config, dataset, before["frames"] or same.frames),
        "fp32": before, _precision(config): after,
    }  # fmt: skip
    return gate


class Agreement:
    """Share of pixels on which two masks give the same class, over all frames."""

    def __init__(self) -> None:
        self.equal = self.pixels = self.frames = 0

    def update(self, masks: list[Frame], label: Frame | None) -> None:
        """Count one frame (the label plays no part)."""
        self.equal += int((masks[0] == masks[1]).sum())
        self.pixels += masks[0].size
        self.frames += 1

    @property
    def value(self) -> float:
        """The share, 0..1."""
        return self.equal / max(self.pixels, 1)


def golden_frames(build: Build, calibration: CalibrationSet | None) -> list[Frame]:
    """Return a few frames at the graph's size, spread over the gate's split; smooth noise without data."""
    if build.config.data is None:
        generator = np.random.default_rng(build.config.seed)
        coarse = generator.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        return [resize_frame(coarse, build.size)]
    dataset = open_dataset(build.config.data, build.config.split, labelled=False)
    count = min(GOLDEN_FRAMES, len(dataset))
    picked = np.linspace(0, len(dataset) - 1, count).round().astype(int)
    return [resize_frame(dataset[int(index)].frame, build.size) for index in picked]


def _scored_on(config: CompileConfig, dataset: Dataset, frames: int) -> dict[str, Any]:
    return {"split": config.split, "data": dataset.name, "frames": frames, "data_sha256": dataset.digest()}


def _layer_counts(fp32: Path, report: QuantizeReport | None) -> dict[str, int]:
    if report is None:
        return {"int8": 0, "float": len(layer_names(onnx.load(fp32)))}
    return {"int8": len(report.int8_layers), "float": len(report.float_layers)}


def _precision(config: CompileConfig) -> str:
    return "int8" if config.int8 else "fp32"


def _manifest(build: Build, gate: GateVerdict, layers: dict[str, int]) -> dict[str, Any]:
    """Return the manifest's keys that do not depend on the files (docs/bundle.md)."""
    config, checkpoint, (height, width) = build.config, build.checkpoint, build.size
    measured = build.evidence.get("gate", {})
    scored_on = {key: measured[key] for key in ("split", "data", "frames", "data_sha256") if key in measured}
    return {
        "name": config.out.stem,
        "classes": [{"name": c["name"], "color": c["color"]} for c in checkpoint.classes.to_json()],
        "void_id": 255,
        "input": {
            "name": "frame", "height": height, "width": width,
            "layout": "NHWC", "dtype": "uint8", "color": "BGR", "resize": "linear",
        },
        "output": _output(build),
        "precision": _precision(config),
        "target": config.target,
        "model": {"spec": checkpoint.spec.to_json(), "weights_sha256": checkpoint.weights_sha256},
        "gate": {**gate.to_json(), **scored_on},
        "layers": layers,
        "evidence": {key: measured[key] for key in ("fp32", "int8") if key in measured},
        "provenance": provenance(),
    }  # fmt: skip


def _output(build: Build) -> dict[str, Any]:
    height, width = build.size
    stride = build.checkpoint.model.score_stride if build.target.tail == "scores" else 1
    return {
        "tail": build.target.tail, "name": build.target.tail, "stride": stride,
        "height": -(-height // stride), "width": -(-width // stride),
        "channels": len(build.checkpoint.classes) if build.target.tail == "scores" else 1,
    }  # fmt: skip
