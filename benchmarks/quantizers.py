"""Our INT8 beside ONNX Runtime's and NNCF's own, on the same network, calibration frames and engine.

    .venv/bin/python benchmarks/quantizers.py [CHECKPOINT] [--data NAME:DIR] [--limit N] [--json] [--out FILE]

Without arguments: zoo:road on CamVid, from where it is usually kept. NNCF quantizes the OpenVINO model, its
home ground, and gives a file that only OpenVINO reads. Every other row is a Q/DQ ONNX file, run by OpenVINO
on this CPU and, on a few frames, by the oracle (ONNX Runtime, node by node as the standard defines them).
Where the two disagree, this CPU's integer kernels do not compute what the file says. Latency is measured in
turns (A B C A B C ...) and given relative to fp32 in the same rounds. --ablations adds our recipes with one
thing changed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common.nets import camvid

from fcn_edge.backends import load_backend
from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.data import open_dataset
from fcn_edge.ground.artifacts import atomic_write_json, provenance
from fcn_edge.ground.machine import cpu_model
from fcn_edge.ground.targets import ORACLE, ORACLE_OPTIONS
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet, choose_frames
from fcn_edge.quantize.lint import lint
from fcn_edge.quantize.qdq import measure, quantize_with
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.quantize.weights import sqnr_db
from fcn_edge.train.checkpoint import load_checkpoint
from fcn_edge.train.metrics import ConfusionMatrix

OURS = {"ours": Recipe(weights="pairs", activations="uint8")}
ABLATIONS = {
    "ours, not equalized": replace(OURS["ours"], equalize=False),
    "ours, int8 activations": replace(OURS["ours"], activations="int8"),
    "ours, no bias correction": replace(OURS["ours"], bias_correction=False),
    "ours, full-range weights": replace(OURS["ours"], weights="full"),
    **{
        f"ours, {method}": replace(OURS["ours"], method=method)
        for method in ("minmax", "percentile", "entropy")
    },
}
UNCACHED = {"cache": "off"}
ROUNDS = 30
ORACLE_FRAMES = 8


def onnxruntime_file(fp32: Path, calibration: CalibrationSet, out: Path, *, reduce_range: bool) -> Path:
    """Quantize with onnxruntime.quantization, set up as TensorRT and OpenVINO take it best."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    quantize_static(
        str(fp32), str(out), Reader(calibration), quant_format=QuantFormat.QDQ, per_channel=True,
        reduce_range=reduce_range, activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv", "ConvTranspose", "Add", "MaxPool"],
        nodes_to_exclude=["Add_0"],  # the normalisation of the frame
        extra_options={
            "ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False,
            "AddQDQPairToWeight": False,
            "OpTypesToExcludeOutputQuantization": ["Conv", "ConvTranspose", "Add"],
        },
    )  # fmt: skip
    return out


def nncf_file(fp32: Path, calibration: CalibrationSet, out: Path, *, overflow_fix: bool) -> Path:
    """Quantize with NNCF's post-training method (its own defaults: bias correction on) for the CPU.

    overflow_fix: 7-bit weights in every layer, NNCF's remedy for CPUs without VNNI (its default: the first).
    """
    import nncf
    import openvino as ov
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix

    data = nncf.Dataset(calibration.frames, lambda frame: {"frame": frame[None]})
    advanced = AdvancedQuantizationParameters(overflow_fix=OverflowFix.ENABLE) if overflow_fix else None
    model = ov.Core().read_model(fp32)
    with contextlib.redirect_stdout(sys.stderr):  # its progress bars; stdout is for the table
        made = nncf.quantize(model, data, subset_size=len(calibration), advanced_parameters=advanced)
    ov.save_model(made, out, compress_to_fp16=False)
    return out


class Reader:
    """The calibration frames as ONNX Runtime's quantizer asks for them."""

    def __init__(self, calibration: CalibrationSet) -> None:
        self._frames: Iterator[np.ndarray] = iter(calibration.frames)

    def get_next(self) -> dict[str, np.ndarray] | None:
        frame = next(self._frames, None)
        return None if frame is None else {"frame": frame[None]}


def candidates(
    fp32: Path, calibration: CalibrationSet, work: Path, recipes: dict[str, Recipe]
) -> dict[str, Callable[[], Path]]:
    """Return name -> function that writes the file."""
    measured = {
        equal: measure(fp32, calibration, Recipe(equalize=equal), work / "equalized.onnx")
        for equal in {recipe.equalize for recipe in recipes.values()}
    }

    def ours(recipe: Recipe, name: str) -> Callable[[], Path]:
        def write() -> Path:
            quantize_with(*measured[recipe.equalize], recipe, work / f"{name}.onnx")
            return work / f"{name}.onnx"

        return write

    rows = {name: ours(recipe, name) for name, recipe in recipes.items()}
    rows["onnxruntime.quantization"] = lambda: onnxruntime_file(
        fp32, calibration, work / "ort.onnx", reduce_range=False
    )
    rows["onnxruntime.quantization, reduce_range"] = lambda: onnxruntime_file(
        fp32, calibration, work / "ort7.onnx", reduce_range=True
    )
    rows["NNCF"] = lambda: nncf_file(fp32, calibration, work / "nncf.xml", overflow_fix=False)
    rows["NNCF, overflow fix"] = lambda: nncf_file(fp32, calibration, work / "nncf7.xml", overflow_fix=True)
    return rows


class Scorer:
    """Runs a file over labelled frames and compares with fp32 on the same engine."""

    def __init__(self, fp32: Path, samples: list[Any], stride: int) -> None:
        self._samples, self._stride = samples, stride
        self._every = max(1, len(samples) // ORACLE_FRAMES)
        self._reference = self._scores(fp32, "openvino", UNCACHED)

    def __call__(self, path: Path) -> dict[str, Any]:
        """Return {"openvino": {...}, "oracle": {"sqnr_db"}}, the latter of ONNX files, all against fp32."""
        found = {"openvino": self._judge(self._scores(path, "openvino", UNCACHED))}
        if path.suffix == ".onnx":
            few = self._scores(path, ORACLE, ORACLE_OPTIONS, every=self._every)
            noise = sqnr_db(np.stack(self._reference[:: self._every]), np.stack(few))
            found["oracle"] = {"sqnr_db": round(noise, 1), "frames": len(few)}
        return found

    def fp32(self) -> dict[str, Any]:
        """Return the fp32 network's own row."""
        return {"openvino": self._judge(self._reference)}

    def _scores(self, path: Path, engine: str, options: dict[str, str], every: int = 1) -> list[np.ndarray]:
        opened = load_backend(engine).open(path, None, options)
        return [opened.infer(sample.frame) for sample in self._samples[::every]]

    def _judge(self, scores: list[np.ndarray]) -> dict[str, float]:
        matrix, same = ConfusionMatrix(len(scores[0])), []
        for sample, found, wanted in zip(self._samples, scores, self._reference, strict=True):
            size = sample.frame.shape[:2]
            mask = mask_from_scores(found, self._stride, size)
            matrix.update(mask, sample.mask)
            same.append(float((mask == mask_from_scores(wanted, self._stride, size)).mean()))
        noise = sqnr_db(np.stack(self._reference), np.stack(scores))
        return {
            "miou": round(matrix.miou, 4), "agreement": round(float(np.mean(same)), 4),
            "sqnr_db": round(min(noise, 200.0), 1),
            "class_iou": [None if np.isnan(iou) else round(float(iou), 4) for iou in matrix.class_iou],
        }  # fmt: skip


def latency_ratios(files: dict[str, Path], frame: np.ndarray) -> dict[str, float]:
    """Return the median over rounds of each file's time divided by fp32's in the same round."""
    engines = {name: load_backend("openvino").open(path, None, UNCACHED) for name, path in files.items()}
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(ROUNDS + 3):
        for name, engine in engines.items():
            start = time.perf_counter()
            engine.infer(frame)
            times[name].append(time.perf_counter() - start)
    base = np.array(times["fp32"][3:])
    return {name: round(float(np.median(np.array(value[3:]) / base)), 3) for name, value in times.items()}


def run(
    checkpoint: str, data: str, split: str, limit: int | None, count: int, recipes: dict[str, Recipe]
) -> dict[str, Any]:
    """Return the table as JSON."""
    network = load_checkpoint(checkpoint)
    dataset = open_dataset(data, split)
    total = len(dataset) if limit is None else min(limit, len(dataset))
    samples = [dataset[int(index)] for index in np.linspace(0, len(dataset) - 1, total).round()]
    height, width = samples[0].frame.shape[:2]
    calibration = choose_frames(open_dataset(data, "train", labelled=False), count)
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        fp32 = export_onnx(network.model, (height, width), "scores", Path(folder) / "fp32.onnx")
        score = Scorer(fp32, samples, network.model.score_stride)
        rows["fp32"], files = score.fp32(), {"fp32": fp32}
        for name, write in candidates(fp32, calibration, Path(folder), recipes).items():
            try:
                path = write()
            except ImportError as error:
                rows[name] = {"skipped": f"{error}; pip install {error.name}"}
                continue
            rows[name] = score(path)
            if path.suffix == ".onnx":
                rows[name]["tensorrt_findings"] = len(lint(load(path)))
            files[name] = path
            print(f"{name}: {rows[name]['openvino']['miou']}", file=sys.stderr, flush=True)
        for name, ratio in latency_ratios(files, samples[0].frame).items():
            rows[name]["latency_ratio"] = ratio
    return {
        "checkpoint": checkpoint, "model": network.spec.name, "data": data, "split": split, "frames": total,
        "calibration_frames": len(calibration), "cpu": cpu_model(),
        "threads": len(os.sched_getaffinity(0)), "classes": network.classes.names, "rows": rows,
        "provenance": provenance("python " + " ".join(sys.argv)),
    }  # fmt: skip


def load(path: Path) -> Any:
    import onnx

    return onnx.load(path)


def text(result: dict[str, Any]) -> str:
    lines = [
        f"{result['model']}, {result['frames']} frames of {result['data']} {result['split']}, {result['cpu']}"
    ]
    lines.append(f"{'':42s}   mIoU   drop worst class  agree  SQNR | oracle | time/fp32  TensorRT")
    fp32 = result["rows"]["fp32"]["openvino"]
    for name, row in result["rows"].items():
        if "skipped" in row:
            lines.append(f"{name:42s} skipped: {row['skipped']}")
            continue
        here, oracle = row["openvino"], row.get("oracle")
        drop = fp32["miou"] - here["miou"]
        classes = zip(fp32["class_iou"], here["class_iou"], strict=True)
        worst = max(before - after for before, after in classes if before is not None and after is not None)
        line = f"{name:42s} {here['miou']:.4f} {drop:+.4f} {worst:11.4f} {here['agreement']:.4f}"
        line += f" {here['sqnr_db']:5.1f} | " + (f"{oracle['sqnr_db']:6.1f}" if oracle else "     -")
        line += f" | {row['latency_ratio']:9.3f}"
        findings = row.get("tensorrt_findings")
        lines.append(
            line + ("  -" if findings is None else f"  {findings} findings" if findings else "  legal")
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", nargs="?", default="zoo:road")
    parser.add_argument("--data", help="NAME:PATH; default: CamVid, where it is found")
    parser.add_argument("--split", default="val")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--count", type=int, default=64, help="calibration frames")
    parser.add_argument("--ablations", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    data = options.data or camvid()
    if data is None:
        sys.exit(2)
    recipes = {**OURS, **ABLATIONS} if options.ablations else OURS
    result = run(options.checkpoint, data, options.split, options.limit, options.count, recipes)
    if options.out:
        atomic_write_json(options.out, result)
    print(json.dumps(result, indent=2) if options.json else text(result))


if __name__ == "__main__":
    main()
