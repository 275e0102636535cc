"""`fcn-edge train`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fcn_edge.cli.console import emit, metrics_text
from fcn_edge.cli.options import DataOption, JsonOption, LimitOption, SeedOption
from fcn_edge.ground.config import TrainConfig, parse_size


def train(
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", help="Run folder for checkpoints and curves.")],
    model: Annotated[str, typer.Option("--model", help="fcn{8,16,32}s-BACKBONE.")] = TrainConfig.model,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Pretrained: .safetensors, .pth, a run or zoo:NAME.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Go on from a checkpoint: its network and weights, a new schedule."),
    ] = None,
    qat: Annotated[
        bool, typer.Option("--qat", help="Round as INT8 does while training; needs --from, and a low --lr.")
    ] = False,
    epochs: Annotated[
        int, typer.Option("--epochs", help="Passes over the training frames.")
    ] = TrainConfig.epochs,
    batch: Annotated[int, typer.Option("--batch", help="Frames a step.")] = TrainConfig.batch,
    accumulate: Annotated[
        int, typer.Option("--accumulate", help="Forward passes a step: gradients are added up.")
    ] = TrainConfig.accumulate,
    lr: Annotated[float, typer.Option("--lr", help="Peak learning rate of the head.")] = TrainConfig.lr,
    crop: Annotated[str | None, typer.Option("--crop", metavar="HxW", help="Training crop.")] = None,
    loss: Annotated[
        str,
        typer.Option("--loss", help="cross-entropy, ohem (hardest pixels), or boundary (edges count more)."),
    ] = TrainConfig.loss,
    augment: Annotated[
        str, typer.Option("--augment", help="none, standard, or strong (other streets, other light).")
    ] = TrainConfig.augment,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="Train for this long instead of --epochs.")
    ] = None,
    paper_head: Annotated[
        bool, typer.Option("--paper-head", help="Fuse class scores, as in the FCN paper.")
    ] = False,
    head_width: Annotated[
        int, typer.Option("--head-width", help="Channels of the edge head.")
    ] = TrainConfig.head_width,
    context: Annotated[
        bool, typer.Option("--context/--no-context", help="Add the picture's mean to the coarsest features.")
    ] = TrainConfig.context,
    final: Annotated[
        str, typer.Option("--final", help="Last upsampling: bilinear, or deconv (learned).")
    ] = TrainConfig.final,
    freeze: Annotated[
        str, typer.Option("--freeze", help="Parts of the backbone that stay as loaded: stem,blocks.0,...")
    ] = TrainConfig.freeze,
    weight_decay: Annotated[
        float, typer.Option("--weight-decay", help="Of AdamW, on weights of more than one dimension.")
    ] = TrainConfig.weight_decay,
    ema: Annotated[
        float, typer.Option("--ema", help="Decay of the averaged weights that are kept; 0: off.")
    ] = TrainConfig.ema,
    val_every: Annotated[
        int, typer.Option("--val-every", help="Score val after every N epochs.")
    ] = TrainConfig.val_every,
    patience: Annotated[
        int | None, typer.Option("--patience", help="Stop after N scores in a row without a better one.")
    ] = None,
    amp: Annotated[bool, typer.Option("--amp", help="Mixed precision, on a GPU.")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also log for TensorBoard (extra `tensorboard`).")
    ] = False,
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
        start=start,
        qat=qat,
        paper_head=paper_head,
        head_width=head_width,
        context=context,
        final=final,
        freeze=freeze,
        epochs=epochs,
        minutes=minutes,
        batch=batch,
        accumulate=accumulate,
        lr=lr,
        weight_decay=weight_decay,
        ema=ema,
        loss=loss,
        augment=augment,
        crop=parse_size(crop, "--crop") if crop else None,
        val_every=val_every,
        patience=patience,
        amp=amp,
        tensorboard=tensorboard,
        seed=seed,
        resume=resume,
        device=device,
        workers=workers,
        limit=limit,
    )
    if qat:
        from fcn_edge.compilation.qat import train_for_int8 as run
    else:
        from fcn_edge.train import train as run

    result = run(config).to_json()
    if os.environ.get("RANK", "0") != "0":  # one process of several (torchrun) speaks for all
        return
    emit(result, f"{metrics_text(result['metrics'])}\n\ncheckpoint: {result['checkpoint']}", as_json=json)
