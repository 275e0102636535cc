"""Where is resize-conv better for quantization? Every candidate of two layers of four trained networks.

    python benchmarks/surgery_table.py           # --quick, as committed: small nets, short training; minutes
    python benchmarks/surgery_table.py --long    # larger frames, longer training; hours
    python benchmarks/surgery_table.py --json    # the record on stdout, nothing else there

The layers are a x2 and the x8. Each row replaces one, quantizes the network with the same calibration frames
and runs it on OpenVINO. The reference of agreement and SQNR is the original in fp32 on the same engine. What
the rule of `fcn-edge surgery` would take of the rows is then put together, and every network of a group is
timed in turns with the one that keeps its layers.

Networks and rows are kept in out/surgery_table, so that a run that was stopped goes on where it was; --fresh
starts from nothing. --net NAME (repeatable) and --until train|measure do a part. Latencies are always taken
anew. Writes benchmarks/results/surgery_table.json; docs/surgery.md quotes it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from common.in_memory import InMemory
from common.nets import commit, say
from surgery.nets import NETS, Net, load_data, trained
from surgery.precision import openvino_precision, tensorrt_rtx_precision
from surgery.text import as_markdown

from fcn_edge.backends import load_backend
from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.ground.artifacts import atomic_write_json, provenance, read_json
from fcn_edge.ground.machine import cpu_flags, cpu_model, int8_path, usable_cores
from fcn_edge.ground.targets import TARGETS
from fcn_edge.ground.turns import in_turns
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import choose_frames
from fcn_edge.quantize.placement import layer_names
from fcn_edge.quantize.qdq import quantize_with
from fcn_edge.quantize.recipe import recipe_for
from fcn_edge.quantize.table import measure_ranges
from fcn_edge.surgery.apply import substitute
from fcn_edge.surgery.checkerboard import median_checkerboard
from fcn_edge.surgery.decide import modules_of
from fcn_edge.surgery.describe import describe
from fcn_edge.surgery.fidelity import Measurement, agreement, sqnr_db
from fcn_edge.surgery.rule import Rule
from fcn_edge.surgery.table import LayerRow
from fcn_edge.train.metrics import ConfusionMatrix

WORK = Path("out/surgery_table")
RESULT = Path("benchmarks/results/surgery_table.json")
LAYERS = ("up.8", "final")  # the x2 before the stride-8 scores and the x8 after them
STAGES = ("train", "measure", "time")
Json = dict[str, Any]


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    size: str
    epochs: int
    train_frames: int
    val_frames: int
    calibration_frames: int
    rounds: int


LONG = Scale("192x256", epochs=80, train_frames=400, val_frames=60, calibration_frames=64, rounds=100)
QUICK = Scale("96x128", epochs=10, train_frames=96, val_frames=24, calibration_frames=16, rounds=60)


def main() -> None:
    """Train or load the networks, measure every candidate, time them, write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    keys = [net.key for net in NETS]
    scales = parser.add_mutually_exclusive_group()
    scales.add_argument("--quick", action="store_true", help="small and short, in 10 minutes (the default)")
    scales.add_argument("--long", action="store_true", help="larger frames, longer training; hours")
    parser.add_argument("--json", action="store_true", help="print the record instead of the table")
    parser.add_argument("--net", action="append", choices=keys, help="only this network (repeatable)")
    parser.add_argument("--until", choices=STAGES, default="time", help="stop after this stage")
    parser.add_argument("--fresh", action="store_true", help="throw away what earlier runs left")
    parser.add_argument(
        "--weights", type=Path, default=Path("../shared/weights"), help="pretrained backbones"
    )
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    scale = LONG if options.long else QUICK
    folder = WORK / f"{scale.size}-{scale.epochs}"
    if options.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    chosen = [net for net in NETS if net.key in (options.net or keys)]
    groups = [
        Group(net, scale, folder / net.key, options.weights).run(STAGES.index(options.until))
        for net in chosen
    ]
    if options.until != "time":
        return
    record = {
        "commit": commit(),
        "cpu": {"model": cpu_model(), "int8": int8_path(cpu_flags()), "cores": usable_cores()},
        "scale": asdict(scale),
        "nets": groups,
        "provenance": provenance("python " + " ".join(sys.argv)),
    }
    atomic_write_json(options.out, record)
    print(json.dumps(record, indent=2) if options.json else as_markdown(record))


class Group:
    """One network: the original, every candidate of its layers, and what the rule takes."""

    def __init__(self, net: Net, scale: Scale, folder: Path, weights: Path) -> None:
        self.net, self.scale, self.folder, self.weights = net, scale, folder, weights
        self.data = f"streets:{scale.size}"

    def run(self, last: int) -> Json:
        """Do the stages up to number `last` and return the record."""
        for stage in (self.train, self.measure, self.time)[: last + 1]:
            stage()
        return {} if last < len(STAGES) - 1 else self.record

    def train(self) -> None:
        """Train the network, or load it."""
        say(f"{self.net.name}: training")
        run = self.folder / "run"
        scale = self.scale
        self.checkpoint = trained(self.net, self.data, run, scale.epochs, scale.train_frames, self.weights)
        self.model = self.checkpoint.model

    def measure(self) -> None:
        """Quantize, run and score the original and every candidate; what an earlier run found is read."""
        path = self.folder / "measured.json"
        found: Json = read_json(path) if path.is_file() else {"keep": None, "rows": {}}
        self.found = found
        wanted = len(LAYERS) * 3
        if found["keep"] and len(found["rows"]) == wanted:
            return
        self.judge = Judge(self)
        found["keep"] = found["keep"] or self.judge.kept_as_it_is()
        for layer, candidate in self.judge.candidates():
            key = f"{layer.name}={candidate.kind}"
            if key in found["rows"] or candidate.candidate is None:
                continue
            say(f"{self.net.name}: measuring {layer.name} as {candidate.kind}")
            about = {"layer": layer.name, "stride": layer.stride[0], **candidate.to_json()}
            for name in ("agreement", "sqnr_db", "latency_ms", "fp32"):  # measured here on more frames
                about.pop(name, None)
            found["rows"][key] = about | self.judge.score({layer.name: candidate.candidate}, key)
            atomic_write_json(path, found)

    def time(self) -> None:
        """Time all networks in turns, pick by the rule, and time the pick beside the others."""
        say(f"{self.net.name}: timing")
        rows = self.found["rows"]
        ratios = self.ratios(["keep", *rows])
        for key, row in rows.items():
            row["latency_ratio"] = ratios[key]
        pick = self.pick(rows)
        chosen: Json = {"kinds": pick, "latency_ratio": 1.0}
        if any(kind != "keep" for kind in pick.values()):
            chosen |= self.together(pick)
        self.record = {
            "net": self.net.key, "name": self.net.name, "model": self.net.model,
            "classes": len(self.checkpoint.classes), "train_steps": self.checkpoint.info.get("step"),
            "keep": self.found["keep"] | {"latency_ms": ratios["ms"]},
            "rows": list(rows.values()), "chosen": chosen,
        }  # fmt: skip

    def pick(self, rows: Json) -> dict[str, str]:
        """Return layer -> kind that the rule of `fcn-edge surgery` takes of these rows."""
        rule, picked = Rule(), {}
        for layer in LAYERS:
            own = {(row["kind"],): _measurement(row) for row in rows.values() if row["layer"] == layer}
            own[("keep",)] = _measurement(self.found["keep"] | {"latency_ratio": 1.0})
            picked[layer] = rule.pick(own, ("keep",))[0]
        return picked

    def together(self, pick: dict[str, str]) -> Json:
        """Measure the picked kinds in one network; time it beside keep and the best single replacement."""
        key = "+".join(f"{layer}={kind}" for layer, kind in pick.items() if kind != "keep")
        single = min(self.found["rows"], key=lambda one: self.found["rows"][one]["latency_ratio"])
        scores = self.found["rows"].get(key)
        if scores is None:
            judge = Judge(self)
            made = {layer.name: c.candidate for layer, c in judge.candidates() if pick[layer.name] == c.kind}
            scores = judge.score({name: one for name, one in made.items() if one is not None}, key)
        ratios = self.ratios(list(dict.fromkeys(["keep", key, single])))
        names = ("fp32_miou", "int8_miou", "agreement", "sqnr_db")
        return {
            **{name: scores[name] for name in names}, "latency_ratio": ratios[key],
            "fastest_single": single, "fastest_single_ratio": ratios[single],
        }  # fmt: skip

    def ratios(self, keys: list[str]) -> dict[str, float]:
        """Return the latency of each network over the first's: the median of the ratios of every round."""
        openvino = load_backend("openvino")
        engines = [openvino.open(self.folder / f"{key}.onnx", None, {}) for key in keys]
        frame = load_data(self.data, "val", self.scale.val_frames, self.net)[0].frame
        times = in_turns([engine.infer for engine in engines], [frame], self.scale.rounds)
        medians = np.median(times / times[0], axis=1)
        return {
            "ms": round(float(np.median(times[0])), 3),
            **{key: round(float(ratio), 3) for key, ratio in zip(keys, medians, strict=True)},
        }


class Judge:
    """Exports the original once; writes, quantizes and scores networks with replaced layers."""

    def __init__(self, group: Group) -> None:
        self.folder, self.model, scale = group.folder, group.model, group.scale
        train = load_data(group.data, "train", scale.train_frames, group.net)
        self.val: InMemory = load_data(group.data, "val", scale.val_frames, group.net)
        self.calibration = choose_frames(train, scale.calibration_frames, 0)
        height, width = self.val[0].frame.shape[:2]
        self.size = (height, width)
        self.recipe = recipe_for(None, TARGETS["openvino"].weights or "full")
        self.kept = self.folder / "fp32.onnx"
        if not self.kept.is_file():
            export_onnx(self.model, self.size, "scores", self.kept)
        self.reference = self.run(self.kept)
        self._rows: list[LayerRow] = []

    def candidates(self) -> list[tuple[LayerRow, Any]]:
        """Return every replacement of the layers of the table, fitted on calibration frames."""
        if not self._rows:
            self._rows = [
                row for row in describe(onnx.load(self.kept), self.calibration.frames) if row.name in LAYERS
            ]
        return [(row, one) for row in self._rows for one in row.candidates if one.kind != "keep"]

    def kept_as_it_is(self) -> Json:
        """Return the numbers of the original, and what is known of its layers."""
        found = self.score({}, "keep")
        for row, _ in self.candidates():
            found["layers"][row.name] |= {"residual": 0.0, "checkerboard": row.row("keep").checkerboard}
        return found

    def score(self, replaced: dict[str, Any], key: str) -> Json:
        """Return all numbers of the network with these layers replaced; its INT8 graph stays as KEY.onnx."""
        fp32, int8 = self.folder / "candidate.onnx", self.folder / f"{key}.onnx"
        onnx.save(substitute(onnx.load(self.kept), modules_of(replaced)), fp32)
        ranges = measure_ranges(fp32, self.calibration)
        quantize_with(fp32, ranges, self.recipe, int8)
        plain, rounded = self.run(fp32), self.run(int8)
        found = {
            "fp32_miou": self.miou(plain),
            "int8_miou": self.miou(rounded),
            "fp32_agreement": round(agreement(self.reference, plain), 5),
            "agreement": round(agreement(self.reference, rounded), 5),
            "sqnr_db": round(sqnr_db(self.reference, rounded), 2),
        }
        alone = {layer: self.alone(fp32, ranges, plain, layer) for layer in replaced or LAYERS}
        about = [self.about(layer, plain, rounded, int8) | {"alone_db": alone[layer]} for layer in alone]
        return found | (about[0] if replaced else {"layers": dict(zip(alone, about, strict=True))})

    def alone(self, fp32: Path, ranges: Any, plain: list[np.ndarray], layer: str) -> float:
        """Return the SQNR of the scores when this layer alone is INT8, against the same network in fp32."""
        others = [name for name in layer_names(onnx.load(fp32)) if not _is_of(name, layer)]
        path = self.folder / "alone.onnx"
        if len(others) == len(layer_names(onnx.load(fp32))):
            return 200.0  # a plain resize has no weights to round
        quantize_with(fp32, ranges, replace(self.recipe, float_layers=tuple(others)), path)
        return round(sqnr_db(plain, self.run(path)), 2)

    def about(self, layer: str, plain: list[np.ndarray], rounded: list[np.ndarray], int8: Path) -> Json:
        """Return the checkerboard of the scores at the layer's period, and what engines compute it in."""
        # x2 in front of the learned x8: its pattern has a period of 2 * 8 samples on the full-size score map
        period = 8 if layer == "final" else 16
        graph = onnx.load(int8)
        return {
            "checkerboard_fp32": round(median_checkerboard(plain, period), 2),
            "checkerboard_int8": round(median_checkerboard(rounded, period), 2),
            "openvino": openvino_precision(graph, layer),
            "tensorrt_rtx": tensorrt_rtx_precision(int8, layer),
        }

    def run(self, path: Path) -> list[np.ndarray]:
        """Return the scores (C, H, W) of every validation frame on OpenVINO."""
        engine = load_backend("openvino").open(path, None, {})
        return [engine.infer(sample.frame) for sample in self.val]

    def miou(self, scores: list[np.ndarray]) -> float:
        """Return the mean IU of score maps."""
        matrix = ConfusionMatrix(len(self.val.classes))
        for one, sample in zip(scores, self.val, strict=True):
            assert sample.mask is not None
            matrix.update(mask_from_scores(one, self.model.score_stride, self.size), sample.mask)
        return round(matrix.miou, 5)


def _measurement(row: Json) -> Measurement:
    return Measurement(row["agreement"], row["sqnr_db"], row["latency_ratio"], row["int8_miou"])


def _is_of(node: str, layer: str) -> bool:
    return node == layer or node.startswith(f"{layer}.")


if __name__ == "__main__":
    main()
