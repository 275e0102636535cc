"""How near the networks come to what this machine can do, and where the rest of the time goes.

    python benchmarks/speed/roofline.py            # on a quiet machine

peak.cpp measures the machine: multiply-accumulates on registers alone, and memory. Then every network of the
benchmarks runs in OpenVINO, alone; its own clock tells the time of every layer, the checkpoint tells the
work, and the shapes tell the bytes. A layer that profits from INT8 least is found by running fp32 too. Writes
benchmarks/results/roofline.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from torch import nn

from fcn_edge.bench.machine import device_facts, watch_machine
from fcn_edge.ground.artifacts import atomic_write_json, provenance
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models.cost import count_macs
from fcn_edge.train.checkpoint import load_checkpoint

sys.path.insert(0, str(Path(__file__).parents[1]))  # benchmarks/
from common.nets import NETS, SIZES, bundle, checkpoint, commit, say

RESULTS = Path("benchmarks/results/roofline.json")
BYTES = {"u8": 1, "i8": 1, "f32": 4, "i32": 4, "f16": 2, "bf16": 2}
SLOWEST = 8  # layers that the results name
Json = dict[str, Any]
TRIED: dict[str, Json] = {  # settings of OpenVINO that might close the gap, beside those of the runtime
    "threads not pinned to cores": {"ENABLE_CPU_PINNING": False},
    "denormal numbers as zero": {"CPU_DENORMALS_OPTIMIZATION": True},
    "the THROUGHPUT hint with one stream": {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": 1},
}


@dataclass(frozen=True)
class Layer:
    """One step of the compiled network: layers that OpenVINO fused are one."""

    name: str
    kind: str
    seconds: float
    macs: int
    moved: int  # bytes of inputs, weights and outputs


def main() -> None:
    """Measure the machine, then the networks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2.0, help="training time of a network, once")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    cores = device_facts()["cores"]
    with watch_machine() as seen:
        machine = measure_machine(cores)
        rows = [
            measure_net(net, size, cores, machine[str(cores)], options)
            for net in NETS for size in SIZES
        ]  # fmt: skip
    result = {
        "commit": commit(),
        "device": {**device_facts(), "during_the_run": seen.to_json()},
        "machine": machine,
        "rows": rows,
        "provenance": provenance("python " + " ".join(sys.argv)),
    }
    atomic_write_json(options.out, result)
    say(f"wrote {options.out}")


def measure_machine(cores: int) -> Json:
    """Compile and run peak.cpp; return what it prints: a number of threads -> its rates."""
    source = Path(__file__).with_name("peak.cpp")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "peak"
        command = ["g++", "-O3", "-march=native", "-pthread", str(source), "-o", str(program)]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode:
            raise FcnEdgeError(f"{source} does not compile here: it is written for x86 with AVX2")
        found = json.loads(subprocess.run([program, str(cores)], capture_output=True, check=True).stdout)
    say(json.dumps(found))
    return found


def measure_net(
    net: str, size: tuple[int, int], cores: int, machine: Json, options: argparse.Namespace
) -> Json:
    """Return a network's work and time in both precisions, and the time of its layers."""
    model = load_checkpoint(checkpoint(net, options.minutes)).model
    cost = count_macs(model, size)
    kinds = {name: kind_of(module) for name, module in model.named_modules() if name in cost.layers}
    frame = np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    row: Json = {"net": net, "size": list(size), "gmac": round(cost.gmac, 3)}
    layers = {}
    for precision in ("int8", "fp32"):
        path = bundle(net, size, int8=precision == "int8", tail="scores", minutes=options.minutes)
        seconds = median_seconds(compiled(path, cores), frame, options.runs)
        layers[precision] = profile(compiled(path, cores, PERF_COUNT=True), frame, cost.layers, kinds)
        ranked = sorted(layers[precision], key=lambda one: -one.seconds)
        rate = cost.gmac / seconds
        row[precision] = {
            "ms": round(1e3 * seconds, 3), "gmac_per_s": round(rate, 1),
            "share_of_peak": round(rate / machine[f"{precision}_gmac_per_s"], 4),
            "kinds": by_kind(layers[precision], machine[f"{precision}_gmac_per_s"]),
            "slowest": [to_json(one) for one in ranked[:SLOWEST]],
        }  # fmt: skip
        share = row[precision]["share_of_peak"]
        say(f"{net} {size[0]}x{size[1]} {precision}: {1e3 * seconds:.1f} ms, {share:.0%} of the peak")
    int8 = bundle(net, size, int8=True, tail="scores", minutes=options.minutes)
    row["tried"] = tries(int8, cores, frame, options.runs)
    row["int8_slower_than_fp32"] = slower_layers(layers["int8"], layers["fp32"])
    return row


def kind_of(module: nn.Module) -> str:
    """Return in words what sort of convolution a module is."""
    if isinstance(module, nn.ConvTranspose2d):
        return "transposed"
    if module.in_channels == 3:
        return "first (3 channels in)"
    if module.groups > 1:
        return "depthwise"
    return "1x1" if module.kernel_size == (1, 1) else "dense 3x3"


def compiled(path: Path, cores: int, **changed: Any) -> openvino.CompiledModel:
    """Return the network of a bundle compiled as the runtime does it, but for what is `changed`."""
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": cores,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    return openvino.Core().compile_model(path / "model.onnx", "CPU", {**options, **changed})


def tries(path: Path, cores: int, frame: np.ndarray, runs: int) -> dict[str, float]:
    """Return how many times the runtime's time the network takes with each of TRIED, in turns."""
    models = {name: compiled(path, cores, **changed) for name, changed in {"": {}, **TRIED}.items()}
    times = defaultdict(list)
    for _ in range(5):
        for name, model in models.items():
            times[name].append(median_seconds(model, frame, max(2, runs // 5)))
    return {name: round(float(np.median(np.divide(times[name], times[""]))), 3) for name in TRIED}


def median_seconds(model: openvino.CompiledModel, frame: np.ndarray, runs: int) -> float:
    """Return the median time of one inference, after three to warm up."""
    request, times = model.create_infer_request(), []
    for _ in range(runs + 3):
        start = time.perf_counter()
        request.infer({0: frame}, share_inputs=True)
        times.append(time.perf_counter() - start)
    return float(np.median(times[3:]))


def profile(
    model: openvino.CompiledModel, frame: np.ndarray, macs: dict[str, int], kinds: dict[str, str]
) -> list[Layer]:
    """Return every executed step with the median of its times over ten runs."""
    request = model.create_infer_request()
    times: dict[str, list[float]] = defaultdict(list)
    for run in range(12):
        request.infer({0: frame}, share_inputs=True)
        for one in request.profiling_info if run >= 2 else ():
            times[one.node_name].append(one.real_time.total_seconds())
    layers = []
    for op in model.get_runtime_model().get_ordered_ops():
        name, seconds = op.get_friendly_name(), float(np.median(times.get(op.get_friendly_name(), [0.0])))
        if seconds > 0:
            parts = [
                part.removesuffix("/WithoutBiases") for part in _info(op, "originalLayersNames").split(",")
            ]
            found = next((part for part in parts if part in macs), None)
            kind = kinds[found] if found else _info(op, "layerType").lower()
            layers.append(Layer(found or name, kind, seconds, macs.get(found or "", 0), _moved(op)))
    return layers


def _moved(op: Any) -> int:
    sources = [op.input_value(i) for i in range(op.get_input_size())]
    return sum(
        prod(value.get_shape()) * BYTES.get(_info(value.get_node(), "outputPrecisions").split(",")[0], 4)
        for value in [*sources, *op.outputs()]
    )


def _info(op: Any, key: str) -> str:
    info = op.get_rt_info()
    if key not in info:
        return ""
    value = info[key]
    return str(value.astype(str) if hasattr(value, "astype") else value)


def by_kind(layers: Iterable[Layer], peak: float) -> list[Json]:
    """Return for each kind of layer its share of the time and of the work, and its rate; slowest first."""
    groups: dict[str, list[Layer]] = defaultdict(list)
    for layer in layers:
        groups[layer.kind if layer.macs else "all else"].append(layer)
    seconds, macs = (sum(getattr(one, key) for one in layers) for key in ("seconds", "macs"))
    rows = []
    for kind, members in groups.items():
        spent, work = sum(one.seconds for one in members), sum(one.macs for one in members)
        rows.append({
            "kind": kind, "layers": len(members), "share_of_time": round(spent / seconds, 4),
            "share_of_work": round(work / macs, 4), "gmac_per_s": round(work / spent / 1e9, 1),
            "share_of_peak": round(work / spent / 1e9 / peak, 4),
            "macs_per_byte": round(work / sum(one.moved for one in members), 1),
            "gb_per_s": round(sum(one.moved for one in members) / spent / 1e9, 1),
        })  # fmt: skip
    return sorted(rows, key=lambda row: -row["share_of_time"])


def to_json(layer: Layer) -> Json:
    """Return a layer with its rate."""
    return {
        "name": layer.name, "kind": layer.kind, "ms": round(1e3 * layer.seconds, 3),
        "gmac_per_s": round(layer.macs / layer.seconds / 1e9, 1),
        "gb_per_s": round(layer.moved / layer.seconds / 1e9, 1),
    }  # fmt: skip


def slower_layers(int8: Iterable[Layer], fp32: Iterable[Layer]) -> Json:
    """Return which convolutions INT8 makes slower, and what fp32 for just those could save at most.

    At most, because the conversions that a change of precision needs are not counted.
    """
    plain = {one.name: one.seconds for one in fp32 if one.macs}
    slower = [one for one in int8 if one.macs and one.seconds > plain.get(one.name, np.inf)]
    saved = sum(one.seconds - plain[one.name] for one in slower)
    return {"layers": [one.name for one in slower], "at_most_saved_ms": round(1e3 * saved, 3)}


if __name__ == "__main__":
    main()
