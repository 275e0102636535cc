"""From a checkpoint to a bundle: the stages in their order, and what each of them lost."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from fcn_edge.backends import load_backend
from fcn_edge.backends.resize import resize_frame
from fcn_edge.bundle import describe, write_bundle
from fcn_edge.compilation.build import Build, Note
from fcn_edge.compilation.calibrate import read_set
from fcn_edge.compilation.check_bundle import drift_of, opens, warn_of_blindness
from fcn_edge.compilation.gating import Measured, measure
from fcn_edge.compilation.operate import FRAMES, TargetMeasure, halve
from fcn_edge.compilation.start import start
from fcn_edge.compilation.to_int8 import to_float16, to_int8
from fcn_edge.compilation.worth import weigh
from fcn_edge.data import open_dataset, split_to_calibrate_on
from fcn_edge.ground.config import CompileConfig
from fcn_edge.ground.errors import MisuseError
from fcn_edge.quantize.calibration import CalibrationSet, choose_frames
from fcn_edge.quantize.calibration_check import diagnose
from fcn_edge.quantize.gate import GateVerdict
from fcn_edge.quantize.lint import lint, refuse_if_found
from fcn_edge.quantize.placement import layer_names
from fcn_edge.surgery.apply import apply
from fcn_edge.surgery.candidates import LOSSY
from fcn_edge.surgery.decide import decide

Frame = npt.NDArray[np.uint8]
GOLDEN_FRAMES = 3
JUDGED = ("engine", "oracle", "measured_by")
MIN_AGREEMENT = 0.98  # with the golden masks; engines on other CPUs round differently (docs/int8.md)


@dataclass(frozen=True)
class CompileResult:
    """What was written and what it is worth. judged: which engine gave the gate's masks (gating.measure)."""

    bundle: Path
    target: str
    precision: str
    gate: GateVerdict
    judged: dict[str, Any]
    layers: dict[str, int]
    next: str
    warnings: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return what `fcn-edge compile --json` prints."""
        return {
            "bundle": str(self.bundle),
            "target": self.target,
            "precision": self.precision,
            "gate": {**self.gate.to_json(), **self.judged, "sentence": self.gate.sentence()},
            "layers": self.layers,
            "next": self.next,
            "warnings": self.warnings,
        }


def compile_checkpoint(config: CompileConfig, progress: Note | None = None) -> CompileResult:
    """Compile `config.checkpoint` and write `config.out`, also when the gate refuses (its verdict says so).

    progress: called with one line of text per stage. Bad input is a FcnEdgeError before anything is written.
    """
    with tempfile.TemporaryDirectory() as work:
        build = start(config, Path(work), progress or (lambda text: None))
        original = write_graph(build, "original.onnx")
        calibration = calibrate(build) if config.int8 else None
        fp32 = write_graph(build, "fp32.onnx") if operate(build, calibration) else original
        if calibration is None:
            model = to_float16(build, fp32) if config.half else fp32
            build_engine(build, model)
            measured = measure(build, original, model)
        else:
            model, measured = to_int8(build, original, fp32, calibration)
            build_engine(build, model)
            weigh_int8(build, original, model, calibration, measured.gate)
        write(build, model, measured, calibration)
    judged = {key: measured.evidence[key] for key in JUDGED if key in measured.evidence}
    return CompileResult(
        config.out, config.target, build.precision, measured.gate, judged, build.layers,
        build.engine.get("next", ""), build.warnings,
    )  # fmt: skip


def write_graph(build: Build, name: str) -> Path:
    """Write the fp32 graph, ending as the target takes it, as work/`name` and return its path."""
    path = build.network.write(build.work / name, build.target.tail)
    refuse_if_found(lint(onnx.load(path)), "the exported graph")
    build.layers = {"int8": 0, "float": len(layer_names(build.network.graph))}
    return path


def calibrate(build: Build) -> CalibrationSet:
    """Choose the calibration frames."""
    config = build.config
    assert config.data is not None  # start() saw to it
    resize = partial(resize_frame, size=build.size)
    if config.calibration is not None:
        chosen = read_set(config.calibration, resize, config.calibration_data, otherwise=config.data)
    else:
        other = config.calibration_data
        split = split_to_calibrate_on(other) if other else config.calibration_split
        dataset = open_dataset(other or config.data, split, labelled=False)
        chosen = choose_frames(dataset, config.calibration_count, config.seed, resize)
    diagnosis = diagnose(chosen.frames)
    for text in (*chosen.warnings, *diagnosis.warnings):
        build.warn(text)
    build.note(f"calibrating on {len(chosen)} frames of {chosen.source}")
    build.evidence["calibration"] = {**chosen.to_json(), "diagnosis": diagnosis.to_json()}
    return chosen


def operate(build: Build, calibration: CalibrationSet | None) -> bool:
    """Replace transposed convolutions as `--upsample` says or measurement decides; tell whether any changed.

    From here on build.network is the operated one; the gate still compares with build.original.
    """
    if build.learned:
        return False
    config, network = build.config, build.network
    on_target, frames = None, fp32_frames(build) if calibration is None else calibration.frames
    if calibration is not None and config.upsample == "auto":
        kept, halves = network.write(build.work / "kept.onnx"), halve(calibration)
        on_target, frames = TargetMeasure(kept, config, halves), halves.learn.frames
    used = [] if config.upsample == "keep" else frames
    table = decide(network.graph, used, on_target, config.upsample, progress=build.note)
    build.evidence["surgery"] = table.to_json()
    for layer in table.layers:
        build.note(f"{layer.name}: {layer.chosen} ({layer.why})")
    build.network = apply(network, table.candidates)
    return table.changed


def fp32_frames(build: Build) -> list[Frame]:
    """Return the frames that a lossy stand-in is fitted to in a compilation that calibrates nothing."""
    config = build.config
    if config.upsample not in LOSSY:
        return []
    if config.data is None:
        build.warn(f"no --data: --upsample {config.upsample} is fitted to the kernels alone")
        return []
    dataset = open_dataset(config.data, config.calibration_split, labelled=False)
    return choose_frames(dataset, FRAMES, config.seed, partial(resize_frame, size=build.size)).frames


def build_engine(build: Build, model: Path) -> None:
    """Let the target prepare what it can ahead of time, under work/engines."""
    config = build.config
    backend: Any = load_backend("onnxruntime" if config.target == "onnx" else config.target)
    engines = build.work / "engines"
    if hasattr(backend, "export"):  # targets made from the PyTorch network rather than from ONNX
        checkpoint = build.network.origin.checkpoint
        if checkpoint is None:
            raise MisuseError(
                f"--target {config.target} is made from a PyTorch checkpoint; {config.checkpoint} is a graph",
                hint="type --target openvino or onnx",
            )
        backend.export(checkpoint.model, build.size, build.target.tail, engines)
    said = backend.build(model, engines, dict(config.options))
    build.layers = said.pop("layers", build.layers)
    if "next" in said:
        said["next"] = said["next"].replace("{bundle}", str(config.out))
    build.engine = said


def weigh_int8(
    build: Build, original: Path, model: Path, calibration: CalibrationSet, gate: GateVerdict
) -> None:
    """Measure what INT8 saves where the engine runs here, and say so if that is nothing."""
    if build.target.engine is None:
        return
    found = weigh(build.open(original), build.open(model), calibration.frames)
    build.evidence["worth"] = found.to_json()
    (build.note if found.worth_it else build.warn)(found.sentence(gate))


def write(build: Build, model: Path, measured: Measured, calibration: CalibrationSet | None) -> None:
    """Write the bundle with golden masks of the very file that ships."""
    config = build.config
    build.evidence["gate"] = measured.evidence
    shipped = build.open(model)
    golden = [(frame, shipped(frame)) for frame in golden_frames(build)]
    if config.data is not None:
        masks = [mask for _, mask in golden]
        names = build.network.classes.names
        warn_of_blindness(measured.evidence.get("fp32", {}), masks, names, build.warn)
    build.note(f"writing {config.out}")
    manifest = describe(
        config, build.network, build.target.tail, build.precision,
        gate=measured.gate, measured=measured.evidence, layers=build.layers, engine=build.engine,
    )  # fmt: skip
    write_bundle(
        config.out, manifest, model, golden, build.evidence, MIN_AGREEMENT,
        engines=build.work / "engines",
        drift=drift_of(calibration.frames, build.warn) if calibration else None,
        check=opens(config.out, build.target, build.note),
    )  # fmt: skip


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
