"""FCN-32s, FCN-16s, FCN-8s as in the paper: each starts from the coarser one, its new skip silent.

    python benchmarks/fcn_family.py                                   # streets, the procedural driving set
    python benchmarks/fcn_family.py --data camvid:data/camvid --weights pretrained --size 360x480

The last row is the control: FCN-32s trained on for as long as all three together. The paper drops the
learning rate 100-fold at each stage; that fits its SGD at a fixed rate: --rates 1,0.01,0.0001 gives it. The
default keeps the rate, because AdamW restarts its decaying schedule at each stage.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from fcn_edge.artifacts import atomic_write_json, provenance
from fcn_edge.config import TrainConfig
from fcn_edge.train import train

METRICS = ("pixel_accuracy", "mean_accuracy", "miou", "fw_iou")


def stage(
    options: argparse.Namespace, out: Path, strides: int, start: str | Path | None, **changes: Any
) -> dict[str, Any]:
    """Train one FCN with the paper's head and return its row of the table."""
    config = {
        "data": options.data, "out": out, "model": f"fcn{strides}s-{options.backbone}", "paper_head": True,
        "weights": Path(start) if start else None, "epochs": options.epochs, "batch": options.batch,
        "lr": options.lr, "seed": options.seed, "limit": options.limit, "ema": 0.99,
        "val_every": options.epochs,
    }  # fmt: skip
    result = train(TrainConfig(**{**config, **changes}))
    return {key: result.metrics[key] for key in METRICS} | {
        "epochs": result.epochs,
        "seconds": result.seconds,
    }


def family(options: argparse.Namespace, work: Path) -> list[dict[str, Any]]:
    """Return the rows of the table."""
    rates = [options.lr * float(ratio) for ratio in options.rates.split(",")]
    rows = []
    start = options.weights
    for strides, rate in zip((32, 16, 8), rates, strict=True):
        out = work / f"fcn{strides}s"
        rows.append({"model": f"FCN-{strides}s"} | stage(options, out, strides, start, lr=rate))
        start = out / "last.safetensors"
    longer = {"epochs": 2 * options.epochs, "val_every": 2 * options.epochs}
    control = stage(options, work / "control", 32, work / "fcn32s" / "last.safetensors", **longer)
    return [*rows, {"model": "FCN-32s, as long as all three"} | control]


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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="streets:96x128")
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--weights", default=None, help="pretrained backbone: a file, or `pretrained`")
    parser.add_argument("--epochs", type=int, default=6, help="of each stage")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--rates", default="1,1,1", help="learning-rate ratio of each stage")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=None, help="use only the first N frames")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--out", type=Path, default=None, help="also write them to this file")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as work:
        rows = family(options, Path(work))
    print(table(rows), file=sys.stderr)
    settings = {key: value for key, value in vars(options).items() if key not in ("json", "out")}
    report = {"rows": rows, "settings": settings, "provenance": provenance(" ".join(sys.argv))}
    if options.json:
        print(json.dumps(report, indent=2))
    if options.out:
        atomic_write_json(options.out, report)


if __name__ == "__main__":
    main()
