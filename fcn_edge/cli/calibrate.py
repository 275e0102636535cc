"""`fcn-edge calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fcn_edge.cli.console import emit, note, table
from fcn_edge.cli.options import JsonOption, SeedOption
from fcn_edge.ground.errors import MisuseError


def calibrate(
    data: Annotated[
        str,
        typer.Option("--data", metavar="NAME:PATH", help="folder:DIR, video:FILE, camera:0, camvid:DIR, ..."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the set, for compile --calibration FILE.")
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Split to pick from; default: train, or all without masks.")
    ] = None,
    count: Annotated[int, typer.Option("--count", help="Frames to pick; at least 8, better 64.")] = 64,
    labels: Annotated[
        bool, typer.Option("--labels", help="Use the masks, so that every class is covered.")
    ] = False,
    like: Annotated[
        str | None,
        typer.Option("--like", metavar="NAME:PATH", help="Frames of the deployment, e.g. video:drive.mp4."),
    ] = None,
    like_split: Annotated[
        str | None, typer.Option("--like-split", help="Split of --like; default: val.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option("--record", help="New folder for the frames of --data camera:SOURCE.")
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", help="How long to watch a camera; Ctrl-C ends it sooner.")
    ] = 60.0,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Pick calibration frames and judge the set.

    Example: fcn-edge calibrate --data camvid:data/camvid --like video:drive.mp4 --out set.json
    """
    if like_split and not like:
        raise MisuseError(f"--like-split {like_split} without --like", hint="add --like NAME:PATH")
    from fcn_edge.compilation.calibrate import Recording
    from fcn_edge.compilation.calibrate import calibrate as run

    found = run(
        data,
        split=split,
        labelled=labels,
        count=count,
        seed=seed,
        like=like,
        like_split=like_split or "val",
        recording=Recording(record, seconds) if record else None,
        out=out,
        note=note,
    )
    emit(found, _text(found), as_json=json)


def _text(record: dict[str, Any]) -> str:
    found = record["diagnosis"]
    rows = [
        (name, *(f"{span[key]:.1f}" for key in ("p5", "p50", "p95")))
        for name, span in found["statistics"].items()
    ]
    head = f"{record['count']} frames of {record['source']}, {found['near_duplicates']} near-duplicates"
    warnings = [f"warning: {text}" for text in record["warnings"]] or ["nothing to object to"]
    return "\n".join([head, "", table(rows, ("", "p5", "p50", "p95")), "", *warnings])
