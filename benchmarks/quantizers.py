"""Our INT8 beside ONNX Runtime's and NNCF's own, on the same network, calibration frames and engine.

    .venv/bin/python benchmarks/quantizers.py CHECKPOINT --data camvid:DIR [--limit N] [--json] [--out FILE]

Every row is one Q/DQ ONNX file, run by OpenVINO on this CPU and by the oracle (ONNX Runtime, node by node as
the standard defines them). Where they disagree, this CPU's integer kernels do not compute what the file says.
Latency is measured in turns (A B C A B C ...) and given relative to fp32 in the same rounds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fcn_edge.artifacts import atomic_write_json, provenance
from fcn_edge.backends import load_backend
from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.data import open_dataset
from fcn_edge.export.onnx import export_onnx
from fcn_edge.machine import cpu_model
from fcn_edge.quantize.calibration import CalibrationSet, choose_frames
from fcn_edge.quantize.lint import lint
from fcn_edge.quantize.qdq import quantize_with
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.quantize.table import measure_ranges
from fcn_edge.quantize.weights import sqnr_db
from fcn_edge.targets import ORACLE, ORACLE_OPTIONS
from fcn_edge.train.checkpoint import load_checkpoint
from fcn_edge.train.metrics import ConfusionMatrix

OURS = {
    "ours": Recipe("percentile", weights="pairs"),
    "ours, minmax": Recipe("minmax", weights="pairs"),
    "ours, minmax, full-range weights": Recipe("minmax", weights="full"),
    "ours, minmax, no bias correction": Recipe("minmax", weights="pairs", bias_correction=False),
    "ours, mse": Recipe("mse", weights="pairs"),
    "ours, entropy": Recipe("entropy", weights="pairs"),
}
ROUNDS = 30


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


def nncf_file(fp32: Path, calibration: CalibrationSet, out: Path) -> Path:
    """Quantize with NNCF's post-training method (its own defaults: bias correction on) for the CPU."""
    import nncf
    import onnx

    data = nncf.Dataset(calibration.frames, lambda frame: {"frame": frame[None]})
    onnx.save(nncf.quantize(onnx.load(fp32), data, subset_size=len(calibration)), out)
    return out


class Reader:
    """The calibration frames as ONNX Runtime's quantizer asks for them."""

    def __init__(self, calibration: CalibrationSet) -> None:
        self._frames: Iterator[np.ndarray] = iter(calibration.frames)

    def get_next(self) -> dict[str, np.ndarray] | None:
        frame = next(self._frames, None)
        return None if frame is None else {"frame": frame[None]}


def candidates(fp32: Path, calibration: CalibrationSet, work: Path) -> dict[str, Callable[[], Path]]:
    """Return name -> function that writes the file."""
    table = measure_ranges(fp32, calibration)

    def ours(recipe: Recipe, name: str) -> Callable[[], Path]:
        def write() -> Path:
            quantize_with(fp32, table, recipe, work / f"{name}.onnx")
            return work / f"{name}.onnx"

        return write

    rows = {name: ours(recipe, name) for name, recipe in OURS.items()}
    rows["onnxruntime.quantization"] = lambda: onnxruntime_file(
        fp32, calibration, work / "ort.onnx", reduce_range=False
    )
    rows["onnxruntime.quantization, reduce_range"] = lambda: onnxruntime_file(
        fp32, calibration, work / "ort7.onnx", reduce_range=True
    )
    rows["NNCF"] = lambda: nncf_file(fp32, calibration, work / "nncf.onnx")
    return rows


class Scorer:
    """Runs a file over labelled frames and compares with fp32 on the same engine."""

    def __init__(self, fp32: Path, samples: list[Any], stride: int) -> None:
        self._samples, self._stride = samples, stride
        self._reference = self._scores(fp32, "openvino", {})

    def __call__(self, path: Path) -> dict[str, Any]:
        """Return {"openvino": {...}, "oracle": {...}} with miou, agreement and sqnr_db, all against fp32."""
        runs = {"openvino": ("openvino", {}), "oracle": (ORACLE, ORACLE_OPTIONS)}
        return {name: self._judge(self._scores(path, *run)) for name, run in runs.items()}

    def fp32(self) -> dict[str, Any]:
        """Return the fp32 network's own row."""
        return {"openvino": self._judge(self._reference)}

    def _scores(self, path: Path, engine: str, options: dict[str, str]) -> list[np.ndarray]:
        opened = load_backend(engine).open(path, None, options)
        return [opened.infer(sample.frame) for sample in self._samples]

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
        }  # fmt: skip


def latency_ratios(files: dict[str, Path], frame: np.ndarray) -> dict[str, float]:
    """Return the median over rounds of each file's time divided by fp32's in the same round."""
    engines = {name: load_backend("openvino").open(path, None, {}) for name, path in files.items()}
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(ROUNDS + 3):
        for name, engine in engines.items():
            start = time.perf_counter()
            engine.infer(frame)
            times[name].append(time.perf_counter() - start)
    base = np.array(times["fp32"][3:])
    return {name: round(float(np.median(np.array(value[3:]) / base)), 3) for name, value in times.items()}


def run(checkpoint: str, data: str, split: str, limit: int | None, count: int) -> dict[str, Any]:
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
        for name, write in candidates(fp32, calibration, Path(folder)).items():
            try:
                path = write()
            except ImportError as error:
                rows[name] = {"skipped": f"{error}; pip install {error.name}"}
                continue
            findings = len(lint(load(path)))
            rows[name] = {**score(path), "tensorrt_findings": findings}
            files[name] = path
        for name, ratio in latency_ratios(files, samples[0].frame).items():
            rows[name]["latency_ratio"] = ratio
    return {
        "checkpoint": checkpoint, "model": network.spec.name, "data": data, "split": split, "frames": total,
        "calibration_frames": len(calibration), "cpu": cpu_model(), "rows": rows, "provenance": provenance(),
    }  # fmt: skip


def load(path: Path) -> Any:
    import onnx

    return onnx.load(path)


def text(result: dict[str, Any]) -> str:
    lines = [
        f"{result['model']}, {result['frames']} frames of {result['data']} {result['split']}, {result['cpu']}"
    ]
    lines.append(f"{'':42s}   mIoU  agree  SQNR | oracle: agree  SQNR | time/fp32  TensorRT")
    for name, row in result["rows"].items():
        if "skipped" in row:
            lines.append(f"{name:42s} skipped: {row['skipped']}")
            continue
        here, oracle = row["openvino"], row.get("oracle")
        line = f"{name:42s} {here['miou']:.4f} {here['agreement']:.4f} {here['sqnr_db']:5.1f}"
        if oracle:
            line += f" | {oracle['agreement']:13.4f} {oracle['sqnr_db']:5.1f} | {row['latency_ratio']:9.2f}"
            line += "  legal" if not row["tensorrt_findings"] else f"  {row['tensorrt_findings']} findings"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", nargs="?", default="zoo:road")
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--count", type=int, default=64, help="calibration frames")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    result = run(options.checkpoint, options.data, options.split, options.limit, options.count)
    if options.out:
        atomic_write_json(options.out, result)
    print(json.dumps(result, indent=2) if options.json else text(result))


if __name__ == "__main__":
    main()
