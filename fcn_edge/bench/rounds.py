"""One round: the C++ binary on one bundle for a fixed number of frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcn_edge.bench.result import STAGES, Round
from fcn_edge.bench.subject import Subject
from fcn_edge.config import BenchConfig
from fcn_edge.errors import FcnEdgeError
from fcn_edge.runtime import run_stream


def run_round(subject: Subject, source: Path, config: BenchConfig, schedule: str) -> tuple[Round, list[str]]:
    """Stream `config.frames` frames after `config.warmup` ; return the round and the runtime's warnings."""
    report = run_stream(subject.path, source, *_arguments(config, schedule)).report
    samples = report.get("samples_ms") or {}
    if not samples.get("total"):
        raise FcnEdgeError(f"{source} gave no frame to measure", hint="name a clip that plays")
    finished = Round(
        frames_in=int(report["frames_in"]),
        frames_out=int(report["frames_out"]),
        dropped=int(report["dropped"]),
        fps=float(report["fps"]),
        start_ms=_number(report.get("start_ms")),
        rss_mb=_number(report.get("rss_mb")),
        samples_ms={stage: [float(value) for value in samples.get(stage, [])] for stage in STAGES},
    )
    return finished, [_text(one) for one in report.get("warnings", [])]


def _arguments(config: BenchConfig, schedule: str) -> list[str]:
    arguments = ["--raw-samples", "--policy", "block", "--schedule", schedule]
    arguments += ["--warmup", str(config.warmup), "--limit", str(config.frames), "--loop", "0"]
    if config.threads is not None:
        arguments += ["--threads", str(config.threads)]
    if config.allow_ungated:
        arguments.append("--allow-ungated")
    return arguments


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _text(warning: Any) -> str:
    return str(warning.get("what", warning)) if isinstance(warning, dict) else str(warning)
