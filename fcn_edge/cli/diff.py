"""`fcn-edge diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fcn_edge.cli.console import emit, note, percent, table
from fcn_edge.cli.options import DataOption, JsonOption, LimitOption, SplitOption


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="Run folder, .safetensors, zoo:NAME or NAME.fcne.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same; what A is compared with.")],
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", help="Folder for diff.json and the pictures.")],
    split: SplitOption = "val",
    limit: LimitOption = None,
    json: JsonOption = False,
) -> None:
    """Show where the pixels changed between two networks.

    Shares of changed pixels, per class and near boundaries, pictures of the frames that changed most, and the
    first layer whose output differs.

    Example: fcn-edge diff runs/road road.fcne --data camvid:data/camvid --out out/diff
    """
    from fcn_edge.evaluation.diff import diff as run

    result = run(a, b, data, out, split=split, limit=limit, progress=note)
    emit(result, _text(result, out), as_json=json)


def _text(result: dict[str, Any], out: Path) -> str:
    rows = [(name, percent(share)) for name, share in result["classes"].items()]
    moves = [f"{move['from']} -> {move['to']} {move['share']:.2%}" for move in result["moves"]]
    layer = result.get("first_diverging") or "none"
    return "\n".join(
        [
            f"changed {result['changed']:.2%} of the pixels of {result['frames']} frames: "
            f"{result['boundary']:.2%} near boundaries, {result['interior']:.2%} elsewhere",
            "",
            table(rows, ("class in A", "changed")),
            "",
            f"commonest  {', '.join(moves) or 'none'}",
            f"first layer below 20 dB  {layer}",
            f"pictures   {out}",
        ]
    )
