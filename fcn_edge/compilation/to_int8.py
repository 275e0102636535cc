"""From the fp32 graph to the INT8 one that ships: ranges, Q/DQ, the gate, and what stays float."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from fcn_edge.compilation.build import Build
from fcn_edge.compilation.gating import Measured, measure, rescue
from fcn_edge.ground.errors import MisuseError
from fcn_edge.quantize.auto import try_methods
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.half import to_half
from fcn_edge.quantize.lint import lint, refuse_if_found
from fcn_edge.quantize.qat import quantize_trained
from fcn_edge.quantize.qdq import QuantizeReport, quantize_with
from fcn_edge.quantize.qdq import measure as measure_ranges
from fcn_edge.quantize.recipe import AUTO, Recipe, recipe_for
from fcn_edge.quantize.table import RangeTable

Frame = npt.NDArray[np.uint8]


def to_int8(build: Build, original: Path, fp32: Path, calibration: CalibrationSet) -> tuple[Path, Measured]:
    """Quantize, measure, and where the gate refuses try again with the noisiest layers in float.

    Ranges that the checkpoint learned are taken as they are: there is nothing to calibrate.
    """
    if build.learned:
        model = write_learned(build, fp32, build.learned)
        return model, measure(build, original, model)
    name, weights = build.config.recipe, build.target.weights
    assert weights is not None  # start() saw to it
    recipe = recipe_for(None if name == AUTO else name, weights)
    fp32, table = measure_ranges(fp32, calibration, recipe, build.work / "equalized.onnx")
    if name == AUTO:
        recipe = best_recipe(build, fp32, calibration, recipe)
    model = quantize(build, fp32, table, recipe)
    measured = measure(build, original, model)
    if measured.gate.verdict == "fail":
        kept, measured = rescue(
            build, measured, original, fp32, calibration, table, recipe,
            lambda changed: quantize(build, fp32, table, changed),
        )  # fmt: skip
        model = quantize(build, fp32, table, kept)
    return model, measured


def best_recipe(build: Build, fp32: Path, calibration: CalibrationSet, base: Recipe) -> Recipe:
    """Return `base` with the range method that holds best on held-out calibration frames."""
    original = build.open(fp32)

    def agreement(model: Path, frames: list[Frame]) -> float:
        shipped = build.open(model)
        return float(np.mean([(shipped(frame) == original(frame)).mean() for frame in frames]))

    trials = try_methods(fp32, calibration, base, agreement)
    build.evidence["recipes"] = [trial.to_json() for trial in trials]
    tried = ", ".join(f"{trial.recipe.method} {trial.agreement:.4f}" for trial in trials)
    build.note(f"agreement with fp32 on held-out frames: {tried}")
    return trials[0].recipe


def quantize(build: Build, fp32: Path, table: RangeTable, recipe: Recipe) -> Path:
    """Write the Q/DQ graph of calibrated ranges, lint it and return its path."""
    path = build.work / "int8.onnx"
    return finish(build, path, quantize_with(fp32, table, recipe, path), recipe.to_json())


def write_learned(build: Build, fp32: Path, learned: dict[str, Any]) -> Path:
    """Write the Q/DQ graph of the ranges that training learned, lint it and return its path."""
    build.note("the checkpoint was trained for INT8: its own ranges are taken, nothing is calibrated")
    path = build.work / "int8.onnx"
    checkpoint = build.network.origin.checkpoint
    assert checkpoint is not None  # only training learns ranges
    report = quantize_trained(fp32, checkpoint.model, learned, path)
    return finish(build, path, report, {"method": "trained", "weights": learned["weights"]})


def finish(build: Build, path: Path, report: QuantizeReport, recipe: dict[str, Any]) -> Path:
    """Give the Q/DQ graph its float type, lint it, and keep what was done as evidence."""
    for text in report.notes:
        build.warn(text)
    base = base_type(build)
    if base == "float16":
        path = to_float16(build, path)
    findings = lint(onnx.load(path))
    if build.target.weights == "pairs":  # CPUs take uint8, which only TensorRT misreads
        findings = [finding for finding in findings if finding.rule != "uint8"]
    refuse_if_found(findings, "the INT8 graph")
    build.layers = {"int8": len(report.int8_layers), "float": len(report.float_layers)}
    build.note(f"quantized {build.layers['int8']} layers, {build.layers['float']} stay float")
    build.evidence["quantize"] = {"recipe": recipe, "base": base, **report.to_json()}
    return path


def to_float16(build: Build, path: Path) -> Path:
    """Write the graph with float16 in place of float32 and return its path."""
    model = onnx.load(path)
    to_half(model)
    onnx.save(model, build.work / "half.onnx")
    return build.work / "half.onnx"


def base_type(build: Build) -> str:
    """Return what the layers compute in that are not INT8; `--engine-option base=fp32` asks for float32."""
    wanted = build.config.options.get("base", "fp16" if build.target.half else "fp32")
    if wanted not in ("fp16", "fp32") or (wanted == "fp16" and not build.target.half):
        raise MisuseError(f"--engine-option base={wanted}", hint="fp32, or fp16 for NVIDIA targets")
    return "float16" if wanted == "fp16" else "float32"
