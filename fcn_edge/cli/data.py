"""`fcn-edge data ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fcn_edge.cli.console import emit
from fcn_edge.cli.options import JsonOption, SeedOption
from fcn_edge.ground.config import parse_size

data = typer.Typer(help="Render datasets.", no_args_is_help=True, rich_markup_mode=None)


@data.callback()
def _root() -> None:
    """Render datasets."""


@data.command("streets")
def streets(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write.")],
    size: Annotated[str, typer.Option("--size", metavar="HxW", help="Frame size.")] = "360x480",
    train: Annotated[int, typer.Option("--train", min=1, help="Training frames.")] = 200,
    val: Annotated[int, typer.Option("--val", min=1, help="Validation frames.")] = 40,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="Length of the moving clip.")] = 8.0,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Render the procedural driving set.

    Frames, masks and a moving clip with its masks, in the folder layout of CamVid.

    Example: fcn-edge data streets data/streets --train 400
    """
    from fcn_edge.data.streets import write_folder

    result = write_folder(out, size=parse_size(size), train=train, val=val, seconds=seconds, seed=seed)
    emit(result, f"{out}: {train} train and {val} val frames, clip of {seconds:g} s", as_json=json)
