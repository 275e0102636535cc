"""One round: the C++ binary on one bundle for a fixed number of frames."""

from __future__ import annotations

from pathlib import Path

from fcn_edge.bench.energy import count_energy
from fcn_edge.bench.result import STAGES, Round
from fcn_edge.bench.subject import Subject
from fcn_edge.ground.config import BenchConfig
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.runtime.program import run_stream


def run_round(subject: Subject, source: Path, config: BenchConfig, schedule: str) -> Round:
    """Stream `config.frames` frames, one at a time (latency) or with frames in flight (throughput)."""
    with count_energy() as energy:
        report = run_stream(subject.path, source, *_arguments(config, schedule)).report
    samples = report["samples_ms"]
    if not samples.get("total"):
        raise FcnEdgeError(f"{source} gave no frame to measure", hint="name a clip that plays")
    return Round(
        frames_in=int(report["frames_in"]),
        frames_out=int(report["frames_out"]),
        dropped=int(report["dropped"]),
        fps=float(report["fps"]),
        start_ms=float(report["start_ms"]),
        rss_mb=float(report["rss_mb"]),
        samples_ms={stage: [float(value) for value in samples[stage]] for stage in STAGES},
        warnings=list(report["warnings"]),
        energy=energy,
    )


def _arguments(config: BenchConfig, schedule: str) -> list[str]:
    arguments = ["--raw-samples", "--policy", "block", "--schedule", schedule]
    if schedule == "latency":  # the next frame is read when the last has left: no frame waits for another
        arguments += ["--slots", "1"]
    arguments += ["--warmup", str(config.warmup), "--limit", str(config.frames), "--loop", "0"]
    if config.threads is not None:
        arguments += ["--threads", str(config.threads)]
    if config.allow_ungated:
        arguments.append("--allow-ungated")
    return arguments
