"""Where is resize-conv better for quantization? Every candidate of two layers of four trained networks.

    python benchmarks/surgery_table.py --quick          # under 10 minutes on two cores: small and short
    python benchmarks/surgery_table.py                  # about an hour
    python benchmarks/surgery_table.py --json           # the record on stdout, nothing else there

The layers are a x2 and the x8. Each row replaces one, exports the network, quantizes it with the same
calibration frames and runs it on OpenVINO. The reference of agreement and SQNR is the original in fp32 on the
same engine. Latency is measured in turns with the network that keeps its layers; the ratio of the two medians
is given. Writes benchmarks/results/surgery.json; docs/surgery.md quotes it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from surgery_nets import NETS, InMemory, Net, load_data, trained
from torch import nn

from fcn_edge.artifacts import atomic_write_json, provenance
from fcn_edge.backends import Engine, load_backend
from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.export.onnx import export_onnx
from fcn_edge.machine import cpu_flags, cpu_model, int8_path
from fcn_edge.operate import race
from fcn_edge.quantize.calibration import CalibrationSet, choose_frames
from fcn_edge.quantize.qdq import quantize_onnx
from fcn_edge.quantize.recipe import Recipe, recipe_for
from fcn_edge.surgery.candidates import Candidate, install
from fcn_edge.surgery.checkerboard import score_checkerboard
from fcn_edge.surgery.describe import describe
from fcn_edge.surgery.fidelity import agreement, sqnr_db
from fcn_edge.surgery.table import CandidateRow, LayerRow
from fcn_edge.targets import TARGETS
from fcn_edge.train.metrics import ConfusionMatrix

RESULTS = Path("benchmarks/results/surgery.json")
LAYERS = ("up.8", "final")  # the x2 before the stride-8 scores and the x8 after them


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    size: str
    minutes: float  # of training a network
    train_frames: int
    val_frames: int
    rounds: int


FULL = Scale("192x256", minutes=8, train_frames=300, val_frames=40, rounds=60)
QUICK = Scale("96x128", minutes=0.6, train_frames=64, val_frames=16, rounds=30)


def main() -> None:
    """Train or load the networks, measure every candidate, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true", help="print the record on stdout instead of a table")
    parser.add_argument(
        "--weights", type=Path, default=Path("../shared/weights"), help="pretrained backbones"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    scale = QUICK if options.quick else FULL
    nets = [measure_net(net, scale, options.weights) for net in NETS]
    record = {
        "cpu": {"model": cpu_model(), "int8": int8_path(cpu_flags())},
        "scale": scale.__dict__,
        "nets": nets,
        "provenance": provenance("python " + " ".join(sys.argv)),
    }
    atomic_write_json(options.out, record)
    print(json.dumps(record, indent=2) if options.json else "\n\n".join(map(net_text, nets)))


def measure_net(net: Net, scale: Scale, weights: Path) -> dict[str, Any]:
    """Return every candidate of the layers of one network, and the network as it is."""
    data = f"streets:{scale.size}"
    folder = Path("out/surgery_table") / f"{scale.size}-{scale.minutes:g}min"
    checkpoint = trained(net, data, folder, scale.minutes, scale.train_frames, weights)
    train, val = (
        load_data(data, split, count, net)
        for split, count in (("train", scale.train_frames), ("val", scale.val_frames))
    )
    calibration = choose_frames(train, min(64, len(train)), 0)
    bench = Bench(checkpoint.model, calibration, val, scale)
    layers = [row for row in describe(checkpoint.model, calibration.frames) if row.name in LAYERS]
    rows = [bench.row(layer, candidate) for layer in layers for candidate in layer.candidates]
    steps = checkpoint.info.get("step")
    return {"name": net.name, "model": net.model, "train_steps": steps, **bench.kept, "rows": rows}


class Bench:
    """Measures networks against one original."""

    def __init__(self, original: nn.Module, calibration: CalibrationSet, val: InMemory, scale: Scale) -> None:
        self.original, self.calibration, self.val, self.rounds = original, calibration, val, scale.rounds
        height, width = val[0].frame.shape[:2]
        self.size = (height, width)
        self.stride: int = original.score_stride  # type: ignore[assignment]
        weights = TARGETS["openvino"].weights
        self.recipe: Recipe = recipe_for(None, weights or "full")
        fp32, self.engine, self.model = self.build(original)
        self.reference = self.scores(fp32)
        int8 = self.scores(self.engine)
        self.kept = {
            "fp32_miou": self.miou(self.reference),
            "int8_miou": self.miou(int8),
            "agreement": round(agreement(self.reference, int8), 5),
            "sqnr_db": round(sqnr_db(self.reference, int8), 2),
        }

    def build(self, model: nn.Module) -> tuple[Engine, Engine, onnx.ModelProto]:
        """Return the fp32 engine, the INT8 engine and the INT8 graph of a network."""
        openvino = load_backend("openvino")
        with tempfile.TemporaryDirectory() as folder:
            fp32 = export_onnx(model, self.size, "scores", Path(folder) / "fp32.onnx")
            int8 = Path(folder) / "int8.onnx"
            quantize_onnx(fp32, self.calibration, self.recipe, int8)
            return openvino.open(fp32, None, {}), openvino.open(int8, None, {}), onnx.load(int8)

    def row(self, layer: LayerRow, row: CandidateRow) -> dict[str, Any]:
        """Return all numbers of one candidate."""
        found = {"layer": layer.name, "stride": layer.stride[0], **row.to_json()}
        found = {k: v for k, v in found.items() if k not in ("agreement", "sqnr_db", "latency_ms")}
        if row.candidate is None:
            return found
        print(f"measuring {layer.name} as {row.kind}", file=sys.stderr, flush=True)
        return found | self.measure(layer.name, layer.stride[0], row.candidate)

    def measure(self, name: str, stride: int, candidate: Candidate) -> dict[str, Any]:
        """Export, quantize, run, score and time the network with one layer replaced."""
        fp32, int8, graph = self.build(install(self.original, {name: candidate}))
        plain, rounded = self.scores(fp32), self.scores(int8)
        kept_ms, ms = (
            np.median(times) for times in race([self.engine, int8], self.val[0].frame, self.rounds)
        )
        # x2 in front of the learned x8: its pattern has a period of 2 * 8 samples on the full-size score map
        period = stride if name == "final" else stride * 8 // self.stride
        return {
            "fp32_miou": self.miou(plain),
            "int8_miou": self.miou(rounded),
            "agreement": round(agreement(self.reference, rounded), 5),
            "fp32_agreement": round(agreement(self.reference, plain), 5),
            "sqnr_db": round(sqnr_db(self.reference, rounded), 2),
            "latency_ms": round(float(ms), 3),
            "latency_ratio": round(float(ms / kept_ms), 3),
            "checkerboard_fp32": self.checkerboard(plain, period),
            "checkerboard_int8": self.checkerboard(rounded, period),
            "precision": precision(graph, name),
        }

    def scores(self, engine: Engine) -> list[np.ndarray]:
        return [engine.infer(sample.frame) for sample in self.val]

    def miou(self, scores: list[np.ndarray]) -> float:
        matrix = ConfusionMatrix(len(self.val.classes))
        for one, sample in zip(scores, self.val, strict=True):
            assert sample.mask is not None
            matrix.update(mask_from_scores(one, self.stride, self.size), sample.mask)
        return round(matrix.miou, 5)

    @staticmethod
    def checkerboard(scores: list[np.ndarray], period: int) -> float:
        return round(float(np.median([score_checkerboard(one, period) for one in scores])), 2)


def precision(graph: onnx.ModelProto, name: str) -> str:
    """Return what OpenVINO computes a layer in: the precisions of its convolution in the executed graph."""
    import openvino as ov

    core = ov.Core()
    network = core.read_model(graph.SerializeToString())
    compiled = core.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = set()
    for node in compiled.get_runtime_model().get_ops():
        info = node.get_rt_info()
        kind, origin = (_text(info, key) for key in ("layerType", "originalLayersNames"))
        if kind in ("Convolution", "Deconvolution") and any(_is_of(one, name) for one in origin.split(",")):
            found.add(f"{kind} {_text(info, 'runtimePrecision')}")
    return ", ".join(sorted(found))


def _text(info: Any, key: str) -> str:
    if key not in info:
        return ""
    value = info[key]
    return str(value.astype(str) if hasattr(value, "astype") else value)


def _is_of(node: str, layer: str) -> bool:
    return node == layer or node.startswith(f"{layer}.")


def net_text(net: dict[str, Any]) -> str:
    """Return the rows of one network as a Markdown table."""
    head = (
        f"**{net['name']}** ({net['train_steps']} steps): fp32 mIoU {net['fp32_miou']:.3f}, INT8 with all "
        f"layers kept {net['int8_miou']:.3f}, agreement {net['agreement']:.4f}, SQNR {net['sqnr_db']:.1f} dB"
    )
    columns = (
        "layer", "form", "residual", "ripple", "layer SQNR dB", "fp32 mIoU", "INT8 mIoU", "agreement",
        "SQNR dB", "checkerboard fp32 / INT8", "latency ratio", "engine",
    )  # fmt: skip
    head += f"\n\n| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
    return "\n".join([head, *map(_row_text, net["rows"])])


def _row_text(row: dict[str, Any]) -> str:
    layer = f"{row['layer']} (x{row['stride']})"
    if row.get("skipped"):
        return f"| {layer} | {row['kind']} | {row['skipped']} |" + " |" * 9
    cells = [
        layer,
        row["form"],
        f"{row['residual']:.4f}",
        f"{row['checkerboard']:.4f}",
        "exact"
        if row["layer_sqnr_db"] > 100
        else f"{row['kernel_sqnr_db']:.1f} -> {row['layer_sqnr_db']:.1f}",
        f"{row['fp32_miou']:.3f}",
        f"{row['int8_miou']:.3f}",
        f"{row['agreement']:.4f}",
        f"{row['sqnr_db']:.1f}",
        f"{row['checkerboard_fp32']:.1f} / {row['checkerboard_int8']:.1f}",
        f"{row['latency_ratio']:.2f}",
        row["precision"],
    ]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
