"""The gate inside a compilation: score the engine that ships; if it is refused, find the layer to blame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fcn_edge.compilation.build import Build
from fcn_edge.compilation.gate_runtime import shipped
from fcn_edge.data import open_dataset
from fcn_edge.evaluation.evaluate import Subject, predictor, score
from fcn_edge.ground.config import CompileConfig
from fcn_edge.ground.targets import ORACLE
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.gate import GateVerdict, Limits, judge, ungated
from fcn_edge.quantize.gate_statistics import GateStatistics
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.quantize.sensitivity import fewest_float_layers, rank_layers
from fcn_edge.quantize.table import RangeTable

SENSITIVITY_FRAMES = 4
MOST_FLOAT = 4  # at most one layer in this many stays float: beyond that INT8 is not the answer


@dataclass(frozen=True)
class Measured:
    """A verdict and the record of what it rests on."""

    gate: GateVerdict
    evidence: dict[str, Any]


def limits(config: CompileConfig) -> Limits:
    """Return what the options allow INT8 to cost.

    One class may lose five times the mean unless said, pixels near boundaries twice as much.
    """
    per_class = config.max_class_drop
    return Limits(
        config.max_drop,
        5 * config.max_drop if per_class is None else per_class,
        config.min_agreement,
        2 * config.max_drop,
    )


def measure(build: Build, original: Path, model: Path) -> Measured:
    """Score the engine that ships beside its original on the gate's split and judge.

    The masks of `model` come from the C++ program, where it is built (gate_runtime). The original of an INT8
    engine is the same engine on the fp32 graph, that of an fp32 engine the network in PyTorch, or in ONNX
    Runtime where it came as a graph.
    """
    config, names = build.config, build.network.classes.names
    if config.data is None:
        build.warn("no --data: the bundle is ungated and streams only with --allow-ungated")
        return Measured(ungated(), {})
    reference = build.open(original) if config.int8 else predictor(build.original)
    dataset = open_dataset(config.data, config.split, labelled=config.labelled)
    count = len(dataset) if config.limit is None else min(config.limit, len(dataset))
    judged = shipped(build, model, dataset, count)
    statistics = GateStatistics(len(names))
    before, after = score(
        [Subject("original", reference, names), Subject("shipped", judged.predict, names)],
        dataset, limit=count, progress=build.note, each=statistics.update,
    )  # fmt: skip
    gate = judge(
        before, after, statistics.agreement,
        limits(config),
        intervals=statistics.intervals(names), boundary=statistics.boundary(),
    )  # fmt: skip
    evidence = {
        **gate.to_json(),
        "engine": build.target.engine or ORACLE, "oracle": build.target.engine is None,
        "measured_by": judged.measured_by,
        "split": config.split, "data": dataset.name, "frames": statistics.frames,
        "data_sha256": dataset.digest(), "fp32": before, build.precision: after,
    }  # fmt: skip
    return Measured(gate, evidence)


def rescue(
    build: Build,
    refused: Measured,
    original: Path,
    fp32: Path,
    calibration: CalibrationSet,
    table: RangeTable,
    recipe: Recipe,
    quantize: Callable[[Recipe], Path],
) -> tuple[Recipe, Measured]:
    """Keep the noisiest layers in float, only as many as the gate needs; return the recipe that passes.

    Without one, or with --no-mixed, the given recipe and verdict come back, which then says what is to blame:
    the noisiest layer, or calibration frames that show nothing, which no layer can make up for. quantize:
    writes the network by a recipe and returns its path.
    """
    blank = build.evidence["calibration"]["diagnosis"]["blank"]
    if 2 * blank > len(calibration):
        return recipe, _blaming(
            refused, f"to blame: {blank} of {len(calibration)} calibration frames are blank"
        )
    build.note("the gate refuses: measuring one layer at a time in INT8 to find the noisy ones")
    wanted = SENSITIVITY_FRAMES if build.config.mixed else 1
    step = max(1, len(calibration) // wanted)
    ranked = rank_layers(fp32, table, recipe, calibration.frames[::step][:wanted])
    build.evidence["sensitivity"] = [layer.to_json() for layer in ranked]
    worst = ranked[0]
    blame = f"to blame: layer {worst.name} ({worst.sqnr_db:.1f} dB of the scores when it alone is INT8)"
    if not build.config.mixed:
        return recipe, _blaming(refused, blame)
    tried: dict[tuple[str, ...], Measured] = {}

    def passes(float_layers: tuple[str, ...]) -> bool:
        build.note(f"trying {len(float_layers)} layers in float")
        model = quantize(replace(recipe, float_layers=(*recipe.float_layers, *float_layers)))
        tried[float_layers] = measure(build, original, model)
        return tried[float_layers].gate.verdict == "pass"

    found = fewest_float_layers(ranked, len(ranked) // MOST_FLOAT, passes)
    if found is not None:
        build.note(f"{len(found)} layers stay float so that the gate passes: {', '.join(found)}")
        return replace(recipe, float_layers=(*recipe.float_layers, *found)), tried[found]
    return recipe, _blaming(refused, blame)


def _blaming(refused: Measured, blame: str) -> Measured:
    gate = replace(refused.gate, why=(*refused.gate.why, blame))
    return Measured(gate, {**refused.evidence, **gate.to_json()})
