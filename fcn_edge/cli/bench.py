"""`fcn-edge bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fcn_edge.cli.console import emit, note
from fcn_edge.cli.options import JsonOption, UngatedOption


def bench(
    bundles: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="One or more compiled bundles.")],
    report: Annotated[
        Path | None, typer.Option("--report", help="Folder for report.html and report.json.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Video or folder; default: the golden frames.")
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Interleaved rounds (A B A B ...).")] = 5,
    frames: Annotated[int, typer.Option("--frames", min=1, help="Frames a round.")] = 200,
    threads: Annotated[int, typer.Option("--threads", min=0, help="Inference threads; 0: all cores.")] = 0,
    allow_ungated: UngatedOption = False,
    json: JsonOption = False,
) -> None:
    """Measure latency percentiles and write the report.

    Runs the C++ runtime, bundles interleaved (A B A B ...), every stage timed.

    Example: fcn-edge bench road.fcne road-fp32.fcne --report out/bench
    """
    from fcn_edge.bench import bench as run

    result = run(
        bundles,
        source=source,
        rounds=rounds,
        frames=frames,
        threads=threads,
        report=report,
        allow_ungated=allow_ungated,
        progress=note,
    )
    emit(result.to_json(), result.to_text(), as_json=json)
