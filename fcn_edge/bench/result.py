"""What a benchmark found: raw samples first, everything else is computed from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from fcn_edge.bench.energy import Energy
from fcn_edge.bench.machine import Disturbance
from fcn_edge.bench.subject import Subject
from fcn_edge.bench.warnings import BenchWarning
from fcn_edge.ground.stats import bootstrap, latency_summary, percentile, samples_needed

MAGIC = "fcn-edge-report"
SCHEMA = [1, 0]
_FROM_MANIFEST = (
    *("target", "precision", "classes", "input", "output", "model"),
    *("gate", "layers", "evidence", "provenance"),
)
STAGES = ("capture", "queue", "infer", "post", "sink", "total")


@dataclass(frozen=True)
class Round:
    """One run of the C++ binary on one bundle."""

    frames_in: int
    frames_out: int
    dropped: int
    fps: float
    start_ms: float  # from the start of the process to its first mask
    rss_mb: float  # peak resident memory
    samples_ms: dict[str, list[float]]  # stage -> one latency per measured frame, in frame order
    warnings: list[dict[str, Any]] = field(default_factory=list)  # the runtime's own
    energy: Energy = field(default_factory=Energy)  # of the whole machine while the round ran


@dataclass
class BundleBench:
    """All rounds of one bundle."""

    subject: Subject
    rounds: list[Round] = field(default_factory=list)
    pipelined_fps: float | None = None  # with frames in flight, the throughput schedule
    warnings: list[BenchWarning] = field(default_factory=list)

    def stage(self, name: str) -> list[list[float]]:
        """Return the samples of one stage in milliseconds, a list for each round."""
        return [one.samples_ms.get(name, []) for one in self.rounds]

    def frame_to_mask(self) -> list[list[float]]:
        """Return milliseconds from frame to mask, a list for each round: the network and its tail."""
        stages = zip(self.stage("infer"), self.stage("post"), strict=True)
        return [[infer + post for infer, post in zip(*one, strict=True)] for one in stages]

    def energy_json(self) -> dict[str, Any] | None:
        """Return joules a frame, start-up and warm-up counted in, and who counted; None where nobody did."""
        counted = [one for one in self.rounds if one.energy.joules is not None]
        if not counted:
            return None
        joules, frames = (
            sum(one.energy.joules or 0.0 for one in counted),
            sum(one.frames_out for one in counted),
        )
        return {"joules_per_frame": round(joules / frames, 4), "source": counted[0].energy.source}

    def to_json(self) -> dict[str, Any]:
        """Return the numbers and the raw samples they come from."""
        manifest = self.subject.manifest
        return {
            "name": self.subject.name,
            "bundle": str(self.subject.path),
            **{key: manifest.get(key) for key in _FROM_MANIFEST},
            "surgery": self.subject.evidence("surgery"),
            "size_mb": _folder_mb(self.subject),
            "frames_in": sum(one.frames_in for one in self.rounds),
            "frames_out": sum(one.frames_out for one in self.rounds),
            "dropped": sum(one.dropped for one in self.rounds),
            "fps": _median([one.fps for one in self.rounds]),
            "pipelined_fps": self.pipelined_fps,
            "start_ms": _median([one.start_ms for one in self.rounds]),
            "rss_mb": max(one.rss_mb for one in self.rounds),
            "energy": self.energy_json(),
            "latency_ms": {stage: latency_summary(_flat(self.stage(stage))) for stage in STAGES},
            "interval_ms": {stage: _intervals(self.stage(stage)) for stage in ("infer", "total")},
            "warnings": [one.to_json() for one in self.warnings],
            "rounds": [_round_json(one) for one in self.rounds],
        }


@dataclass
class BenchResult:
    """Every bundle of one interleaved measurement, and the machine it ran on."""

    bundles: list[BundleBench]
    device: dict[str, Any]
    disturbance: Disturbance
    method: dict[str, Any]
    provenance: dict[str, Any]
    rivals: dict[str, Any] | None = None  # what Field.to_json said
    warnings: list[BenchWarning] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON: the first bundle's numbers on top, then all bundles with raw samples."""
        bundles = [one.to_json() for one in self.bundles]
        first = bundles[0]
        flat = ("bundle", "frames_in", "frames_out", "dropped", "fps", "latency_ms")
        warnings = [warning.to_json() for warning in self.warnings]
        return {
            "magic": MAGIC,
            "schema": SCHEMA,
            **{key: first[key] for key in flat},
            "device": {**self.device, "during_the_run": self.disturbance.to_json()},
            "warnings": warnings + [warning for one in bundles for warning in one["warnings"]],
            "method": self.method,
            "bundles": bundles,
            **({"against": self.rivals} if self.rivals else {}),
            "provenance": self.provenance,
        }


def _intervals(rounds: list[list[float]]) -> dict[str, list[float] | None]:
    """Return 95 % intervals of p50 and p99; none where the samples are too few for the percentile."""
    found: dict[str, list[float] | None] = {}
    for key, q in (("p50", 0.5), ("p99", 0.99)):
        enough = len(_flat(rounds)) >= samples_needed(q)
        interval = bootstrap(rounds, partial(percentile, q=q)) if enough else None
        found[key] = [round(interval.low, 4), round(interval.high, 4)] if interval else None
    return found


def _round_json(one: Round) -> dict[str, Any]:
    samples = {stage: [round(value, 4) for value in values] for stage, values in one.samples_ms.items()}
    return {"fps": one.fps, "start_ms": one.start_ms, "rss_mb": one.rss_mb, "samples_ms": samples}


def _flat(rounds: list[list[float]]) -> list[float]:
    return [value for one in rounds for value in one]


def _median(values: list[float]) -> float:
    return float(np.median(values))


def _folder_mb(subject: Subject) -> float:
    total = sum(path.stat().st_size for path in subject.path.rglob("*") if path.is_file())
    return round(total / 1e6, 2)
