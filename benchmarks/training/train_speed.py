"""Images a second of `fcn-edge train` against a plain hand-written torch loop of the same model and data.

    python benchmarks/training/train_speed.py --json

The two take turns, a block of steps each, so that a busy machine slows both; the result is the median ratio.
`waiting` is the share of our steps spent on frames: reading, augmenting, stacking.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from fcn_edge.data import Dataset, open_dataset
from fcn_edge.ground.artifacts import atomic_write_json, provenance
from fcn_edge.ground.config import TrainConfig
from fcn_edge.ground.machine import cpu_model, usable_cores
from fcn_edge.models import ModelSpec, build_model
from fcn_edge.train.batches import make_augmentation
from fcn_edge.train.loop import Trainer
from fcn_edge.train.optimizer import set_rate


def ours(config: TrainConfig, data: Dataset, waits: list[float]) -> Iterator[None]:
    """Run the Trainer's own step, one at each `next`; add the seconds it waited for its batch to `waits`."""
    trainer = Trainer(config, data, None)
    trainer.model.train()
    for epoch in itertools.count():
        batches = iter(trainer.batches.epoch(epoch))
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            waits.append(time.perf_counter() - start)
            if batch is None:
                break
            frames, masks = batch
            set_rate(trainer.optimizer, 0.5)
            loss = trainer._loss(frames, masks)
            loss.item()
            trainer._learn(loss)
            yield


def plain(config: TrainConfig, data: Dataset) -> Iterator[None]:
    """Run the loop one would write by hand: no averaging, no weights by class, default memory layout."""
    model = build_model(ModelSpec(config.model, len(data.classes), config.head_width)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr)
    augment = make_augmentation(config.augment, config.crop)
    rng = np.random.default_rng(0)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (model.mean, model.std))
    while True:
        order = rng.permutation(len(data))
        for start in range(0, len(order) - config.batch + 1, config.batch):
            samples = [data[int(i)] for i in order[start : start + config.batch]]
            pairs = [augment(sample.frame, sample.mask, rng) for sample in samples]
            frames = torch.stack([torch.from_numpy(frame[..., ::-1].copy()) for frame, _ in pairs])
            masks = torch.stack([torch.from_numpy(mask) for _, mask in pairs]).long()
            x = (frames.permute(0, 3, 1, 2).float() / 255 - mean) / std
            loss = F.cross_entropy(model(x), masks, ignore_index=255)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
            yield


def seconds(steps: Iterator[None], count: int) -> float:
    """Return the time of `count` steps."""
    start = time.perf_counter()
    for _ in range(count):
        next(steps)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="streets:192x256")
    parser.add_argument("--model", default="fcn8s-efficientnet_lite0")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=2, help="steps of each loop in a round")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path, default=None, help="also write the result to this file")
    options = parser.parse_args()

    data = open_dataset(options.data, "train")
    with tempfile.TemporaryDirectory() as work:
        size = data[0].frame.shape[:2]
        config = TrainConfig(
            options.data, Path(work), options.model, batch=options.batch, crop=size, limit=32
        )
        waits: list[float] = []
        loops = {"ours": ours(config, data, waits), "plain": plain(config, data)}
        for steps in loops.values():
            seconds(steps, 1)
        waits.clear()
        rounds = [
            {name: seconds(steps, options.steps) for name, steps in loops.items()}
            for _ in range(options.rounds)
        ]
    images = options.steps * options.batch
    report = {
        "speed_ratio": statistics.median(one["plain"] / one["ours"] for one in rounds),
        "images_per_second": {
            name: images / statistics.median(one[name] for one in rounds) for name in loops
        },
        "waiting": sum(waits) / sum(one["ours"] for one in rounds),
        "rounds_seconds": rounds,
        "model": options.model, "data": options.data, "batch": options.batch,
        "cpu": cpu_model(), "cores": usable_cores(), "threads": torch.get_num_threads(),
        "provenance": provenance(f"python {' '.join(sys.argv)}"),
    }  # fmt: skip
    if options.out:
        atomic_write_json(options.out, report)
    print(json.dumps(report, indent=2) if options.json else f"ours / plain: {report['speed_ratio']:.3f}")


if __name__ == "__main__":
    main()
