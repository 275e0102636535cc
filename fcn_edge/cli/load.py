"""`fcn-edge load`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fcn_edge.cli.console import emit
from fcn_edge.cli.options import JsonOption, OptionalData


def load(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="torchvision:NAME, BACKBONE:FILE, a run or zoo:NAME.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Run folder for the checkpoint.")],
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Published weights: .pth or .safetensors.")
    ] = None,
    data: OptionalData = None,
    json: JsonOption = False,
) -> None:
    """Turn published weights into a checkpoint.

    A whole FCN is ready to compile; a classifier's fully connected layers become convolutions, and its
    segmentation classes come from --data.

    Example: fcn-edge load torchvision:fcn_resnet50 --weights fcn_resnet50_coco.pth --out runs/voc
    """
    from fcn_edge.train.load import load_checkpoint_from

    loaded = load_checkpoint_from(source, out, weights=weights, data=data)
    emit(loaded, f"{loaded['loaded']}\ncheckpoint: {loaded['checkpoint']}", as_json=json)
