"""How soon the first mask is there, how much memory a stream takes, how large the runtime is.

    python benchmarks/speed/footprint.py out/road.fcne drive.mp4       # a minute or two

Every bundle is started several times with a warm engine cache, in turns on the synthetic source (no image or
video library is loaded) and on a clip, and once with an empty cache. Start is the time from the process's
start, as the kernel knows it, to the first mask, golden self-test included; memory is the peak resident set.
Medians with lowest and highest. Writes benchmarks/results/footprint.json.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from fcn_edge.bench.machine import device_facts, watch_machine
from fcn_edge.ground.artifacts import atomic_write_json, provenance
from fcn_edge.runtime.program import find_stream, run_stream

RESULTS = Path("benchmarks/results/footprint.json")
FRAMES = 20
LIBRARIES = ("", "_openvino", "_ffmpeg", "_media", "_window")
PARTS = ("fcn-edge-stream", *(f"libfcn_edge{name}.so" for name in LIBRARIES))


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, nargs="+")
    parser.add_argument("clip", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with watch_machine() as seen:
        rows = [measure(bundle, options.clip, options.rounds) for bundle in options.bundle]
    result = {
        "device": {**device_facts(), "during_the_run": seen.to_json()},
        "method": {"rounds": options.rounds, "frames": FRAMES},
        "stripped_bytes": stripped_sizes(find_stream().parent),
        "rows": rows,
        "provenance": provenance("python " + " ".join(sys.argv)),
    }
    atomic_write_json(options.out, result)
    print(f"wrote {options.out}")


def measure(bundle: Path, clip: Path, rounds: int) -> dict[str, Any]:
    """Return start and memory of one bundle, from a cold cache and then in turns from a warm one."""
    sources = {"test": "test:640x360", "clip": str(clip)}
    start: dict[str, list[float]] = {name: [] for name in sources}
    rss: dict[str, list[float]] = {name: [] for name in sources}
    with tempfile.TemporaryDirectory() as cache:
        cold = run(bundle, sources["test"], cache)["start_ms"]
        for source in sources.values():  # the schedules of the two sources compile different engines
            run(bundle, source, cache)
        for _ in range(rounds):
            for name, source in sources.items():
                report = run(bundle, source, cache)
                start[name].append(report["start_ms"])
                rss[name].append(report["rss_mb"])
    row = {
        "bundle": report["bundle"],
        "engine": report["engine"],
        "cold_start_ms": cold,
        "start_ms": {name: spread(values) for name, values in start.items()},
        "rss_mb": {name: spread(values) for name, values in rss.items()},
    }
    print(bundle.name, row["start_ms"], row["rss_mb"])
    return row


def run(bundle: Path, source: str, cache: str) -> dict[str, Any]:
    """Return the report of a short run."""
    words = ["--limit", str(FRAMES), "--cache-dir", cache, "--allow-ungated"]
    return run_stream(bundle, source, *words).report


def spread(values: list[float]) -> dict[str, float]:
    """Return median, lowest and highest."""
    return {"median": round(median(values), 1), "low": round(min(values), 1), "high": round(max(values), 1)}


def stripped_sizes(folder: Path) -> dict[str, int]:
    """Return the size in bytes of each part of the runtime without symbols."""
    sizes = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in PARTS:
            copy = shutil.copy(folder / name, Path(scratch) / name)
            subprocess.run(["strip", copy], check=True)
            sizes[name] = copy.stat().st_size
    return sizes


if __name__ == "__main__":
    main()
