"""A network that calibration cannot save, and what training with INT8 in the loop makes of it.

    .venv/bin/python benchmarks/int8/qat.py RUN --data camvid:DIR [--epochs 1] [--json] [--out FILE]

A few channels of every sum and every fusion in the head are made --factor times as large, and what reads them
as much smaller: in float nothing changes, but one INT8 range then has to hold both kinds of channels, as in
networks with outliers. Scored in OpenVINO on the val split: fp32, the range methods of calibration, and what
`train --qat` made of weights and ranges from there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from fcn_edge.backends import load_backend
from fcn_edge.bundle import Segmenter
from fcn_edge.compilation.qat import train_for_int8
from fcn_edge.data import open_dataset
from fcn_edge.evaluation.evaluate import Subject, score
from fcn_edge.ground.artifacts import atomic_write_json, provenance
from fcn_edge.ground.config import CompileConfig, TrainConfig
from fcn_edge.ground.machine import cpu_model
from fcn_edge.models.fcn import FCN
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import choose_frames
from fcn_edge.quantize.qat import quantize_trained
from fcn_edge.quantize.qdq import measure, quantize_with
from fcn_edge.quantize.recipe import METHODS, Recipe
from fcn_edge.quantize.table import measure_ranges
from fcn_edge.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

CHANNELS = 4


@torch.no_grad()
def spoil(fcn: FCN, factor: float) -> None:
    """Give the head outliers of `factor`, in place: float computes the same as before."""
    few = slice(0, CHANNELS)
    last = str(fcn.strides[-1])
    for stride in map(str, fcn.strides[1:]):
        lateral, up, fuse = (part[stride] for part in (fcn.lateral, fcn.up, fcn.fuse))
        for norm in (lateral[1], fuse[1]):
            norm.weight[few] *= factor
            norm.bias[few] *= factor
        up.weight[:, few] *= factor
        fuse[0].weight[:, few] /= factor
        following = fcn.classifier.weight[:, few] if stride == last else None
        if following is None:
            after = str(fcn.strides[fcn.strides.index(int(stride)) + 1])
            following = fcn.up[after].weight[few]
        following /= factor


class Scorer:
    """Scores ONNX files in OpenVINO on the val split."""

    def __init__(self, data: str, limit: int | None) -> None:
        self.dataset, self.limit = open_dataset(data, "val"), limit
        self.size: tuple[int, int] = self.dataset[0].frame.shape[:2]

    def __call__(self, path: Path, found: Checkpoint) -> float:
        engine = load_backend("openvino").open(path, None, {"cache": "off"})
        predict = Segmenter(engine, self.size, found.model.score_stride)
        subject = Subject(path.name, predict, found.classes.names)
        return round(score([subject], self.dataset, limit=self.limit)[0]["miou"], 4)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return the table as JSON."""
    scored, rows = Scorer(options.data, options.limit), {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        original = load_checkpoint(options.checkpoint)
        fp32 = export_onnx(original.model, scored.size, "scores", work / "original.onnx")
        rows["fp32"] = scored(fp32, original)
        spoil(original.model, options.factor)
        save_checkpoint(work / "spoilt", original.model, original.classes, {})
        spoilt = load_checkpoint(work / "spoilt")
        fp32 = export_onnx(spoilt.model, scored.size, "scores", work / "spoilt.onnx")
        rows["fp32, outliers"] = scored(fp32, spoilt)
        frames = choose_frames(open_dataset(options.data, "train", labelled=False), options.count)
        table = measure_ranges(fp32, frames)
        equalized = measure(fp32, frames, Recipe(), work / "equalized.onnx")
        for method in METHODS:
            quantize_with(fp32, table, Recipe(method, weights="pairs"), work / "int8.onnx")
            rows[f"calibrated, {method}"] = scored(work / "int8.onnx", spoilt)
        quantize_with(*equalized, Recipe(weights="pairs"), work / "int8.onnx")
        rows[f"calibrated, {Recipe().method}, equalized"] = scored(work / "int8.onnx", spoilt)
        result = train_for_int8(
            TrainConfig(
                options.data, work / "trained", start=str(work / "spoilt"), qat=True, epochs=options.epochs,
                lr=options.lr, crop=(240, 320), ema=0.9, val_every=options.epochs, limit=options.train_limit,
            )
        )  # fmt: skip
        trained = load_checkpoint(work / "trained")
        fp32 = export_onnx(trained.model, scored.size, "scores", work / "trained.onnx")
        rows["trained for INT8, run in float"] = scored(fp32, trained)
        quantize_trained(fp32, trained.model, trained.info["qat"], work / "learned.onnx")
        rows["trained for INT8"] = scored(work / "learned.onnx", trained)
    return {
        "checkpoint": options.checkpoint, "data": options.data, "factor": options.factor,
        "channels": CHANNELS, "miou": rows, "steps": result.steps, "seconds": round(result.seconds),
        "lr": options.lr, "cpu": cpu_model(), "provenance": provenance("python " + " ".join(sys.argv)),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("--data", required=True)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--factor", type=float, default=32.0, help="how large the outliers are")
    parser.add_argument("--limit", type=int, help="frames of val")
    parser.add_argument("--train-limit", type=int, help="frames of train")
    parser.add_argument("--count", type=int, default=CompileConfig.calibration_count)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    result = run(options)
    if options.out:
        atomic_write_json(options.out, result)
    lines = [f"{name:34s} {miou:.4f}" for name, miou in result["miou"].items()]
    print(json.dumps(result, indent=2) if options.json else "\n".join(lines))


if __name__ == "__main__":
    main()
