"""Option types shared by the commands, so that one flag means one thing everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    str,
    typer.Option(
        "--data", metavar="NAME:PATH", help="Dataset: camvid:DIR, folder:DIR, voc:DIR, ... or streets."
    ),
]
OptionalData = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="NAME:PATH", help="Dataset: camvid:DIR, folder:DIR, voc:DIR, ... or streets."
    ),
]
CheckpointArgument = Annotated[
    str, typer.Argument(metavar="CHECKPOINT", help="Run folder, .safetensors file or zoo:NAME.")
]
SubjectArgument = Annotated[
    str, typer.Argument(metavar="CHECKPOINT|BUNDLE", help="Run folder, .safetensors, zoo:NAME, or NAME.fcne.")
]
BundleArgument = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A compiled bundle, NAME.fcne.")]
SizeOption = Annotated[
    str | None,
    typer.Option("--size", metavar="HxW", help="Network input size; default: the data's frame size."),
]
SplitOption = Annotated[str, typer.Option("--split", help="Split to score on: val, train, test.")]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="Use only the first N frames.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of everything random.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")
]
UngatedOption = Annotated[
    bool, typer.Option("--allow-ungated", help="Also open a bundle whose INT8 gate failed or was never run.")
]
