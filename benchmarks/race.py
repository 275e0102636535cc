"""The race: the same trained networks, run by us and by what people would pick instead, interleaved.

    python benchmarks/race.py                 # every network, size and contestant
    python benchmarks/race.py --quick --json  # 360x480 only, without torch.compile, under ten minutes

Every contestant is a process of its own that gets the same frames and is asked in turns (A B C A B C ...);
the others sleep meanwhile. All do the same work: a uint8 BGR frame in, a uint8 mask out. Ours is the C++ runtime.
A contestant whose package is missing is left out, with the line that installs it. Before the race every one's
masks are compared with torch's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from contestants import CONTESTANTS, Context
from nets import CACHE, NETS, SIZES, bundle, checkpoint, commit, say

from fcn_edge.artifacts import atomic_write_json, provenance
from fcn_edge.bench.machine import device_facts, watch_machine
from fcn_edge.bench.rounds import run_round
from fcn_edge.bench.subject import Subject, open_subject, write_frames
from fcn_edge.config import BenchConfig
from fcn_edge.machine import usable_cores
from fcn_edge.stats import paired_ratio, percentile

RESULTS = Path("benchmarks/results/race.json")
SLOW = {"torch-compile"}  # left out by --quick: it compiles for minutes


def main() -> None:
    """Run the race, write the results and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="360x480 only, fewer frames, no torch.compile")
    parser.add_argument("--json", action="store_true", help="print the results as one JSON object")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=40, help="frames of each contestant in each round")
    parser.add_argument("--minutes", type=float, default=2.0, help="training time of a network, once")
    parser.add_argument("--net", choices=list(NETS), action="append", help="only this network")
    parser.add_argument("--out", type=Path, help=f"default: {RESULTS}, with --quick nowhere")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.frames, options.minutes = 3, 15, min(options.minutes, 0.5)
    sizes = SIZES[:1] if options.quick else SIZES
    names = [name for name in CONTESTANTS if not (options.quick and name in SLOW)]
    with watch_machine() as seen:
        rows = [race(net, size, names, options) for net in options.net or NETS for size in sizes]
    result = {
        "commit": commit(),
        "device": {**device_facts(), "during_the_run": seen.to_json()},
        "method": {"rounds": options.rounds, "frames": options.frames},
        "rows": rows,
        "provenance": provenance("python " + " ".join(sys.argv)),
    }
    out = options.out or (None if options.quick else RESULTS)
    if out:
        atomic_write_json(out, result)
    print(json.dumps(result) if options.json else "\n".join(text(row) for row in rows))


def race(net: str, size: tuple[int, int], names: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """Return one row: every contestant's latencies against ours."""
    say(f"{net} {size[0]}x{size[1]}")
    ours = open_subject(bundle(net, size, int8=True, tail="scores", minutes=options.minutes))
    config = BenchConfig(rounds=options.rounds, frames=options.frames, warmup=5, cooldown_s=0.0)
    with tempfile.TemporaryDirectory() as folder:
        source = write_frames(ours, Path(folder))
        context = make_context(net, size, options.minutes)
        workers, absent = start(names, context, source)
        try:
            times = run_rounds(ours, source, workers, config)
        finally:
            for worker in workers.values():
                worker.stop()
    return {
        "net": net,
        "size": list(size),
        "p50_ms": {name: round(percentile(np.concatenate(one), 0.5), 3) for name, one in times.items()},
        "times_ours": {name: paired_ratio(times[name], times["ours"]) for name in times if name != "ours"},
        "agreement_with_torch": agreement(ours, workers),
        "absent": absent,
        "samples_ms": {
            name: [[round(v, 3) for v in one] for one in rounds] for name, rounds in times.items()
        },
    }


def make_context(net: str, size: tuple[int, int], minutes: float) -> Context:
    """Return what the contestants share; the fp32 graph with the mask in it comes from a bundle."""
    graph = bundle(net, size, int8=False, tail="mask", minutes=minutes) / "model.onnx"
    folder = CACHE / f"{net}-{size[0]}x{size[1]}-race"
    folder.mkdir(parents=True, exist_ok=True)
    return Context(checkpoint(net, minutes), size, graph, folder, usable_cores())


class Worker:
    """A contestant in its own process: `run N` on its stdin gives N latencies in ms on its stdout."""

    def __init__(self, name: str, context: Context, source: Path) -> None:
        about = json.dumps([name, {k: str(v) for k, v in vars(context).items()}, str(source)])
        self.log = context.folder / f"{name}.log"
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("race_worker.py")), about],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log.open("w"), text=True,
        )  # fmt: skip
        self.masks = context.folder / f"{name}-masks.npy"

    def ask(self, command: str) -> list[float] | None:
        """Send one command; None when the contestant has died."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        line = self.process.stdout.readline()
        return json.loads(line) if line.startswith("[") else None

    def last_words(self) -> str:
        """Return the last line that the contestant wrote to stderr."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][:200] if lines else "it ended without a word"

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()


def start(names: list[str], context: Context, source: Path) -> tuple[dict[str, Worker], dict[str, str]]:
    """Start and warm up every contestant in turn; return those that run, and why others do not."""
    workers, absent = {}, {}
    for name in names:
        _, package, pip = CONTESTANTS[name]
        if find_spec(package) is None:
            absent[name] = f"not installed: {pip}"
        else:
            say(f"  preparing {name}")
            worker = Worker(name, context, source)
            if worker.ask("run 5") is None:
                worker.stop()
                absent[name] = f"it does not run this network: {worker.last_words()}"
            else:
                workers[name] = worker
        if name in absent:
            say(f"  {name} is left out, {absent[name]}")
    return workers, absent


def run_rounds(
    ours: Subject, source: Path, workers: dict[str, Worker], config: BenchConfig
) -> dict[str, list[list[float]]]:
    """Return the latencies of all, a list for each round: everybody once, then everybody again."""
    times: dict[str, list[list[float]]] = {"ours": [], **{name: [] for name in workers}}
    for number in range(config.rounds):
        stages = run_round(ours, source, config, "latency").samples_ms
        times["ours"].append([a + b for a, b in zip(stages["infer"], stages["post"], strict=True)])
        for name, worker in workers.items():
            time.sleep(0.2)  # let the threads of the one before stop spinning
            found = worker.ask(f"run {config.frames}")
            if found is None:
                raise SystemExit(f"{name} died in round {number + 1}: {worker.last_words()}")
            times[name].append(found)
        told = ", ".join(f"{name} {percentile(one[-1], 0.5):.1f}" for name, one in times.items())
        say(f"  round {number + 1}, p50 in ms: {told}")
    return times


def agreement(ours: Subject, workers: dict[str, Worker]) -> dict[str, float]:
    """Return the share of golden pixels on which each one's masks equal those of torch in fp32."""
    if "torch" not in workers:
        return {}
    truth = np.load(workers["torch"].masks)
    golden = [cv2.imread(str(ours.path / one["mask"]), 0) for one in ours.manifest["golden"]["frames"]]
    masks = {"ours": np.stack(golden), **{name: np.load(worker.masks) for name, worker in workers.items()}}
    return {name: round(float(np.mean(mask == truth)), 5) for name, mask in masks.items()}


def text(row: dict[str, Any]) -> str:
    """Return a row as lines for people."""
    lines = [f"{row['net']} {row['size'][0]}x{row['size'][1]}: ours {row['p50_ms']['ours']:.2f} ms"]
    for name, ratio in sorted(row["times_ours"].items(), key=lambda one: one[1]["median"]):
        same = row["agreement_with_torch"].get(name, float("nan"))
        spread = f"{ratio['min']:.2f} to {ratio['max']:.2f}"
        lines.append(
            f"  {name:18} x{ratio['median']:5.2f} our time ({spread}), agrees with torch on {same:.2%}"
        )
    return "\n".join(lines + [f"  {name:18} {why}" for name, why in row["absent"].items()])


if __name__ == "__main__":
    main()
