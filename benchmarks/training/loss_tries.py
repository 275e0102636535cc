"""Losses, context and head width of the road model at equal, short training, scored on a street never seen.

    python benchmarks/training/narrow_backbone.py --weights deeplab_edgetpu_slim_cityscapes.safetensors \\
        --data camvid:data/camvid --out runs/edgetpu_narrow.safetensors
    python benchmarks/training/loss_tries.py --data camvid:data/camvid \\
        --weights runs/edgetpu_narrow.safetensors

CamVid val is the street of train's 0016E5, so it says little about other streets: all tries are trained on
0001TP and 0016E5 and scored on val and on 0006R0, which is left out of training whole. One thread; one seed,
and the baseline once more with another, to see what luck does. A try that is done is kept in --work and not
run again. Tries that change the network are timed as INT8 at the end, taking turns with the baseline.

Runs this short hardly learn the five rare classes, whatever is tried; nor with the batch of 8 and the
learning rate of zoo:road (--epochs 8 --batch 8 --lr 0.0015): see docs/experiments.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from fcn_edge.backends import load_backend
from fcn_edge.data import Dataset, open_dataset
from fcn_edge.ground.artifacts import atomic_write_json, hash_json, provenance, read_json
from fcn_edge.ground.config import TrainConfig, parse_size
from fcn_edge.ground.machine import cpu_model, usable_cores
from fcn_edge.models.cost import count_macs
from fcn_edge.models.frames import predict_mask
from fcn_edge.models.layers import crop, normal_init, upsample_bilinear
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import choose_frames
from fcn_edge.quantize.qdq import measure, quantize_with
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.train import evaluate, load_checkpoint
from fcn_edge.train.loop import Trainer
from fcn_edge.train.splits import Subset

MODEL = "fcn4s-mobilenet_edgetpu_narrow"
FREEZE = "stem,blocks.0,blocks.1,blocks.2,blocks.3,blocks.4"
LEFT_OUT = "0006R0"  # 101 frames of train: a drive through other streets than val's
SIZE = (360, 480)  # of GMAC and latency
AUXILIARY = 0.4  # weight of the auxiliary loss, as in PSPNet (Zhao et al. 2017)
RECIPE = Recipe(weights="pairs", activations="uint8")  # as in quantizers.py
CALIBRATION, WARMUP = 16, 20  # frames; rounds thrown away: only the time is looked at, not the masks
ENGINE = {"cache": "off", "threads": "1"}
THIN = ("pole", "sign_symbol", "pedestrian")


class Unweighted(Trainer):
    """Trains with all classes weighing the same."""

    def __init__(self, config: TrainConfig, data: Dataset, val: Dataset | None) -> None:
        super().__init__(config, data, val)
        self.weights = torch.ones_like(self.weights)


class WithAuxiliary(Trainer):
    """Trains with a second loss on scores made from the coarsest features alone; its layer is thrown away."""

    def __init__(self, config: TrainConfig, data: Dataset, val: Dataset | None) -> None:
        super().__init__(config, data, val)
        self.coarsest = self.model.strides[0]
        self.scorer = nn.Conv2d(self.model.backbone.channels[self.coarsest], len(data.classes), 1)
        normal_init(self.scorer)
        group = {"params": list(self.scorer.parameters()), "peak": config.lr, "weight_decay": 0.0}
        self.optimizer.add_param_group(group)
        self.model.backbone.register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, inputs: Any, output: dict[int, Tensor]) -> None:
        self.features = output[self.coarsest]

    def _loss(self, frames: Tensor, masks: Tensor) -> Tensor:
        main = super()._loss(frames, masks)
        scores = crop(upsample_bilinear(self.scorer(self.features), self.coarsest), *masks.shape[-2:])
        return main + AUXILIARY * self.loss(scores, masks, self.weights)


class Try(NamedTuple):
    """One row: what differs from the baseline."""

    options: dict[str, Any]
    trainer: type[Trainer] = Trainer


BASELINE = "baseline"
TRIES = {
    BASELINE: Try({}),
    "ohem": Try({"loss": "ohem"}),
    "boundary": Try({"loss": "boundary"}),
    "no context": Try({"context": False}),
    "head 32": Try({"head_width": 32}),
    "head 64": Try({"head_width": 64}),
    "baseline, seed 1": Try({"seed": 1}),
    "no class weights": Try({}, Unweighted),
    "auxiliary loss": Try({}, WithAuxiliary),
}


def by_street(dataset: Dataset) -> tuple[Dataset, Dataset]:
    """Return (the streets to train on, the one left out) of CamVid train."""
    out = [i for i in range(len(dataset)) if dataset.stem(i).startswith(LEFT_OUT)]
    return Subset(dataset, sorted(set(range(len(dataset))) - set(out))), Subset(dataset, out)


def run_try(one: Try, folder: Path, settings: dict[str, Any], splits: dict[str, Dataset]) -> dict[str, Any]:
    """Train one try; return its scores on every split but "train", its GMAC, and CPU seconds of training."""
    config = TrainConfig(
        settings["data"], folder, MODEL, weights=Path(settings["weights"]), freeze=FREEZE,
        augment="strong", epochs=settings["epochs"], batch=settings["batch"], lr=settings["lr"],
        weight_decay=0.02, crop=parse_size(settings["crop"]),
        **{"head_width": 48, "seed": settings["seed"]} | one.options,
    )  # fmt: skip
    start = time.process_time()
    steps = one.trainer(config, splits["train"], None).run().steps
    seconds = round(time.process_time() - start, 1)
    model = load_checkpoint(folder / "last.safetensors").model
    scores = {
        name: evaluate(partial(predict_mask, model), data).to_json(data.classes.names)
        for name, data in splits.items() if name != "train"
    }  # fmt: skip
    cost = count_macs(model, SIZE).gmac
    return {"scores": scores, "gmac": cost, "steps": steps, "cpu_seconds": seconds}


def int8_ratios(networks: dict[str, Path], data: str, rounds: int, work: Path) -> dict[str, Any]:
    """Return by name the median over rounds of the INT8 network's time divided by the baseline's, and in ms.

    networks: checkpoints. One frame each a round, in turns (A B C A B C ...), OpenVINO on one thread.
    """
    calibration = choose_frames(open_dataset(data, "train", labelled=False), CALIBRATION)
    engines = {}
    for name, checkpoint in networks.items():
        folder = work / checkpoint.parent.name
        fp32 = export_onnx(load_checkpoint(checkpoint).model, SIZE, "scores", folder / "fp32.onnx")
        measured = measure(fp32, calibration, RECIPE, folder / "equalized.onnx")
        quantize_with(*measured, RECIPE, folder / "int8.onnx")
        engines[name] = load_backend("openvino").open(folder / "int8.onnx", None, ENGINE)
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(WARMUP + rounds):
        for name, engine in engines.items():
            start = time.perf_counter()
            engine.infer(calibration.frames[0])
            times[name].append(1e3 * (time.perf_counter() - start))
    base = np.array(times[BASELINE][WARMUP:])
    return {
        name: {
            "ratio": round(float(np.median(np.array(ms[WARMUP:]) / base)), 3),
            "ms": round(float(np.median(ms[WARMUP:])), 2),
        }
        for name, ms in times.items()
    }


def table(rows: dict[str, Any], int8: dict[str, Any]) -> str:
    """Return the rows as a Markdown table: mean IU of both streets, IU of the thin classes on the other."""
    columns = ["val", LEFT_OUT, *(f"{name}, {LEFT_OUT}" for name in THIN)]
    lines = [
        f"| try | GMAC | {' | '.join(columns)} | INT8 time |",
        f"|---|---|{'---|' * len(columns)}---|",
    ]
    for name, row in rows.items():
        val, other = row["scores"]["val"], row["scores"][LEFT_OUT]
        numbers = [val["miou"], other["miou"], *(other["class_iou"][thin] for thin in THIN)]
        cells = " | ".join(f"{number:.3f}" for number in numbers)
        ratio = f"{int8[name]['ratio']:.2f}" if name in int8 else "1 (same network)"
        lines.append(f"| {name} | {row['gmac']:.2f} | {cells} | {ratio} |")
    return "\n".join(lines)


def folder_of(name: str) -> str:
    return name.replace(",", "").replace(" ", "_")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="camvid:DIR")
    parser.add_argument("--weights", required=True, help="the narrowed backbone (narrow_backbone.py)")
    parser.add_argument("--tries", nargs="+", choices=TRIES, default=list(TRIES))
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--crop", default="240x320")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=200, help="of timing INT8; 0: none")
    parser.add_argument("--work", type=Path, default=Path("out/loss_tries"), help="tries that are done")
    parser.add_argument("--out", type=Path, default=None, help="also write the result to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

    keys = ("data", "weights", "epochs", "batch", "crop", "lr", "seed")
    settings = {key: getattr(options, key) for key in keys}
    work = options.work / hash_json(settings)[:12]
    train, other = by_street(open_dataset(options.data, "train"))
    splits = {"train": train, "val": open_dataset(options.data, "val"), LEFT_OUT: other}
    rows = {}
    for name in options.tries:
        folder = work / folder_of(name)
        if not (folder / "row.json").is_file():
            say(f"{name}:")
            atomic_write_json(folder / "row.json", run_try(TRIES[name], folder, settings, splits))
        rows[name] = read_json(folder / "row.json")
    changed = [name for name in rows if rows[name]["gmac"] != rows[BASELINE]["gmac"]]
    networks = {name: work / folder_of(name) / "last.safetensors" for name in (BASELINE, *changed)}
    int8 = int8_ratios(networks, options.data, options.rounds, work / "int8") if options.rounds else {}
    print(table(rows, int8))
    report = {
        "settings": settings, "frames": {name: len(data) for name, data in splits.items()},
        "rows": rows, "int8": int8, "rounds": options.rounds,
        "cpu": cpu_model(), "cores": usable_cores(), "threads": 1,
        "provenance": provenance(f"python {' '.join(sys.argv)}"),
    }  # fmt: skip
    if options.out:
        atomic_write_json(options.out, report)


if __name__ == "__main__":
    main()
