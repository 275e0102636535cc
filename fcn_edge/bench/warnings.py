"""What can make a measured latency mean less than it seems: each a type with what was seen and what to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fcn_edge.bench.machine import Disturbance
from fcn_edge.ground.stats import QUANTILES, percentile, samples_needed


@dataclass(frozen=True)
class BenchWarning(ABC):
    """A doubt about a measurement; subclasses say which."""

    @abstractmethod
    def _words(self) -> tuple[str, str]:
        """Return what was seen, with its value, and what to do about it."""

    def _kind(self) -> str:
        """Return the name that programs know it by."""
        return _snake(type(self).__name__)

    def to_json(self) -> dict[str, Any]:
        """Return {"type", "message", "remedy"}, the form of the C++ runtime's own warnings."""
        message, remedy = self._words()
        return {"type": self._kind(), "message": message, "remedy": remedy}


@dataclass(frozen=True)
class TooFewSamples(BenchWarning):
    """A percentile was left out, because no sample could lie beyond it."""

    percentile: str
    have: int
    need: int

    def _words(self) -> tuple[str, str]:
        return (
            f"too few frames for {_label(self.percentile)}: it needs {self.need} and there are {self.have}",
            f"raise --frames or --rounds until their product is {self.need} or more",
        )


@dataclass(frozen=True)
class StolenTime(BenchWarning):
    """The hypervisor ran somebody else on our cores."""

    share: float

    def _words(self) -> tuple[str, str]:
        return (
            f"the hypervisor took {self.share:.1%} of the time away while this ran",
            "trust the ratios between bundles, not the tail percentiles; measure again at a quieter time",
        )


@dataclass(frozen=True)
class BusyMachine(BenchWarning):
    """Other programs were running before the first round."""

    share: float

    def _words(self) -> tuple[str, str]:
        return (
            f"{self.share:.0%} of the processor was busy with other programs before the first round",
            "stop them and measure again",
        )


@dataclass(frozen=True)
class Throttled(BenchWarning):
    """The processor lowered its own clock because of heat."""

    events: int

    def _words(self) -> tuple[str, str]:
        return (
            f"the processor throttled itself {self.events} times while this ran",
            "let it cool or improve the cooling; a camera box will throttle just so when it runs all day",
        )


@dataclass(frozen=True)
class PowerSaving(BenchWarning):
    """The clock governor is not the one for steady speed."""

    governor: str

    def _words(self) -> tuple[str, str]:
        return (
            f"the clock governor is '{self.governor}', so the first frames after a pause run on a slow clock",
            "sudo cpupower frequency-set -g performance (or nvpmodel / jetson_clocks on a Jetson)",
        )


@dataclass(frozen=True)
class SlowFirstRound(BenchWarning):
    """The first round was clearly slower than the others: warm-up was too short."""

    bundle: str
    ratio: float

    def _words(self) -> tuple[str, str]:
        return (
            f"{self.bundle}: the first round took {self.ratio:.2f} times as long as the later ones",
            "raise --warmup",
        )


@dataclass(frozen=True)
class UnsteadyRounds(BenchWarning):
    """The medians of the rounds lie far apart."""

    bundle: str
    spread: float

    def _words(self) -> tuple[str, str]:
        return (
            f"{self.bundle}: the medians of the rounds differ by {self.spread:.0%}",
            "compare bundles only within this run, or measure again on a quieter machine with more --rounds",
        )


@dataclass(frozen=True)
class CoarseClock(BenchWarning):
    """The clock's step is no longer small beside what is measured."""

    bundle: str
    step_ms: float
    p50_ms: float

    def _words(self) -> tuple[str, str]:
        return (
            f"{self.bundle}: the clock counts in steps of {self.step_ms:g} ms, "
            f"and a frame takes {self.p50_ms:g} ms",
            "trust the frames/s, not the percentiles; a kernel with high-resolution timers counts finer",
        )


@dataclass(frozen=True)
class FromTheRuntime(BenchWarning):
    """Something the C++ runtime itself warned of, in its own words."""

    bundle: str
    type: str
    message: str
    remedy: str

    def _words(self) -> tuple[str, str]:
        return f"{self.bundle}: {self.message}", self.remedy

    def _kind(self) -> str:
        return self.type


# Judged here over all rounds together; what the runtime says of a single round would mislead.
_JUDGED_HERE = {"few_samples", "busy_machine"}


def runtime_warnings(bundle: str, complaints: Sequence[dict[str, Any]]) -> list[BenchWarning]:
    """Return what the C++ runtime warned of in any round, each type once."""
    kept = {str(one["type"]): one for one in complaints if one["type"] not in _JUDGED_HERE}
    return [
        FromTheRuntime(bundle, type_, one["message"], one["remedy"]) for type_, one in sorted(kept.items())
    ]


def sample_warnings(count: int) -> list[BenchWarning]:
    """Return one warning for each percentile that `count` frames cannot support."""
    needs = {key: samples_needed(q) for key, q in QUANTILES.items()}
    return [TooFewSamples(key, count, need) for key, need in needs.items() if count < need]


def round_warnings(name: str, rounds: Sequence[Sequence[float]]) -> list[BenchWarning]:
    """Return what the medians of a bundle's rounds say about warm-up and steadiness (samples in ms)."""
    medians = [percentile(one, 0.5) for one in rounds if len(one)]
    if len(medians) < 3:
        return []
    later = percentile(medians[1:], 0.5)
    if medians[0] > 1.15 * max(medians[1:]):
        return [SlowFirstRound(name, medians[0] / later)]
    spread = max(medians) / min(medians) - 1.0
    return [UnsteadyRounds(name, spread)] if spread > 0.15 else []


def clock_warnings(name: str, rounds: Sequence[Sequence[float]], step_ms: float) -> list[BenchWarning]:
    """Return a warning when the clock's step is more than a hundredth of the median (samples in ms)."""
    p50 = percentile([value for one in rounds for value in one], 0.5)
    return [CoarseClock(name, step_ms, p50)] if step_ms > p50 / 100 else []


def machine_warnings(seen: Disturbance, governor: str | None) -> list[BenchWarning]:
    """Return what the machine did while we measured that a reader must know."""
    found: list[BenchWarning] = []
    if seen.steal is not None and seen.steal > 0.01:
        found.append(StolenTime(seen.steal))
    if seen.busy_others is not None and seen.busy_others > 0.15:
        found.append(BusyMachine(seen.busy_others))
    if seen.throttled:
        found.append(Throttled(seen.throttled))
    if governor and governor not in ("performance", "schedutil"):
        found.append(PowerSaving(governor))
    return found


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _label(key: str) -> str:
    return {"p999": "p99.9"}.get(key, key)
