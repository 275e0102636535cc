"""How cost grows: with resolution, classes, threads and streams; the fused tail beside the graph's own.

    python benchmarks/speed/growth.py              # on a quiet machine

One trained INT8 network is taken for all: it is fully convolutional, so its ONNX file is given other frame
sizes, and other class counts by repeating the rows of its classifier. That keeps masks with areas, which the
cost of the tail depends on. Writes benchmarks/results/growth.json; benchmarks/page/page.py draws it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from fcn_edge.backends import load_backend
from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.bench.machine import device_facts, watch_machine
from fcn_edge.bench.subject import open_subject, write_frames
from fcn_edge.bundle import write_bundle
from fcn_edge.data import open_dataset
from fcn_edge.ground.artifacts import atomic_write_json, provenance, read_json
from fcn_edge.ground.stats import percentile
from fcn_edge.runtime.program import run_stream

sys.path.insert(0, str(Path(__file__).parents[1]))  # benchmarks/
from common.nets import bundle, commit, say

RESULTS = Path("benchmarks/results/growth.json")
NET, TRAINED = "efficientnet_lite0", (512, 1024)
# Multiples of 32: then no layer crops its output, and the file holds no size but that of its input.
SIZES = ((256, 384), (352, 480), TRAINED, (736, 1280), (1088, 1920), (1536, 2688), (2176, 3840))
CLASSES = (2, 11, 21, 64, 150)
THREADS = (1, 2, 4)
STREAMS = (1, 2, 4, 8)
STRIDE = 8


@dataclass(frozen=True)
class Family:
    """Bundles of one network at other sizes, class counts and tails, made when they are asked for."""

    trained: Path
    folder: Path

    def member(self, size: tuple[int, int] = TRAINED, classes: int = 11, tail: str = "scores") -> Path:
        """Return the bundle of one member."""
        out = self.folder / f"{size[0]}x{size[1]}-{classes}-{tail}.fcne"
        if not out.is_dir():
            self._make(out, size, classes, tail)
        return out

    def _make(self, out: Path, size: tuple[int, int], classes: int, tail: str) -> None:
        model = onnx.load(self.trained / "model.onnx")
        set_size(model, size)
        set_classes(model, classes)
        if tail == "mask":
            add_tail(model, size)
        path = self.folder / f"{out.stem}.onnx"
        onnx.save(model, path)
        frame = open_dataset(f"streets:{size[0]}x{size[1]}", "val", labelled=False)[0].frame
        result = load_backend("openvino").open(path, None, {}).infer(frame)
        mask = mask_from_scores(result, STRIDE, size) if tail == "scores" else result
        manifest = {
            **read_json(self.trained / "manifest.json"), "name": out.stem, "gate": {"verdict": "ungated"},
            "evidence": {}, "classes": [{"name": f"class {i}", "color": [i, i, i]} for i in range(classes)],
        }  # fmt: skip
        for key in ("magic", "schema", "files", "golden"):
            manifest.pop(key)
        shape = (size[0] // STRIDE, size[1] // STRIDE, classes, STRIDE) if tail == "scores" else (*size, 1, 1)
        keys = ("height", "width", "channels", "stride")
        manifest["output"] = {"tail": tail, "name": tail, **dict(zip(keys, shape, strict=True))}
        manifest["input"] = {**manifest["input"], "height": size[0], "width": size[1]}
        write_bundle(out, manifest, path, [(frame, mask)], {}, 0.9)


def set_size(model: onnx.ModelProto, size: tuple[int, int]) -> None:
    """Let the frame graph take frames of another size."""
    frame, scores = (one.type.tensor_type.shape.dim for one in (model.graph.input[0], model.graph.output[0]))
    frame[1].dim_value, frame[2].dim_value = size
    scores[2].dim_value, scores[3].dim_value = (side // STRIDE for side in size)


def set_classes(model: onnx.ModelProto, classes: int) -> None:
    """Repeat the rows of the classifier, each time a little less sure of itself."""
    constants = {one.name: one for one in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    classifier = next(node for node in reversed(model.graph.node) if node.op_type == "Conv")
    weight, bias = makers.get(classifier.input[1]), classifier.input[2]
    names = list(weight.input) if weight else [classifier.input[1]]
    rows = np.arange(classes) % model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    for name in [*names, bias]:
        values = numpy_helper.to_array(constants[name])
        if values.ndim:
            lessened = values[rows] - (0.05 * (np.arange(classes) // 11) if name == bias else 0)
            constants[name].CopyFrom(numpy_helper.from_array(lessened.astype(values.dtype), name))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = classes


def add_tail(model: onnx.ModelProto, size: tuple[int, int]) -> None:
    """Put upsampling and argmax into the graph."""
    name = model.graph.output[0].name
    model.graph.initializer.append(numpy_helper.from_array(np.float32([1, 1, STRIDE, STRIDE]), "tail.factor"))
    model.graph.node.extend(
        [
            helper.make_node("Resize", [name, "", "tail.factor"], ["tail.large"], mode="linear",
                             coordinate_transformation_mode="half_pixel"),
            helper.make_node("ArgMax", ["tail.large"], ["tail.ids"], axis=1, keepdims=0),
            helper.make_node("Cast", ["tail.ids"], ["mask"], to=onnx.TensorProto.UINT8),
        ]
    )  # fmt: skip
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("mask", onnx.TensorProto.UINT8, [1, *size]))


def run(path: Path, frames: int, *arguments: str, in_flight: bool = False) -> dict[str, Any]:
    """Stream the bundle's golden frame and return the runtime's report with raw samples."""
    with tempfile.TemporaryDirectory() as folder:
        source = write_frames(open_subject(path), Path(folder))
        common = ["--warmup", "4", "--limit", str(frames), "--loop", "0", "--raw-samples", "--allow-ungated"]
        if not in_flight:
            common += ["--schedule", "latency", "--slots", "1"]
        return run_stream(path, source, *common, *arguments).report


def p50(report: dict[str, Any], stage: str) -> float:
    """Return the median of a stage in milliseconds."""
    return percentile(report["samples_ms"][stage], 0.5)


def measure(
    family: Family, frames: int, size: tuple[int, int] = TRAINED, classes: int = 11
) -> dict[str, Any]:
    """Return milliseconds of the network and of both tails, and memory with each, of one member."""
    pixels = size[0] * size[1] / 1e6
    count = max(6, int(frames * min(1.0, 0.5 / pixels)))
    fused = run(family.member(size, classes), count)
    graph = run(family.member(size, classes, "mask"), count)
    network = p50(fused, "infer")
    row = {
        "size": list(size), "megapixels": round(pixels, 3), "classes": classes, "network_ms": network,
        "fused_tail_ms": p50(fused, "post"),
        "graph_tail_ms": max(0.0, p50(graph, "infer") + p50(graph, "post") - network),
        "rss_mb": fused["rss_mb"], "graph_rss_mb": graph["rss_mb"],
    }  # fmt: skip
    tails = f"tail {row['fused_tail_ms']:.2f} ms, in the graph {row['graph_tail_ms']:.1f} ms"
    say(f"{size[0]}x{size[1]}, {classes} classes: network {network:.1f} ms, {tails}, {row['rss_mb']:.0f} MB")
    return row


def threads(family: Family, count: int, frames: int) -> dict[str, Any]:
    """Return milliseconds with `count` engine threads."""
    report = run(family.member(), frames, "--threads", str(count))
    say(f"{count} threads: network {p50(report, 'infer'):.1f} ms")
    return {"threads": count, "network_ms": p50(report, "infer"), "fused_tail_ms": p50(report, "post")}


def streams(family: Family, count: int, frames: int) -> dict[str, Any]:
    """Return frames/s and memory of `count` processes that run at the same time."""
    path = family.member(SIZES[1])
    with ThreadPoolExecutor(count) as pool:
        reports = list(pool.map(lambda _: run(path, 2 * frames, in_flight=True), range(count)))
    rate = sum(report["fps"] for report in reports)
    say(f"{count} streams: {rate:.1f} frames/s together")
    return {
        "streams": count, "fps_together": rate, "fps_slowest": min(report["fps"] for report in reports),
        "p90_total_ms": max(percentile(report["samples_ms"]["total"], 0.9) for report in reports),
        "rss_mb_together": sum(report["rss_mb"] for report in reports),
    }  # fmt: skip


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2.0, help="training time of the network, once")
    parser.add_argument("--frames", type=int, default=40, help="of half a megapixel; fewer when larger")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    start = time.monotonic()
    trained = bundle(NET, TRAINED, int8=True, tail="scores", minutes=options.minutes)
    with watch_machine() as seen, tempfile.TemporaryDirectory() as folder:
        family = Family(trained, Path(folder))
        parts = {
            "resolution": [measure(family, options.frames, size) for size in SIZES],
            "classes": [measure(family, options.frames, classes=count) for count in CLASSES],
            "threads": [threads(family, count, options.frames) for count in THREADS],
            "streams": [streams(family, count, options.frames) for count in STREAMS],
        }
    result = {
        "commit": commit(),
        "device": {**device_facts(), "during_the_run": seen.to_json()},
        "net": NET,
        **parts,
        "provenance": provenance("python " + " ".join(sys.argv)),
    }
    atomic_write_json(options.out, result)
    say(f"wrote {options.out} after {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
