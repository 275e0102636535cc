"""`fcn-edge stream`: finds the C++ binary and becomes it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fcn_edge.cli.console import emit
from fcn_edge.cli.options import BundleArgument

# Whatever follows is for the C++ program, which knows its own options.
STREAM_SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True}


def stream(
    context: typer.Context,
    bundle: BundleArgument,
    source: Annotated[
        str, typer.Option("--source", help="0, FILE, DIR, rtsp://... or a GStreamer string.")
    ] = "0",
    report: Annotated[Path | None, typer.Option("--report", help="Latency report to write (JSON).")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the latency report as one JSON object.")
    ] = False,
) -> None:
    """Run a bundle on a camera, video or folder (C++).

    Options not listed here go to fcn-edge-stream unchanged: --out, --masks, --window, --threads, ...

    Example: fcn-edge stream road.fcne --source 0 --window --report latency.json
    """
    from fcn_edge.runtime.program import find_stream, run_stream

    arguments = [*context.args, *(["--report", str(report)] if report else [])]
    if json:
        emit(run_stream(bundle, source, *arguments).report, "", as_json=True)
        return
    binary = find_stream()
    os.execv(binary, [str(binary), str(bundle), "--source", source, *arguments])
