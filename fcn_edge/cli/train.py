"""`fcn-edge train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fcn_edge.cli.console import emit, metrics_text
from fcn_edge.cli.options import DataOption, JsonOption, LimitOption, SeedOption
from fcn_edge.config import TrainConfig, parse_size


def train(
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", help="Run folder for checkpoints and curves.")],
    model: Annotated[str, typer.Option("--model", help="fcn{8,16,32}s-BACKBONE.")] = TrainConfig.model,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Pretrained backbone: .safetensors or .pth.")
    ] = None,
    epochs: Annotated[
        int, typer.Option("--epochs", help="Passes over the training frames.")
    ] = TrainConfig.epochs,
    batch: Annotated[int, typer.Option("--batch", help="Frames a step.")] = TrainConfig.batch,
    lr: Annotated[float, typer.Option("--lr", help="Peak learning rate of the head.")] = TrainConfig.lr,
    crop: Annotated[str | None, typer.Option("--crop", metavar="HxW", help="Training crop.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")
    ] = False,
    device: Annotated[
        str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, ...")
    ] = TrainConfig.device,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that read frames.")] = 0,
    limit: LimitOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Train an FCN and keep the best checkpoint.

    Example: fcn-edge train --data camvid:data/camvid --model fcn8s-efficientnet_lite0 --out runs/road
    """
    config = TrainConfig(
        data=data,
        out=out,
        model=model,
        weights=weights,
        epochs=epochs,
        batch=batch,
        lr=lr,
        crop=parse_size(crop) if crop else None,
        seed=seed,
        resume=resume,
        device=device,
        workers=workers,
        limit=limit,
    )
    from fcn_edge.train import train as run

    result = run(config).to_json()
    emit(result, f"{metrics_text(result['metrics'])}\n\ncheckpoint: {result['checkpoint']}", as_json=json)
