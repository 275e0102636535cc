"""`fcn-edge surgery`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fcn_edge.cli.console import emit, note, table
from fcn_edge.cli.options import JsonOption, OptionalData, SeedOption, SizeOption
from fcn_edge.ground.config import CompileConfig, parse_size
from fcn_edge.ground.errors import MisuseError


def surgery(
    model: Annotated[
        str,
        typer.Argument(metavar="CHECKPOINT|ONNX", help="Run folder, .safetensors, zoo:NAME, or NAME.onnx."),
    ],
    data: OptionalData = None,
    target: Annotated[str, typer.Option("--target", help="Engine to decide for.")] = CompileConfig.target,
    upsample: Annotated[
        str, typer.Option("--upsample", help="keep, subpixel, bilinear, resize-conv or auto (measured).")
    ] = CompileConfig.upsample,
    size: SizeOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also save the result: a run folder, or NAME.onnx.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option("--pictures", help="Also draw every layer's checkerboard into this folder.")
    ] = None,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="Measure every combination, not one layer at a time.")
    ] = False,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Decide by measurement what each deconv becomes.

    Keep it, or take the exact sub-pixel form, bilinear resize or resize-conv; the table states the reason.
    An ONNX file of any origin is rewritten without data: auto then takes only forms that lose nothing, and
    the outputs are compared.

    Example: fcn-edge surgery runs/road --data camvid:data/camvid --target openvino
    """
    if model.endswith(".onnx"):
        from fcn_edge.surgery.onnx_rewrite import rewrite_file

        rewritten = rewrite_file(Path(model), out, upsample, seed)
        emit(rewritten, onnx_text(rewritten), as_json=json)
        return
    if data is None:
        raise MisuseError("surgery on a checkpoint measures on frames", hint="add --data NAME:PATH")
    config = CompileConfig(
        checkpoint=model,
        out=out or Path("unused.fcne"),
        data=data,
        target=target,
        int8=True,
        size=parse_size(size) if size else None,
        upsample=upsample,
        seed=seed,
    )
    from fcn_edge.compilation.operate import operate

    result = operate(config, save_to=out, pictures=pictures, search_all=exhaustive, progress=note)
    emit(result, surgery_text(result), as_json=json)


def surgery_text(result: dict[str, Any]) -> str:
    """Return the decision table as text: a block per layer, a line per candidate, the reason below."""
    if not result["layers"]:
        return str(result["note"])
    blocks = []
    for layer in result["layers"]:
        rows = [_candidate_row(candidate, layer["chosen"]) for candidate in layer["candidates"]]
        head = ("candidate", "residual", "ripple", "fp32 agrees", "INT8 agrees", "SQNR dB", "ms")
        kernel, stride = ("x".join(map(str, layer[key])) for key in ("kernel", "stride"))
        title = f"{layer['name']}  (kernel {kernel}, stride {stride})"
        blocks.append(f"{title}\n{table(rows, head)}\nchosen: {layer['chosen']} ({layer['why']})")
    return "\n\n".join([*blocks, *filter(None, [_network(result), result["note"]])])


def _network(result: dict[str, Any]) -> str:
    """Return the whole network on the engine, kept and as chosen, and what distillation brought."""
    lines = [
        f"{which:7s} INT8 agreement {one['agreement']:.4f}, SQNR {one['sqnr_db']:.1f} dB"
        + (f", {one['latency_ms']:.2f} ms" if "latency_ms" in one else "")
        for which, one in result["network"].items()
    ]
    if recovery := result.get("recovery"):
        before, after = recovery["before"], recovery["after"]
        lines.append(
            f"distilled in {recovery['seconds']:.0f} s: agreement in fp32 {before['agreement']:.4f} -> "
            f"{after['agreement']:.4f}, SQNR {before['sqnr_db']:.1f} -> {after['sqnr_db']:.1f} dB"
        )
    return "\n".join(lines)


def _candidate_row(candidate: dict[str, Any], chosen: str) -> list[str]:
    mark = "* " if candidate["kind"] == chosen else "  "
    fp32 = (candidate.get("fp32") or {}).get("agreement")
    measured = [candidate.get(key) for key in ("agreement", "sqnr_db", "latency_ms")]
    values = [candidate["residual"], candidate["checkerboard"], fp32, *measured]
    return [mark + candidate["kind"], *("-" if value is None else f"{value:.4g}" for value in values)]


def onnx_text(result: dict[str, Any]) -> str:
    """Return what became of the ConvTranspose nodes of an ONNX file as text."""
    if not result["layers"]:
        return str(result["note"])
    rows = [(row["name"], row["chosen"], f"{row['residual']:.4g}", row["why"]) for row in result["layers"]]
    lines = [table(rows, ("node", "became", "residual", "how")), ""]
    for output in result["outputs"]:
        same = "" if output["agreement"] is None else f", argmax agrees on {output['agreement']:.4%}"
        lines.append(f"output {output['output']}: relative difference {output['relative']:.2e}{same}")
    return "\n".join([*lines, *([f"saved {result['saved']}"] if "saved" in result else [])])
