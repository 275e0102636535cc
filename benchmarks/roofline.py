"""How near the networks come to what this machine can do, and where the rest of the time goes.

    python benchmarks/roofline.py            # about two minutes, on a quiet machine

Peak: OpenVINO on a stack of wide 3x3 convolutions that stay in cache and keep every multiplier busy, in
float32 and in INT8 (7-bit weights, as the CPU targets have them), on one core and on all. Bandwidth: copying
an array far larger than the caches. Then every network of the benchmarks: multiply-accumulates divided by the
time of the engine, and the time of each kind of operation from OpenVINO's own profile. Writes
benchmarks/results/roofline.json.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
from nets import NETS, SIZES, bundle, checkpoint, commit, say
from onnx import helper, numpy_helper

from fcn_edge.artifacts import atomic_write_json, provenance
from fcn_edge.bench.machine import device_facts, watch_machine
from fcn_edge.models.cost import count_macs
from fcn_edge.train.checkpoint import load_checkpoint

RESULTS = Path("benchmarks/results/roofline.json")
CHANNELS, HEIGHT, WIDTH, LAYERS = 128, 48, 64, 8
STACK_MACS = LAYERS * CHANNELS * CHANNELS * 9 * HEIGHT * WIDTH


def main() -> None:
    """Measure peaks, then networks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2.0, help="training time of a network, once")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    cores = device_facts()["cores"]
    with watch_machine() as seen:
        peaks = {
            f"{kind}_{threads}": peak_gmacs(kind == "int8", threads)
            for kind in ("fp32", "int8")
            for threads in sorted({1, cores})
        }
        say(f"peaks in GMAC/s: {peaks}")
        bandwidth = copy_gb_per_s()
        rows = [
            measure(net, size, int8, cores, peaks, options.minutes)
            for net in NETS for size in SIZES for int8 in (True, False)
        ]  # fmt: skip
    result = {
        "commit": commit(),
        "device": {**device_facts(), "during_the_run": seen.to_json()},
        "peaks_gmac_per_s": peaks,
        "copy_gb_per_s": bandwidth,
        "rows": rows,
        "provenance": provenance("python " + " ".join(sys.argv)),
    }
    atomic_write_json(options.out, result)
    say(f"wrote {options.out}")


def peak_gmacs(int8: bool, threads: int) -> float:
    """Return the best of many runs of the stack of convolutions, in 1e9 multiply-accumulates a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stack.onnx"
        onnx.save(stack(int8), path)
        request = open_request(path, threads)
    frame = np.random.default_rng(0).random((1, CHANNELS, HEIGHT, WIDTH), np.float32)
    return round(STACK_MACS / best_seconds(request, frame, 60) / 1e9, 1)


def stack(int8: bool) -> onnx.ModelProto:
    """Return LAYERS convolutions 3x3 of CHANNELS channels with ReLU, with Q/DQ around each for INT8."""
    rng = np.random.default_rng(0)
    nodes, constants, value = [], [], "x"
    constants += [_constant("scale", np.float32(0.02)), _constant("zero", np.int8(0))]
    for i in range(LAYERS):
        weight = rng.integers(-63, 64, (CHANNELS, CHANNELS, 3, 3)).astype(np.int8)
        if int8:
            nodes += [
                helper.make_node("QuantizeLinear", [value, "scale", "zero"], [f"q{i}"]),
                helper.make_node("DequantizeLinear", [f"q{i}", "scale", "zero"], [f"d{i}"]),
                helper.make_node("DequantizeLinear", [f"w{i}", "wscale", "wzero"], [f"f{i}"], axis=0),
            ]
            constants.append(_constant(f"w{i}", weight))
        else:
            constants.append(_constant(f"f{i}", weight.astype(np.float32) * np.float32(2e-4)))
        source = f"d{i}" if int8 else value
        nodes.append(helper.make_node("Conv", [source, f"f{i}"], [f"c{i}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"]))
        value = f"r{i}"
    if int8:
        constants.append(_constant("wscale", np.full(CHANNELS, 2e-4, np.float32)))
        constants.append(_constant("wzero", np.zeros(CHANNELS, np.int8)))
    shape = [1, CHANNELS, HEIGHT, WIDTH]
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in ("x", value)]
    graph = helper.make_graph(nodes, "stack", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _constant(name: str, value: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value), name)


def open_request(path: Path, threads: int, profile: bool = False) -> Any:
    """Return an inference request of an ONNX file on the CPU."""
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    core = openvino.Core()
    return core.compile_model(str(path), "CPU", {**options, "PERF_COUNT": profile}).create_infer_request()


def best_seconds(request: Any, frame: np.ndarray, runs: int) -> float:
    """Return the shortest of `runs` inferences: what the machine can do when nothing disturbs it."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        request.infer({0: frame}, share_inputs=True)
        times.append(time.perf_counter() - start)
    return min(times)


def copy_gb_per_s() -> float:
    """Return bytes read and written per second when a 256 MiB array is copied, in 1e9."""
    source = np.ones(1 << 26, np.float32)
    target = np.empty_like(source)
    times = []
    for _ in range(8):
        start = time.perf_counter()
        np.copyto(target, source)
        times.append(time.perf_counter() - start)
    return round(2 * source.nbytes / min(times) / 1e9, 1)


def measure(
    net: str, size: tuple[int, int], int8: bool, cores: int, peaks: dict[str, float], minutes: float
) -> dict[str, Any]:
    """Return a network's work, time, share of the peak, and the time of each kind of operation."""
    path = bundle(net, size, int8=int8, tail="scores", minutes=minutes) / "model.onnx"
    macs = count_macs(load_checkpoint(checkpoint(net, minutes)).model, size).macs
    frame = np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    seconds = best_seconds(open_request(path, cores), frame, 40)
    kind = "int8" if int8 else "fp32"
    rate = macs / seconds / 1e9
    share = rate / peaks[f"{kind}_{cores}"]
    say(f"{net} {size[0]}x{size[1]} {kind}: {rate:.0f} GMAC/s, {share:.0%} of the peak")
    return {
        "net": net, "size": list(size), "precision": kind, "gmac": round(macs / 1e9, 3),
        "ms": round(1e3 * seconds, 3), "gmac_per_s": round(rate, 1),
        "share_of_peak": round(share, 4),
        "operations": operations(path, cores, frame),
    }  # fmt: skip


def operations(path: Path, cores: int, frame: np.ndarray, runs: int = 10) -> list[dict[str, Any]]:
    """Return the share of the time that each kind of kernel takes, largest first, by OpenVINO's own clock."""
    request = open_request(path, cores, profile=True)
    spent: dict[str, float] = defaultdict(float)
    for _ in range(runs):
        request.infer({0: frame}, share_inputs=True)
        for one in request.profiling_info:
            if one.real_time.total_seconds() > 0:
                spent[f"{one.node_type} {one.exec_type}"] += one.real_time.total_seconds()
    whole = sum(spent.values())
    largest = sorted(spent.items(), key=lambda one: -one[1])[:8]
    return [{"kernel": name, "share": round(seconds / whole, 4)} for name, seconds in largest]


if __name__ == "__main__":
    main()
