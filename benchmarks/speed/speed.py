"""How fast the runtime is beside torch eager and beside upsampling and argmax inside the graph.

    python benchmarks/speed/speed.py              # about 15 minutes on two cores, after training the networks
    python benchmarks/speed/speed.py --rounds 2 --frames 20 --minutes 0.2  # a smoke run

Every row is one interleaved run (ours, in-graph, torch, ours, ...) on the same frames. Ratios are those of
the medians of a round; the median round is given, with the lowest and highest. All do the same: a uint8 BGR
frame in, a uint8 mask out. Writes benchmarks/results/speed.json; benchmarks/page/page.py makes
docs/benchmarks.md from it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fcn_edge.bench.machine import device_facts, watch_machine
from fcn_edge.bench.rounds import run_round
from fcn_edge.bench.subject import Subject, open_subject, write_frames
from fcn_edge.ground.artifacts import atomic_write_json, provenance
from fcn_edge.ground.config import BenchConfig
from fcn_edge.ground.stats import paired_ratio, percentile
from fcn_edge.runtime.program import run_stream

sys.path.insert(0, str(Path(__file__).parents[1]))  # benchmarks/
from common.nets import NETS, SIZES, bundle, checkpoint, commit, road_clip, say

RESULTS = Path("benchmarks/results/speed.json")
Rounds = list[list[float]]  # milliseconds from frame to mask, a list for each round


def main() -> None:
    """Measure every network at every size and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=60, help="frames of each contestant in each round")
    parser.add_argument("--minutes", type=float, default=2.0, help="training time of a network, once")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    config = BenchConfig(rounds=options.rounds, frames=options.frames, warmup=10, cooldown_s=0.0)
    with watch_machine() as seen:
        rows = [measure(net, size, config, options.minutes) for net in NETS for size in SIZES]
    result = {
        "commit": commit(),
        "device": {**device_facts(), "during_the_run": seen.to_json()},
        "method": {"rounds": config.rounds, "frames": config.frames, "warmup": config.warmup},
        "rows": rows,
        "provenance": provenance("python " + " ".join(sys.argv)),
    }
    atomic_write_json(options.out, result)
    say(f"wrote {options.out}")


def measure(net: str, size: tuple[int, int], config: BenchConfig, minutes: float) -> dict[str, Any]:
    """Return one row: latencies of the contestants in turns, then the stream as a whole."""
    say(f"{net} {size[0]}x{size[1]}")
    ours = open_subject(bundle(net, size, int8=True, tail="scores", minutes=minutes))
    graph = open_subject(bundle(net, size, int8=True, tail="mask", minutes=minutes))
    fp32 = open_subject(bundle(net, size, int8=False, tail="scores", minutes=minutes))
    torch_net = TorchNet(checkpoint(net, minutes))
    with tempfile.TemporaryDirectory() as folder:
        source = write_frames(ours, Path(folder))
        times: dict[str, Rounds] = {"ours": [], "in_graph": [], "fp32": [], "torch": []}
        for number in range(config.rounds):
            times["ours"].append(stream_ms(ours, source, config))
            times["in_graph"].append(stream_ms(graph, source, config))
            times["fp32"].append(stream_ms(fp32, source, config))
            times["torch"].append(torch_net.run(source, max(5, config.frames // 4)))
            say(
                f"  round {number + 1}: "
                + ", ".join(f"{k} {percentile(v[-1], 0.5):.1f} ms" for k, v in times.items())
            )
        whole = stream_facts(ours, source, config)
    return {
        "net": net,
        "size": list(size),
        "p50_ms": {
            name: percentile([v for one in rounds for v in one], 0.5) for name, rounds in times.items()
        },
        "times_ours": {name: paired_ratio(times[name], times["ours"]) for name in times if name != "ours"},
        "agreement_with_torch": torch_net.agreement(ours),
        "stream": whole,
        "samples_ms": {
            name: [[round(v, 3) for v in one] for one in rounds] for name, rounds in times.items()
        },
    }


def stream_ms(subject: Subject, source: Path, config: BenchConfig) -> list[float]:
    """Return frame-to-mask milliseconds of the C++ runtime: the network and what makes its mask."""
    samples = run_round(subject, source, config, "latency").samples_ms
    return [infer + post for infer, post in zip(samples["infer"], samples["post"], strict=True)]


class TorchNet:
    """The trained network in torch eager: inference_mode, channels_last, all cores."""

    def __init__(self, run: Path) -> None:
        import torch

        from fcn_edge.train.checkpoint import load_checkpoint

        torch.set_num_threads(device_facts()["cores"])
        self.model = load_checkpoint(run).model.to(memory_format=torch.channels_last)

    def run(self, source: Path, count: int) -> list[float]:
        """Return milliseconds from frame to mask of `count` frames, after three to warm up."""
        from fcn_edge.models.frames import predict_mask

        frames = [cv2.imread(str(path)) for path in sorted(source.glob("*.bmp"))]
        times = []
        for index in range(-3, count):
            start = time.perf_counter()
            predict_mask(self.model, frames[index % len(frames)])
            times.append((time.perf_counter() - start) * 1e3)
        return times[3:]

    def agreement(self, subject: Subject) -> float:
        """Return the share of golden pixels on which torch and the shipped INT8 masks agree."""
        from fcn_edge.models.frames import predict_mask

        same = []
        for one in subject.manifest["golden"]["frames"]:
            mask = cv2.imread(str(subject.path / one["mask"]), cv2.IMREAD_GRAYSCALE)
            same.append(
                np.mean(predict_mask(self.model, cv2.imread(str(subject.path / one["frame"]))) == mask)
            )
        return float(np.mean(same))


def stream_facts(subject: Subject, source: Path, config: BenchConfig) -> dict[str, float]:
    """Return frames/s of the engine alone and of the stream in its forms, start-up and memory."""
    clip, count = road_clip(), str(max(100, config.frames))
    with tempfile.TemporaryDirectory() as folder:
        cold, _ = (
            run_stream(subject.path, source, "--cache-dir", folder, "--limit", "1").report for _ in range(2)
        )
        overlay = ("--out", f"{folder}/overlay.mp4")
        common = ("--warmup", "10", "--limit", count, "--loop", "0")
        one = run_stream(subject.path, source, *common, "--schedule", "latency", "--slots", "1").report
        many = run_stream(subject.path, source, *common, "--schedule", "throughput").report
        decoded = run_stream(subject.path, clip, *common).report
        drawn = run_stream(subject.path, clip, *common, *overlay).report
    warm = run_stream(subject.path, source, "--limit", "1").report
    return {
        "engine_alone_fps": 1000.0 / one["latency_ms"]["infer"]["p50"],
        "one_at_a_time_fps": one["fps"],
        "in_flight_fps": many["fps"],
        "clip_720p_fps": decoded["fps"],
        "clip_720p_overlay_mp4_fps": drawn["fps"],
        "start_cold_ms": cold["start_ms"],
        "start_warm_ms": warm["start_ms"],
        "rss_mb": many["rss_mb"],
        "rss_clip_overlay_mb": drawn["rss_mb"],
    }


if __name__ == "__main__":
    main()
