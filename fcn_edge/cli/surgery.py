"""`fcn-edge surgery`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fcn_edge.cli.console import emit, note, table
from fcn_edge.cli.options import CheckpointArgument, DataOption, JsonOption, SeedOption, SizeOption
from fcn_edge.config import CompileConfig, parse_size


def surgery(
    checkpoint: CheckpointArgument,
    data: DataOption,
    target: Annotated[str, typer.Option("--target", help="Engine to decide for.")] = CompileConfig.target,
    upsample: Annotated[
        str, typer.Option("--upsample", help="keep, subpixel, bilinear, resize-conv or auto (measured).")
    ] = CompileConfig.upsample,
    size: SizeOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Also save the operated checkpoint here.")] = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Decide by measurement what each deconv becomes.

    Keep it, or take the exact sub-pixel form, bilinear resize or resize-conv; the table states the reason.

    Example: fcn-edge surgery runs/road --data camvid:data/camvid --target openvino
    """
    config = CompileConfig(
        checkpoint=checkpoint,
        out=out or Path("unused.fcne"),
        data=data,
        target=target,
        int8=True,
        size=parse_size(size) if size else None,
        upsample=upsample,
        seed=seed,
    )
    from fcn_edge.operate import operate

    result = operate(config, save_to=out, progress=note)
    emit(result, surgery_text(result), as_json=json)


def surgery_text(result: dict[str, Any]) -> str:
    """Return the decision table as text: a block per layer, a line per candidate, the reason below."""
    if not result["layers"]:
        return str(result["note"])
    blocks = []
    for layer in result["layers"]:
        rows = [_candidate_row(candidate, layer["chosen"]) for candidate in layer["candidates"]]
        head = ("candidate", "residual", "checkerboard", "SQNR dB", "agreement", "latency ms")
        title = f"{layer['name']}  (kernel {layer['kernel']}, stride {layer['stride']})"
        blocks.append(f"{title}\n{table(rows, head)}\nchosen: {layer['chosen']} - {layer['why']}")
    return "\n\n".join(blocks)


def _candidate_row(candidate: dict[str, Any], chosen: str) -> list[str]:
    mark = "* " if candidate["kind"] == chosen else "  "
    keys = ("residual", "checkerboard", "sqnr_db", "agreement", "latency_ms")
    values = [candidate.get(key) for key in keys]
    return [mark + candidate["kind"], *("-" if value is None else f"{value:.4g}" for value in values)]
