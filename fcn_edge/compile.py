"""From a checkpoint to a bundle: the stages in their order, and what each of them lost."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx

from fcn_edge.backends import load_backend
from fcn_edge.backends.resize import resize_frame
from fcn_edge.bundle import Segmenter, describe, write_bundle
from fcn_edge.config import CompileConfig
from fcn_edge.data import open_dataset
from fcn_edge.errors import MisuseError, unknown_name
from fcn_edge.evaluate import Agreement, Subject, check_classes, score, torch_predictor
from fcn_edge.export.onnx import export_onnx
from fcn_edge.models.fcn import FCN
from fcn_edge.operate import operate_on
from fcn_edge.quantize.calibration import CalibrationSet, choose_frames
from fcn_edge.quantize.gate import GateVerdict, judge, ungated
from fcn_edge.quantize.lint import lint, refuse_if_found
from fcn_edge.quantize.qdq import layer_names, quantize_onnx
from fcn_edge.quantize.recipe import recipe_for
from fcn_edge.targets import ORACLE, ORACLE_OPTIONS, TARGETS, Target
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
    next: str
    warnings: list[str]

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
    """A compilation under way: what was decided first, and what the stages found since."""

    config: CompileConfig
    target: Target
    checkpoint: Checkpoint
    size: tuple[int, int]  # (height, width) of the frames the graph takes
    work: Path  # temporary folder; work/engines goes into the bundle
    note: Note
    layers: dict[str, int] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)  # what the backend said when it built
    evidence: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def precision(self) -> str:
        """int8 | fp32."""
        return "int8" if self.config.int8 else "fp32"

    @property
    def stride(self) -> int | None:
        """Pixels a score stands for; None when the graph gives masks."""
        return self.checkpoint.model.score_stride if self.target.tail == "scores" else None

    def warn(self, text: str) -> None:
        """Say it now and keep it for the result."""
        self.warnings.append(text)
        self.note(f"warning: {text}")

    def open(self, model: Path) -> Segmenter:
        """Return the target's engine on an ONNX file, or the oracle where it cannot run here."""
        name, options = self.target.engine or ORACLE, dict(self.config.options)
        if self.target.engine is None:
            options = ORACLE_OPTIONS
        return Segmenter(
            load_backend(name).open(model, self.work / "engines", options), self.size, self.stride
        )


def compile_checkpoint(config: CompileConfig, progress: Note | None = None) -> CompileResult:
    """Compile `config.checkpoint` and write `config.out`, also when the gate refuses (its verdict says so).

    progress: called with one line of text per stage. Bad input is a FcnEdgeError before anything is written.
    """
    with tempfile.TemporaryDirectory() as work:
        build = start(config, Path(work), progress or (lambda text: None))
        original = export(build, "original.onnx")
        calibration = calibrate(build) if config.int8 else None
        fp32 = export(build, "fp32.onnx") if operate(build, calibration) else original
        model = quantize(build, fp32, calibration) if calibration else fp32
        build_engine(build, model)
        shipped = build.open(model)
        gate = measure(build, original, shipped)
        golden = [(frame, shipped(frame)) for frame in golden_frames(build)]
        build.note(f"writing {config.out}")
        manifest = describe(
            config, build.checkpoint, build.size, build.target.tail, build.precision,
            gate=gate, measured=build.evidence.get("gate", {}), layers=build.layers, engine=build.engine,
        )  # fmt: skip
        write_bundle(
            config.out, manifest, model, golden, build.evidence, MIN_AGREEMENT, engines=build.work / "engines"
        )
    following = build.engine.get("next", "")
    return CompileResult(
        config.out, config.target, build.precision, gate, build.layers, following, build.warnings
    )


def start(config: CompileConfig, work: Path, note: Note) -> Build:
    """Check everything that can be checked before the work starts."""
    if config.target not in TARGETS:
        raise unknown_name("target", config.target, list(TARGETS))
    target = TARGETS[config.target]
    if config.int8 and target.weights is None:
        raise MisuseError(f"--target {config.target} is float only", hint="leave --int8 out, or use openvino")
    if config.int8 and config.data is None:
        raise MisuseError("--int8 needs frames to calibrate on", hint="add --data NAME:PATH")
    checkpoint = load_checkpoint(config.checkpoint)
    size = config.size
    if config.data is not None:
        dataset = open_dataset(config.data, config.split, labelled=config.labelled)
        check_classes(config.checkpoint, checkpoint.classes.names, dataset)
        if size is None:
            height, width = dataset[0].frame.shape[:2]
            size = (height, width)
    if size is None:
        raise MisuseError("no frame size", hint="add --size HEIGHTxWIDTH, or --data to take its frames' size")
    (work / "engines").mkdir()
    return Build(config, target, checkpoint, size, work, note)


def export(build: Build, name: str) -> Path:
    """Write the fp32 frame graph as work/`name` and return its path."""
    build.note(f"exporting {build.checkpoint.spec.name} for frames of {build.size[0]}x{build.size[1]}")
    path = export_onnx(build.checkpoint.model, build.size, build.target.tail, build.work / name)
    refuse_if_found(lint(onnx.load(path)), "the exported graph")
    build.layers = {"int8": 0, "float": len(layer_names(onnx.load(path)))}
    return path


def calibrate(build: Build) -> CalibrationSet:
    """Choose the calibration frames."""
    config = build.config
    assert config.data is not None  # start() saw to it
    dataset = open_dataset(config.data, config.calibration_split, labelled=False)
    chosen = choose_frames(
        dataset, config.calibration_count, config.seed, lambda frame: resize_frame(frame, build.size)
    )
    for text in chosen.warnings:
        build.warn(text)
    build.note(f"calibrating on {len(chosen)} frames of {chosen.source}")
    build.evidence["calibration"] = chosen.to_json()
    return chosen


def operate(build: Build, calibration: CalibrationSet | None) -> bool:
    """Replace transposed convolutions as `--upsample` says or measurement decides; tell whether any changed.

    From here on the build's checkpoint holds the operated network; the gate still compares with the original.
    """
    table = operate_on(build.checkpoint.model, build.config, calibration, build.size, build.note)
    build.evidence["surgery"] = table.to_json()
    for layer in table.layers:
        build.note(f"{layer.name}: {layer.chosen} ({layer.why})")
    model = cast(FCN, table.model)
    build.checkpoint = replace(build.checkpoint, model=model, spec=model.spec)
    return table.changed


def quantize(build: Build, fp32: Path, calibration: CalibrationSet) -> Path:
    """Write the Q/DQ graph, lint it and return its path."""
    assert build.target.weights is not None  # start() saw to it
    recipe = recipe_for(build.config.recipe, build.target.weights)
    path = build.work / "int8.onnx"
    report = quantize_onnx(fp32, calibration, recipe, path)
    for text in report.notes:
        build.warn(text)
    refuse_if_found(lint(onnx.load(path)), "the INT8 graph")
    build.layers = {"int8": len(report.int8_layers), "float": len(report.float_layers)}
    build.note(f"quantized {build.layers['int8']} layers, {build.layers['float']} stay float")
    build.evidence["quantize"] = {"recipe": recipe.to_json(), **report.to_json()}
    return path


def build_engine(build: Build, model: Path) -> None:
    """Let the target prepare what it can ahead of time, under work/engines."""
    config = build.config
    backend: Any = load_backend("onnxruntime" if config.target == "onnx" else config.target)
    engines = build.work / "engines"
    if hasattr(backend, "export"):  # targets made from the PyTorch network rather than from ONNX
        backend.export(build.checkpoint.model, build.size, build.target.tail, engines)
    said = backend.build(model, engines, dict(config.options))
    build.layers = said.pop("layers", build.layers)
    if "next" in said:
        said["next"] = said["next"].replace("{bundle}", str(config.out))
    build.engine = said


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
        [Subject("original", original, names), Subject("shipped", shipped, names)],
        dataset, limit=config.limit, progress=build.note, each=same.update,
    )  # fmt: skip
    gate = judge(before, after, same.value, config.max_drop, config.min_agreement)
    build.evidence["gate"] = {
        **gate.to_json(),
        "engine": build.target.engine or ORACLE, "oracle": build.target.engine is None,
        "split": config.split, "data": dataset.name, "frames": same.frames, "data_sha256": dataset.digest(),
        "fp32": before, build.precision: after,
    }  # fmt: skip
    return gate


def golden_frames(build: Build) -> list[Frame]:
    """Return a few frames at the graph's size, spread over the gate's split; smooth noise without data."""
    if build.config.data is None:
        generator = np.random.default_rng(build.config.seed)
        coarse = generator.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        return [resize_frame(coarse, build.size)]
    dataset = open_dataset(build.config.data, build.config.split, labelled=False)
    count = min(GOLDEN_FRAMES, len(dataset))
    picked = np.linspace(0, len(dataset) - 1, count).round().astype(int)
    return [resize_frame(dataset[int(index)].frame, build.size) for index in picked]
