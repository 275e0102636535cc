"""`fcn-edge compile`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fcn_edge.cli.console import emit, note, percent
from fcn_edge.cli.options import (
    CheckpointArgument,
    JsonOption,
    LimitOption,
    OptionalData,
    SeedOption,
    SizeOption,
)
from fcn_edge.ground.config import CompileConfig, parse_options, parse_precision, parse_size


def compile_(
    checkpoint: CheckpointArgument,
    out: Annotated[Path, typer.Option("--out", help="Bundle to write, NAME.fcne.")],
    data: OptionalData = None,
    target: Annotated[str, typer.Option("--target", help="openvino, onnx, ...")] = CompileConfig.target,
    precision: Annotated[
        str | None,
        typer.Option("--precision", help="fp32, fp16 (NVIDIA targets), or int8: calibrated, needs --data."),
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="The same as --precision int8.")] = False,
    size: SizeOption = None,
    split: Annotated[
        str, typer.Option("--split", help="Labelled split the gate scores on.")
    ] = CompileConfig.split,
    no_labels: Annotated[
        bool, typer.Option("--no-labels", help="Frames without masks: gate on agreement with fp32.")
    ] = False,
    max_drop: Annotated[
        float, typer.Option("--max-drop", min=0, help="Largest accepted loss of mean IU (fraction).")
    ] = CompileConfig.max_drop,
    calibration_count: Annotated[
        int, typer.Option("--calibration-count", help="Frames that set the INT8 ranges.")
    ] = CompileConfig.calibration_count,
    max_class_drop: Annotated[
        float | None,
        typer.Option("--max-class-drop", min=0, help="Of any one class; default 5 x --max-drop."),
    ] = None,
    min_agreement: Annotated[
        float, typer.Option("--min-agreement", min=0, max=1, help="Least share of pixels equal to fp32's.")
    ] = CompileConfig.min_agreement,
    calibration: Annotated[
        Path | None, typer.Option("--calibration", help="Frames that fcn-edge calibrate wrote down.")
    ] = None,
    calibration_data: Annotated[
        str | None,
        typer.Option(
            "--calibration-data", metavar="NAME:PATH", help="Calibrate on these frames instead of --data's."
        ),
    ] = None,
    mixed: Annotated[
        bool, typer.Option("--mixed/--no-mixed", help="Where the gate refuses, keep noisy layers in float.")
    ] = CompileConfig.mixed,
    upsample: Annotated[
        str, typer.Option("--upsample", help="keep, subpixel, bilinear, resize-conv or auto (measured).")
    ] = CompileConfig.upsample,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            "--method",
            help="A TOML file, minmax, percentile, entropy, mse, or auto (tries them).",
        ),
    ] = None,
    engine_option: Annotated[
        list[str],
        typer.Option("--engine-option", metavar="KEY=VALUE", help="For the engine's builder; repeatable."),
    ] = [],  # noqa: B006 - Typer copies it
    layout: Annotated[
        str | None, typer.Option("--layout", help="Also write a model repository: triton or ovms.")
    ] = None,
    limit: LimitOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> int:
    """Compile a checkpoint to a measured, gated bundle.

    Exit code 1 when the INT8 gate refuses; the bundle is written all the same, marked as refused.

    Example: fcn-edge compile runs/road --int8 --data camvid:data/camvid --target openvino --out road.fcne
    """
    wanted = parse_precision(precision, int8)
    config = CompileConfig(
        checkpoint=checkpoint,
        out=out,
        data=data,
        target=target,
        int8=wanted == "int8",
        half=wanted == "fp16",
        size=parse_size(size) if size else None,
        split=split,
        labelled=not no_labels,
        max_drop=max_drop,
        max_class_drop=max_class_drop,
        min_agreement=min_agreement,
        calibration=calibration,
        calibration_data=calibration_data,
        mixed=mixed,
        calibration_count=calibration_count,
        upsample=upsample,
        recipe=recipe,
        seed=seed,
        limit=limit,
        options=parse_options(engine_option),
    )
    from fcn_edge.compilation.compile import compile_checkpoint
    from fcn_edge.compilation.serving import check_layout, check_repository, write_repository
    from fcn_edge.ground.targets import TARGETS

    repository = out.with_suffix(f".{layout}") if layout and out.name else out
    if layout and target in TARGETS:
        check_layout(layout, TARGETS[target].tail)
        check_repository(repository, out, (checkpoint, calibration), (data, calibration_data))
    result = compile_checkpoint(config, progress=note).to_json()
    if layout and result["gate"]["verdict"] != "fail":
        result["repository"] = str(write_repository(out, layout, repository))
    emit(result, _text(result), as_json=json)
    if result["gate"]["verdict"] != "fail":
        return 0
    note(f"fcn-edge: error: {result['gate']['sentence']}")
    return 1


def _text(result: dict[str, Any]) -> str:
    gate, layers = result["gate"], result["layers"]
    lines = [f"bundle    {result['bundle']}  ({result['target']}, {result['precision']})"]
    lines.append(f"layers    {layers['int8']} INT8, {layers['float']} float")
    lines.append(
        f"gate      {gate['verdict']}: mean IU fp32 {percent(gate.get('fp32_miou'))}, "
        f"INT8 {percent(gate.get('int8_miou'))}, agreement {percent(gate.get('agreement'))}"
    )
    if gate.get("oracle"):
        lines.append(f"          by {gate['measured_by']}: {result['target']} engines do not run here")
    if "repository" in result:
        lines.append(f"server    {result['repository']}")
    if result.get("next"):
        lines.append(f"next      {result['next']}")
    return "\n".join(lines)
