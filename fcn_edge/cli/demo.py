"""`fcn-edge demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fcn_edge.cli.console import emit, note
from fcn_edge.cli.options import JsonOption, SeedOption


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for everything the demo makes.")] = Path(
        "out/demo"
    ),
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Run the whole line on rendered streets, in minutes.

    Train, surgery, INT8, gate, C++ stream, report: everything this tool does, on data it renders itself.

    Example: fcn-edge demo --out out/demo
    """
    from fcn_edge.demo import demo as run

    result = run(out, seed=seed, progress=note)
    emit(result.to_json(), result.to_text(), as_json=json)
