"""`fcn-edge sensitivity`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fcn_edge.cli.console import emit, note, table
from fcn_edge.cli.options import CheckpointArgument, DataOption, JsonOption, SeedOption, SizeOption
from fcn_edge.ground.config import CompileConfig, parse_size


def sensitivity(
    checkpoint: CheckpointArgument,
    data: DataOption,
    target: Annotated[str, typer.Option("--target", help="Engine to time on.")] = CompileConfig.target,
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="How ranges are found, as for compile.")
    ] = None,
    latency: Annotated[
        bool, typer.Option("--latency/--no-latency", help="Also time every layer in float, all others INT8.")
    ] = True,
    calibration_count: Annotated[
        int, typer.Option("--calibration-count", help="Frames that set the INT8 ranges.")
    ] = CompileConfig.calibration_count,
    size: SizeOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for sensitivity.json and sensitivity.png.")
    ] = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Rank the layers by what INT8 costs and saves.

    Each layer alone in INT8: the noise it puts into the class scores. Each layer alone in float: the time
    that INT8 saves there. The names are those a recipe's float_layers takes.

    Example: fcn-edge sensitivity runs/road --data camvid:data/camvid --out out/sensitivity
    """
    config = CompileConfig(
        checkpoint=checkpoint,
        out=Path("unused.fcne"),
        data=data,
        target=target,
        int8=True,
        recipe=recipe,
        calibration_count=calibration_count,
        size=parse_size(size) if size else None,
        seed=seed,
    )
    from fcn_edge.compilation.sensitivity import sensitivity as run

    result = run(config, out, latency=latency, progress=note)
    emit(result, _text(result), as_json=json)


def _text(result: dict[str, Any]) -> str:
    rows = [
        (row["name"], f"{row['sqnr_db']:.1f}", f"{row['saved_ms']:.2f}" if "saved_ms" in row else "-")
        for row in result["layers"]
    ]
    text = table(rows, ("layer, noisiest first", "alone in INT8, dB", "ms that INT8 saves"))
    return f"{text}\n\npicture: {result['picture']}" if "picture" in result else text
