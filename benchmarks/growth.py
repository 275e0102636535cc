"""How cost grows: with resolution, classes, threads and streams; the fused tail beside the graph's own.

    python benchmarks/growth.py              # about six minutes, on a quiet machine

The tail is measured on a network of one convolution (8x8, stride 8) over a street frame: it costs next to
nothing and gives score maps with areas, so that what is left is upsampling and argmax. Writes
benchmarks/results/growth.json; benchmarks/page.py draws it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from nets import bundle, commit, say
from onnx import helper, numpy_helper

from fcn_edge.artifacts import atomic_write_json, provenance
from fcn_edge.backends import load_backend
from fcn_edge.bench.machine import device_facts, watch_machine
from fcn_edge.bench.subject import open_subject, write_frames
from fcn_edge.bundle import write_bundle
from fcn_edge.data import open_dataset
from fcn_edge.runtime import run_stream
from fcn_edge.stats import percentile

RESULTS = Path("benchmarks/results/growth.json")
NET = "efficientnet_lite0"
SIZES = ((256, 384), (360, 480), (512, 1024), (720, 1280), (1080, 1920))
TAIL_SIZES = (*SIZES, (2160, 3840))
CLASSES = (2, 11, 19, 21, 64, 150)
STREAMS = (1, 2, 4, 8)


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2.0, help="training time of the network, once")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with watch_machine() as seen, tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        parts = {
            "resolution": [resolution(size, options) for size in SIZES],
            "threads": [threads(count, options) for count in range(1, device_facts()["cores"] + 1)],
            "streams": [streams(count, options) for count in STREAMS],
            "tail_resolution": [tail(size, 11, work, options.frames) for size in TAIL_SIZES],
            "tail_classes": [tail((512, 1024), classes, work, options.frames) for classes in CLASSES],
        }
    result = {
        "commit": commit(),
        "device": {**device_facts(), "during_the_run": seen.to_json()},
        **parts,
        "provenance": provenance("python " + " ".join(sys.argv)),
    }
    atomic_write_json(options.out, result)
    say(f"wrote {options.out}")


def resolution(size: tuple[int, int], options: argparse.Namespace) -> dict[str, Any]:
    """Return network and tail milliseconds and memory at one size."""
    path = bundle(NET, size, int8=True, tail="scores", minutes=options.minutes)
    report = stream(path, options.frames)
    say(f"{size[0]}x{size[1]}: network {p50(report, 'infer'):.1f} ms, tail {p50(report, 'post'):.2f} ms")
    return {
        "size": list(size), "megapixels": size[0] * size[1] / 1e6,
        "infer_ms": p50(report, "infer"), "post_ms": p50(report, "post"), "rss_mb": report["rss_mb"],
    }  # fmt: skip


def threads(count: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return milliseconds with `count` engine threads."""
    path = bundle(NET, (360, 480), int8=True, tail="scores", minutes=options.minutes)
    report = stream(path, options.frames, "--threads", str(count))
    return {"threads": count, "infer_ms": p50(report, "infer"), "post_ms": p50(report, "post")}


def streams(count: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return frames/s and memory of `count` processes that run at the same time."""
    path = bundle(NET, (360, 480), int8=True, tail="scores", minutes=options.minutes)
    with ThreadPoolExecutor(count) as pool:
        reports = list(pool.map(lambda _: stream(path, 2 * options.frames, slots=None), range(count)))
    rate = sum(report["fps"] for report in reports)
    say(f"{count} streams: {rate:.1f} frames/s together")
    return {
        "streams": count, "fps_together": rate, "fps_slowest": min(report["fps"] for report in reports),
        "p99_total_ms": max(percentile(report["samples_ms"]["total"], 0.99) for report in reports),
        "rss_mb_together": sum(report["rss_mb"] for report in reports),
    }  # fmt: skip


def tail(size: tuple[int, int], classes: int, folder: Path, frames: int) -> dict[str, Any]:
    """Return milliseconds of the fused tail, and of upsampling and argmax in the graph."""
    fused = stream(one_convolution(size, classes, "scores", folder), frames)
    graph = stream(one_convolution(size, classes, "mask", folder), max(5, frames // 4))
    fused_ms, net_ms = p50(fused, "post"), p50(fused, "infer")
    graph_ms = p50(graph, "infer") + p50(graph, "post") - net_ms
    say(f"tail {size}, {classes} classes: fused {fused_ms:.2f} ms, in the graph {graph_ms:.1f} ms")
    return {
        "size": list(size), "megapixels": size[0] * size[1] / 1e6, "classes": classes,
        "fused_ms": fused_ms, "graph_ms": graph_ms,
    }  # fmt: skip


def stream(path: Path, frames: int, *arguments: str, slots: int | None = 1) -> dict[str, Any]:
    """Run the bundle's golden frames and return the runtime's report with raw samples."""
    with tempfile.TemporaryDirectory() as folder:
        source = write_frames(open_subject(path), Path(folder))
        common = ["--warmup", "5", "--limit", str(frames), "--loop", "0", "--raw-samples", "--allow-ungated"]
        if slots:
            common += ["--schedule", "latency", "--slots", str(slots)]
        return run_stream(path, source, *common, *arguments).report


def p50(report: dict[str, Any], stage: str) -> float:
    """Return the median of a stage in milliseconds."""
    return percentile(report["samples_ms"][stage], 0.5)


def one_convolution(size: tuple[int, int], classes: int, kind: str, folder: Path) -> Path:
    """Return a bundle whose network is one 8x8 convolution of stride 8, with random weights of zero mean."""
    out = folder / f"{size[0]}x{size[1]}-{classes}-{kind}.fcne"
    cells = (size[0] // 8, size[1] // 8)
    model = folder / f"{out.stem}.onnx"
    onnx.save(graph(size, classes, kind), model)
    frame = open_dataset(f"streets:{size[0]}x{size[1]}", "val", labelled=False)[0].frame
    mask = golden_mask(model, frame, kind, size)
    manifest = {
        "name": out.stem,
        "classes": [{"name": f"class {i}", "color": [i, 255 - i, (37 * i) % 256]} for i in range(classes)],
        "void_id": 255,
        "input": {"name": "frame", "height": size[0], "width": size[1], "layout": "NHWC", "dtype": "uint8",
                  "color": "BGR", "resize": "linear"},
        "output": {"tail": kind, "name": kind, "stride": 8 if kind == "scores" else 1,
                   "height": cells[0] if kind == "scores" else size[0],
                   "width": cells[1] if kind == "scores" else size[1],
                   "channels": classes if kind == "scores" else 1},
        "precision": "fp32", "target": "openvino",
        "model": {"spec": {"name": "one convolution"}, "weights_sha256": ""},
        "gate": {"verdict": "ungated"}, "layers": {"int8": 0, "float": 1},
        "evidence": {}, "provenance": provenance(),
    }  # fmt: skip
    return write_bundle(out, manifest, model, [(frame, mask)], {}, 0.9)


def golden_mask(model: Path, frame: np.ndarray, kind: str, size: tuple[int, int]) -> np.ndarray:
    """Return the mask that the engine gives, through the reference tail where the graph has none."""
    from fcn_edge.backends.tail import mask_from_scores

    result = load_backend("openvino").open(model, None, {}).infer(frame)
    return mask_from_scores(result, 8, size) if kind == "scores" else result


def graph(size: tuple[int, int], classes: int, kind: str) -> onnx.ModelProto:
    """Return the frame graph: uint8 (1, H, W, 3) in; scores at stride 8, or the mask, out."""
    weight = np.random.default_rng(0).normal(0, 1, (classes, 3, 8, 8)).astype(np.float32)
    weight -= weight.mean(axis=0, keepdims=True)
    height, width = size
    constants = [numpy_helper.from_array(weight, "w")]
    nodes = [
        helper.make_node("Cast", ["frame"], ["float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["nchw"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["nchw", "w"], ["scores"], strides=[8, 8]),
    ]
    end = helper.make_tensor_value_info(
        "scores", onnx.TensorProto.FLOAT, [1, classes, height // 8, width // 8]
    )
    if kind == "mask":
        constants.append(numpy_helper.from_array(np.float32([1, 1, 8, 8]), "factor"))
        nodes += [
            helper.make_node("Resize", ["scores", "", "factor"], ["large"], mode="linear",
                             coordinate_transformation_mode="half_pixel"),
            helper.make_node("ArgMax", ["large"], ["ids"], axis=1, keepdims=0),
            helper.make_node("Cast", ["ids"], ["mask"], to=onnx.TensorProto.UINT8),
        ]  # fmt: skip
        end = helper.make_tensor_value_info("mask", onnx.TensorProto.UINT8, [1, height, width])
    start = helper.make_tensor_value_info("frame", onnx.TensorProto.UINT8, [1, height, width, 3])
    made = helper.make_graph(nodes, "tail", [start], [end], constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


if __name__ == "__main__":
    started = time.monotonic()
    main()
    say(f"{time.monotonic() - started:.0f} s")
