"""The training loop: read batch, forward, loss, backward, step, average; after each epoch score and save."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from fcn_edge.data import Dataset
from fcn_edge.data.class_names import difference
from fcn_edge.ground.artifacts import provenance
from fcn_edge.ground.config import TrainConfig
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.models import build_model
from fcn_edge.models.fake_quant import FakeQuantized
from fcn_edge.models.fcn import FCN
from fcn_edge.models.frames import predict_mask, to_input
from fcn_edge.models.spec import ModelSpec
from fcn_edge.models.weights import load_weights
from fcn_edge.train.batches import Batches, choose_crop, make_augmentation
from fcn_edge.train.checkpoint import load_checkpoint, save_checkpoint
from fcn_edge.train.curve import write_curve
from fcn_edge.train.device import choose_device
from fcn_edge.train.distributed import ALONE, Ranks, join, synchronized
from fcn_edge.train.ema import Ema
from fcn_edge.train.evaluate import evaluate
from fcn_edge.train.freeze import Frozen
from fcn_edge.train.losses import class_weights, count_pixels, find_loss
from fcn_edge.train.optimizer import make_optimizer, set_rate
from fcn_edge.train.pictures import draw_contact_sheet, draw_curve
from fcn_edge.train.precision import Precision
from fcn_edge.train.progress import TrainProgress, duration
from fcn_edge.train.run_folder import check_run_folder
from fcn_edge.train.schedule import Clock, rate_factor
from fcn_edge.train.splits import open_splits
from fcn_edge.train.state import Position, content_of, load_state, options_of, save_state
from fcn_edge.train.tensorboard import Board


@dataclass(frozen=True)
class TrainResult:
    """What a run reached: the checkpoint kept, its metrics on val (empty without one), and the speed."""

    checkpoint: Path
    metrics: dict[str, Any]
    epochs: int
    best_epoch: int | None
    steps: int
    seconds: float
    images_per_second: float
    waiting: float  # share of the time spent waiting for data, 0..1

    def to_json(self) -> dict[str, Any]:
        """Return the result as a JSON object."""
        return {**asdict(self), "checkpoint": str(self.checkpoint)}


Prepare = Callable[[FCN], FakeQuantized]  # turns a network into one that rounds as INT8 does


def train(config: TrainConfig, prepare: Prepare | None = None) -> TrainResult:
    """Train as `config` says and return what was reached; the run folder then holds

    model.safetensors (+ .json): the best checkpoint by mean IU on val; last.safetensors: the latest;
    state.safetensors: what --resume needs; curve.csv and .png; predictions.png. prepare: for training with
    INT8 in the loop (fcn_edge/compilation/qat.py); scores are then those of the rounding network. Raises
    FcnEdgeError for data, weights or options that cannot be used and for a loss that is not finite.
    """
    check_run_folder(config.out, [config.start, config.weights], data=[config.data])
    ranks = join(choose_device(config.device))
    with ranks.together():
        data, val = open_splits(config)
        return Trainer(config, data, val, ranks, prepare).run()


class Trainer:
    """One run on a training set and, where there is one, a validation set."""

    def __init__(
        self,
        config: TrainConfig,
        data: Dataset,
        val: Dataset | None,
        ranks: Ranks = ALONE,
        prepare: Prepare | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.val, self.classes, self.ranks = config, val, data.classes, ranks
        self.device = choose_device(config.device)
        crop = choose_crop(data[0].frame.shape[:2], config.crop)
        self.batches = Batches(
            data, make_augmentation(config.augment, crop), config.batch, config.seed, config.workers, ranks
        )
        made = self._make_model()
        self.model: FCN | FakeQuantized = prepare(made) if prepare else made
        self.frozen = Frozen(self.model.backbone, config.freeze)
        counts = count_pixels(data, len(data.classes))
        self.absent = [name for name, n in zip(data.classes.names, counts, strict=True) if n == 0]
        self.weights = class_weights(counts).to(self.device)
        self.loss = find_loss(config.loss)
        self.optimizer = make_optimizer(self.model, config.lr, config.weight_decay)
        self.ema = Ema(self.model, config.ema) if config.ema else None
        self.parallel = ranks.parallel(self.model)
        self.precision = Precision(self.device, config.amp)
        self.board = Board(config.out) if config.tensorboard and ranks.is_main else None
        self.options = options_of(config) | {"processes": ranks.world} | content_of(config, data, val)
        self.position, self.group = Position(), 0  # group: batches whose gradients await a step
        if config.resume:
            self.position = load_state(config.out, self.options, *self._learned())
        budget = config.minutes * 60 if config.minutes else None
        steps = config.epochs * len(self.batches)
        self.clock = Clock(steps, budget, self.position.step, self.position.elapsed)

    def run(self) -> TrainResult:
        """Train to the end of the schedule."""
        with (
            self.batches.explained(),
            TrainProgress(self.clock, quiet=not self.ranks.is_main) as progress,
        ):
            self._say_start(progress)
            over = self._over()
            while not over and not self._tired():
                row = self._epoch(progress)
                over = self._over()  # asked once an epoch: time that runs out later ends the next, scored too
                if over or (self.position.epoch + 1) % self.config.val_every == 0:
                    row |= self._validate()
                self._finish_epoch(row, progress)
        if self.ranks.is_main:
            self._draw()
        return self._result()

    def _epoch(self, progress: TrainProgress) -> dict[str, Any]:
        """Take every batch once; return the row of the learning curve."""
        epoch = self.position.epoch
        torch.manual_seed(hash((self.config.seed, epoch)))
        self.model.train()
        self.frozen.hold()
        losses, waited, start = [], 0.0, time.perf_counter()
        rate, mark = 0.0, start
        for number, (frames, masks) in enumerate(self.batches.epoch(epoch)):
            waited += time.perf_counter() - mark
            rate = set_rate(self.optimizer, rate_factor(self.ranks.agree(self.clock.progress)))
            loss = self._loss(frames, masks)
            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                self._stop_not_finite(losses[-1], rate, number)
            self._learn(loss)
            mark = time.perf_counter()
            progress.step(epoch, losses[-1], rate, len(losses) * self.batches.batch / (mark - start))
            if self._over():
                break
        self._step()  # what is left of a group: none reaches over the end of an epoch
        seconds = time.perf_counter() - start
        return {
            "epoch": epoch + 1,
            "step": self.clock.step,
            "loss": sum(losses) / len(losses),
            "lr": rate,
            "images_per_second": len(losses) * self.batches.batch / seconds,
            "waiting": waited / seconds,
        }

    def _loss(self, frames: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of one batch: uint8 BGR (N, H, W, 3) and ids (N, H, W)."""
        inputs = to_input(frames.to(self.device), self.model.mean, self.model.std)
        try:
            with self.precision.forward():
                scores = self.parallel(inputs)
        except ValueError as error:
            if "more than 1 value per channel" in str(error):
                raise self._one_value(frames) from error
            raise
        return self.loss(scores.float(), masks.to(self.device), self.weights)

    def _learn(self, loss: Tensor) -> None:
        """Add the gradients of one batch; the last of a group of `accumulate` batches takes a step."""
        self.precision.backward(loss)
        self.clock.step += 1
        self.group += 1
        if self.group == self.config.accumulate:
            self._step()

    def _step(self) -> None:
        """Step along the mean gradient of the batches since the last step, if there are any."""
        if self.group == 0:
            return
        self.precision.step(self.optimizer, self.group)
        self.group = 0
        if self.ema:
            self.ema.update(self.model)

    def _validate(self) -> dict[str, Any]:
        if self.val is None or not self.ranks.is_main:
            return {}
        matrix = evaluate(partial(predict_mask, self._kept().eval()), self.val)
        return matrix.to_json(self.classes.names)

    def _finish_epoch(self, row: dict[str, Any], progress: TrainProgress) -> None:
        """Save last, best, state and curve, in an order in which a kill at any point loses nothing."""
        out, at = self.config.out, self.position
        row["seconds"] = self.clock.elapsed
        at.epoch, at.step, at.elapsed = at.epoch + 1, self.clock.step, row["seconds"]
        at.curve.append(row)
        if not self.ranks.is_main:
            return
        info, kept = self._info(row), self._kept()
        if isinstance(kept, FakeQuantized):
            info["qat"], kept = kept.record(), kept.fcn
        save_checkpoint(out, kept, self.classes, info, name="last")
        score = row.get("miou")
        better = score is not None and (at.best is None or score > at.best)
        if better or at.best is None:  # without a score yet the latest is the best there is
            save_checkpoint(out, kept, self.classes, info)
            at.best, at.best_epoch = score, at.epoch
        write_curve(out, at.curve)
        if self.board:
            self.board.log(row)
        save_state(out, self.options, at, *self._learned())
        scored = f"  mIoU {score:.4f}{' best' if better else ''}" if score is not None else ""
        progress.say(
            f"epoch {at.epoch}  {duration(at.elapsed)}  loss {row['loss']:.4f}{scored}  "
            f"{row['images_per_second']:.1f} images/s, {row['waiting']:.0%} waiting for data"
        )

    def _learned(self) -> tuple[nn.Module, Ema | None, torch.optim.Optimizer, Precision]:
        return self.model, self.ema, self.optimizer, self.precision

    def _result(self) -> TrainResult:
        at = self.position
        kept = next((row for row in at.curve if row["epoch"] == at.best_epoch), at.curve[-1])
        images = sum(row["images_per_second"] for row in at.curve) / len(at.curve)
        waiting = sum(row["waiting"] for row in at.curve) / len(at.curve)
        metrics = {key: kept[key] for key in METRICS if key in kept}
        return TrainResult(
            self.config.out, metrics, at.epoch, at.best_epoch, at.step, at.elapsed, images, waiting
        )

    def _over(self) -> bool:
        return self.ranks.agree(self.clock.progress) >= 1

    def _tired(self) -> bool:
        """Return whether `patience` scores in a row were no better than the best."""
        at, patience = self.position, self.config.patience
        if patience is None:
            return False
        since = (at.epoch - (at.best_epoch or 0)) // self.config.val_every
        return self.ranks.agree(float(since >= patience and at.best is not None)) > 0

    def _draw(self) -> None:
        draw_curve(self.config.out / "curve.png", self.position.curve)
        if self.val is not None:
            predict = partial(predict_mask, self._kept().eval())
            draw_contact_sheet(self.config.out / "predictions.png", predict, self.val)

    def _kept(self) -> FCN | FakeQuantized:
        return cast(FCN | FakeQuantized, self.ema.model) if self.ema else self.model

    def _make_model(self) -> FCN:
        config = self.config
        if config.start is not None:
            return self._load(config.start)
        width = None if config.paper_head else config.head_width
        context = config.context and not config.paper_head
        spec = ModelSpec(config.model, len(self.classes), width, context, config.final)
        model = build_model(spec)
        self.loaded = str(load_weights(model, config.weights)) if config.weights else ""
        return self._placed(model)

    def _load(self, start: str) -> FCN:
        """Return the network of a checkpoint, which must know the data's classes."""
        found = load_checkpoint(start)
        if found.classes.names != self.classes.names:
            raise FcnEdgeError(
                difference(start, found.classes.names, self.config.data, self.classes.names),
                hint="--from goes on with the same classes; --weights starts anew with others",
            )
        self.loaded = f"the network of {start}"
        return self._placed(found.model)

    def _placed(self, model: FCN) -> FCN:
        model = cast(FCN, synchronized(model, self.ranks, self.device))
        # torch types .to() without memory_format, which it takes (torch.nn.Module.to)
        return model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _info(self, row: dict[str, Any]) -> dict[str, Any]:
        metrics = {key: row[key] for key in METRICS if key in row}
        return {
            "epoch": row["epoch"],
            "step": row["step"],
            "metrics": metrics,
            "split": self.val.split if self.val else None,
            "options": self.options,
            "provenance": provenance(),
        }

    def _say_start(self, progress: TrainProgress) -> None:
        if self.loaded:
            progress.say(f"weights: {self.loaded}")
        if self.absent:
            progress.say(f"no training pixel of: {', '.join(self.absent)} (they are not learned)")
        if self.val is None:
            progress.say(
                f"{self.config.data} has no labelled val split: the last checkpoint is kept, unscored"
            )
        frames = len(self.batches.dataset)
        progress.say(f"{frames} frames, {len(self.batches)} steps an epoch on {self.device}")

    def _one_value(self, frames: Tensor) -> MisuseError:
        """Return the error for a batch whose coarsest map has one place: too few for statistics."""
        count, height, width = frames.shape[:3]
        larger = ", or --batch 2" if len(self.batches.dataset) > self.ranks.world else ""
        return MisuseError(
            f"a batch of {count} crop of {height}x{width} leaves BatchNorm one value a channel",
            hint=f"type --crop 64x64 or larger{larger}",
        )

    def _stop_not_finite(self, loss: float, rate: float, number: int) -> None:
        stems = ", ".join(self.batches.stems(self.position.epoch, number))
        kept = self.config.out / "last.safetensors"
        has = (
            f"the checkpoint of epoch {self.position.epoch} is kept in {kept}"
            if self.position.epoch
            else "nothing was saved yet"
        )
        raise FcnEdgeError(
            f"the loss is {loss} at step {self.clock.step}, learning rate {rate:.2e}, batch {stems}; {has}",
            hint=f"try a lower --lr than {self.config.lr}",
        )


METRICS = ("miou", "pixel_accuracy", "mean_accuracy", "fw_iou", "class_iou", "absent", "frames")
