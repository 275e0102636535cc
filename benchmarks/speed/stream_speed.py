"""How much of the network's speed is left when a stream goes through fcn-edge-stream from end to end.

    python benchmarks/speed/stream_speed.py     # 6 minutes on two cores; trains the networks first if need be
    python benchmarks/speed/stream_speed.py --rounds 1 --frames 30  # a smoke run

From a recording: frames/s of the network and its tail on frames that need no decoding, of a 1280x720 H.264
clip to masks, the same with OpenVINO's own upsampling and argmax in the graph, of the clip to an overlay
clip, and of a plain OpenCV loop (VideoCapture, resize, cv2.dnn in fp32, resize, argmax), in turns. Live: the
age of frames that come 30 times a second. Around the engine: tail, overlay and resize on one thread. Writes
benchmarks/results/stream_speed.json; benchmarks/page/page.py makes docs/benchmarks.md from it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from fcn_edge.bench.machine import device_facts, watch_machine
from fcn_edge.ground.artifacts import atomic_write_json, provenance
from fcn_edge.runtime.program import find_stream, run_stream

sys.path.insert(0, str(Path(__file__).parents[1]))  # benchmarks/
from common.nets import NETS, bundle, commit, frames_folder, road_clip, say

RESULTS = Path("benchmarks/results/stream_speed.json")
STAGES = Path("build/cpp_runtime/tests/stage_speed")
SIZE = (360, 480)


def main() -> None:
    """Measure both networks, the live stream and the stages, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=120, help="frames of each contestant in each round")
    parser.add_argument("--live-seconds", type=float, default=20)
    parser.add_argument("--minutes", type=float, default=2.0, help="training time of a network, once")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with watch_machine() as seen:
        rows = [recorded(net, options) for net in NETS]
        live_rows = [live(source, options) for source in ("test:480x360@30", "test:1280x720@30")]
        stages = stage_times(h264(road_clip()))
    result = {
        "commit": commit(),
        "device": {**device_facts(), "during_the_run": seen.to_json()},
        "rows": rows,
        "live": live_rows,
        "stages": stages,
        "provenance": provenance("python " + " ".join(sys.argv)),
    }
    atomic_write_json(options.out, result)
    say(f"wrote {options.out}")


def recorded(net: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return frames/s of every contestant in every round, and the shares of the network's own speed."""
    ours = bundle(net, SIZE, int8=True, tail="scores", minutes=options.minutes)
    graph = bundle(net, SIZE, int8=True, tail="mask", minutes=options.minutes)
    fp32 = bundle(net, SIZE, int8=False, tail="scores", minutes=options.minutes)
    images, clip = frames_folder(SIZE), h264(road_clip())
    fps: dict[str, list[float]] = {name: [] for name in ("alone", "clip", "overlay", "in_graph", "opencv")}
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            fps["alone"].append(stream_fps(ours, images, options))
            fps["clip"].append(stream_fps(ours, clip, options))
            fps["in_graph"].append(stream_fps(graph, clip, options))
            fps["overlay"].append(stream_fps(ours, clip, options, "--out", f"{folder}/overlay.mp4"))
        fps["opencv"].append(opencv_fps(fp32 / "model.onnx", clip, max(5, options.frames // 8)))
        say(f"{net}, round {number + 1}: " + ", ".join(f"{k} {v[-1]:.1f}" for k, v in fps.items()))
    one = run_stream(ours, images, "--schedule", "latency", "--slots", "1", "--warmup", "10", "--loop", "0",
                     "--limit", str(options.frames)).report["latency_ms"]  # fmt: skip
    return {
        "net": net,
        "size": list(SIZE),
        "fps": {name: median(values) for name, values in fps.items()},
        "share_of_alone": {
            name: median(a / b for a, b in zip(fps[name], fps["alone"], strict=True))
            for name in fps
            if name != "alone"
        },
        "tail_share": one["post"]["p50"] / (one["infer"]["p50"] + one["post"]["p50"]),
        "rounds_fps": fps,
    }


def h264(clip: Path) -> Path:
    """Return the clip as H.264, made once with FFmpeg's x264."""
    out = clip.with_name("clip-h264.mp4")
    if not out.is_file():
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-i",
            clip,
            "-c:v",
            "libx264",
            "-crf",
            "20",
            "-pix_fmt",
            "yuv420p",
            out,
        ]
        subprocess.run(command, check=True)
    return out


def stream_fps(path: Path, source: Path, options: argparse.Namespace, *more: str) -> float:
    """Return frames/s of one run, ten frames of warm-up left out."""
    common = ("--warmup", "10", "--loop", "0", "--limit", str(options.frames))
    return float(run_stream(path, source, *common, *more).report["fps"])


def opencv_fps(model: Path, clip: Path, count: int) -> float:
    """Return frames/s of what a page of OpenCV gives: no INT8, no fused tail, one step after the other."""
    net = cv2.dnn.readNetFromONNX(str(model))
    capture = cv2.VideoCapture(str(clip))
    begun = 0.0
    for index in range(count + 2):
        if index == 2:
            begun = time.perf_counter()
        _, frame = capture.read()
        net.setInput(cv2.resize(frame, (SIZE[1], SIZE[0]))[np.newaxis])
        scores = net.forward()[0]
        planes = [cv2.resize(plane, (SIZE[1], SIZE[0])) for plane in scores]
        np.argmax(np.stack(planes), axis=0).astype(np.uint8)
    return count / (time.perf_counter() - begun)


def stage_times(clip: Path) -> dict[str, Any]:
    """Return what the stages around the engine take, in ms of one thread, and decoding in ms of one core."""
    modules = {**os.environ, "FCN_EDGE_BACKENDS": str(find_stream().parent)}
    said = subprocess.run([STAGES, clip], capture_output=True, check=True, env=modules).stdout
    found: dict[str, Any] = json.loads(said)
    return found


def live(source: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return age and drops of frames that come 30 times a second."""
    path = bundle("efficientnet_lite0", SIZE, int8=True, tail="scores", minutes=options.minutes)
    report = run_stream(path, source, "--warmup", "30", "--seconds", str(options.live_seconds)).report
    say(f"{source}: {report['latency_ms']['total']}, {report['dropped']} dropped")
    keys = ("frames_out", "dropped", "drops", "fps", "interval_ms", "jitter_ms", "coded")
    return {
        "source": source,
        "age_ms": report["latency_ms"]["total"],
        "queue_ms": report["latency_ms"]["queue"],
        **{key: report[key] for key in keys},
    }


if __name__ == "__main__":
    main()
