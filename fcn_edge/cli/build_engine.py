"""`fcn-edge build-engine`."""

from __future__ import annotations

from typing import Annotated

import typer

from fcn_edge.cli.console import emit, note, percent
from fcn_edge.cli.options import BundleArgument, JsonOption


def build_engine(
    bundle: BundleArgument,
    workspace_mb: Annotated[
        int | None, typer.Option("--workspace-mb", min=1, help="Scratch memory the builder may plan with.")
    ] = None,
    level: Annotated[
        int, typer.Option("--level", min=0, max=5, help="How long to search: 0 fast build, 5 thorough.")
    ] = 3,
    json: JsonOption = False,
) -> None:
    """Build a bundle's TensorRT engine on this device.

    It is self-tested and goes to the cache, bound to this GPU and TensorRT version; streaming uses it
    from then on.
    Where there is no Python: fcn-edge-stream BUNDLE --build-engine.

    Example: fcn-edge build-engine road.fcne
    """
    from fcn_edge.compilation.build_engine import build_engine as build

    options = {"level": str(level)}
    if workspace_mb is not None:
        options["workspace_mb"] = str(workspace_mb)
    built = build(bundle, options, progress=note)
    agreement = percent(built.agreement)
    text = f"engine    {built.file}  ({built.seconds:.0f} s)\nself-test {agreement} of the golden pixels"
    emit(built.to_json(), text, as_json=json)
