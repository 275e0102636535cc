"""Is it slower than last time, beyond noise? And does it keep its budget?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fcn_edge.bench.result import MAGIC
from fcn_edge.ground.artifacts import read_json
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.ground.stats import QUANTILES, Interval, rounds_ratio, samples_needed

Json = dict[str, Any]
COMPARED = {"p50": 0.50, "p99": 0.99}


@dataclass(frozen=True)
class Change:
    """One percentile of one bundle, then and now, in milliseconds from frame to result."""

    bundle: str
    percentile: str
    before_ms: float  # geometric mean of the rounds' percentiles
    after_ms: float
    ratio: float  # after / before
    ratio_low: float | None  # 95 % interval of the ratio; None where a side has a single round
    ratio_high: float | None
    verdict: str  # slower | faster | same: whether the interval leaves out 1; unknown without one
    regression: bool  # slower, and by more than the threshold even at the low end of the interval

    def sentence(self) -> str:
        """Say it in words."""
        if self.verdict == "unknown":
            return (
                f"{self.bundle}: {self.percentile} was {self.before_ms:.2f} ms and is {self.after_ms:.2f} "
                "ms; a single round does not tell a change from noise: measure both sides with --rounds 5"
            )
        if self.verdict == "same":
            return f"{self.bundle}: {self.percentile} has not changed beyond noise ({self._range()})"
        return (
            f"{self.bundle}: {self.percentile} is {self.verdict}, {self.before_ms:.2f} ms then and "
            f"{self.after_ms:.2f} ms now ({self._range()})"
        )

    def _range(self) -> str:
        return f"x{self.ratio:.3f}, 95 % of x{self.ratio_low:.3f} to x{self.ratio_high:.3f}"

    def to_json(self) -> Json:
        """Return the fields and the sentence."""
        return {**asdict(self), "sentence": self.sentence()}


@dataclass(frozen=True)
class Budget:
    """Whether a percentile stays within a time."""

    bundle: str
    percentile: str
    limit_ms: float
    found_ms: float
    kept: bool

    def sentence(self) -> str:
        """Say it in words."""
        verb = "keeps" if self.kept else "misses"
        share = f"{self.percentile} is {self.found_ms:.2f} ms of {self.limit_ms:g} ms"
        return f"{self.bundle} {verb} its budget: {share}"

    def to_json(self) -> Json:
        """Return the fields and the sentence."""
        return {**asdict(self), "sentence": self.sentence()}


def read_report(path: Path) -> Json:
    """Read a report.json that `fcn-edge bench` wrote; anything else is one sentence."""
    hint = "give the report.json of an earlier `fcn-edge bench --report`"
    report = read_json(path, hint)
    if not isinstance(report, dict) or report.get("magic") != MAGIC or not report.get("bundles"):
        raise FcnEdgeError(f"{path} is not a report of fcn-edge", hint=hint)
    if report.get("schema", [1])[0] != 1:
        raise FcnEdgeError(f"{path} has schema {report['schema']}, and this version reads 1")
    try:
        usable = all(_count(one) and str(one["name"]) for one in report["bundles"]) and report["device"]
    except (KeyError, TypeError):
        usable = False
    if not usable:
        raise FcnEdgeError(f"{path} holds no latencies of single frames", hint="measure the baseline again")
    return report


def compare(report: Json, baseline: Json, threshold: float = 0.05) -> list[Change]:
    """Return how every bundle in both reports has changed, by the percentiles that every round supports.

    threshold: the relative slow-down that counts as a regression. MisuseError when no bundle is in both.
    """
    before = {one["name"]: one for one in baseline["bundles"]}
    shared = [one for one in report["bundles"] if one["name"] in before]
    if not shared:
        raise MisuseError(
            f"the baseline measured {', '.join(before)}", hint="bench a bundle of one of these names"
        )
    return [
        _change(now["name"], key, q, _totals(before[now["name"]]), _totals(now), threshold)
        for now in shared
        for key, q in COMPARED.items()
        if min(map(len, _totals(before[now["name"]]) + _totals(now))) >= samples_needed(q)
    ]


def _change(
    name: str,
    key: str,
    q: float,
    before: Sequence[Sequence[float]],
    after: Sequence[Sequence[float]],
    limit: float,
) -> Change:
    found = rounds_ratio(before, after, q)
    interval, ratio = found.interval, found.after / found.before
    low, high = (interval.low, interval.high) if interval else (None, None)
    regression = interval is not None and interval.low > 1.0 + limit
    return Change(name, key, found.before, found.after, ratio, low, high, _verdict(interval), regression)


def _verdict(ratio: Interval | None) -> str:
    if ratio is None:
        return "unknown"
    if ratio.low > 1.0:
        return "slower"
    return "faster" if ratio.high < 1.0 else "same"


def check_budget(report: Json, limit_ms: float, key: str) -> list[Budget]:
    """Return for every bundle whether percentile `key` (p50, p90, p99, p999, max) is within `limit_ms`."""
    found = []
    for bundle in report["bundles"]:
        value = bundle["latency_ms"]["total"].get(key)
        if value is None:
            raise FcnEdgeError(
                f"{bundle['name']} has too few frames for {key}",
                hint="raise --frames, or judge a lower percentile",
            )
        found.append(Budget(bundle["name"], key, limit_ms, value, value <= limit_ms))
    return found


def judge_report(
    report: Json,
    *,
    baseline: Path | None = None,
    threshold: float = 0.05,
    budget_ms: float | None = None,
    percentile: float = 99.0,
) -> tuple[Json, list[str]]:
    """Return the report with what baseline and budget say of it, and a sentence for each failure."""
    judged, failures = dict(report), []
    if budget_ms is not None:
        budget = check_budget(report, budget_ms, percentile_key(percentile))
        judged["budget"] = [one.to_json() for one in budget]
        failures += [one.sentence() for one in budget if not one.kept]
    if baseline is not None:
        old = read_report(baseline)
        changes = compare(report, old, threshold)
        judged["changes"] = [one.to_json() for one in changes]
        judged["baseline"] = _about_baseline(report, old)
        failures += [one.sentence() for one in changes if one.regression]
    return judged, failures


def _about_baseline(report: Json, baseline: Json) -> str:
    made = (baseline.get("provenance") or {}).get("created", "at an unknown time")
    machine, method = same_machine(report, baseline), same_method(report, baseline)
    told = f"The baseline was measured {made}"
    told += f" on another machine: {machine}" if machine else ""
    return told + (f"{'; and' if machine else ''} in another way: {method}" if method else "")


def percentile_key(number: float) -> str:
    """Return the key of a percentile as a user types it: 99 -> p99, 99.9 -> p999, 100 -> max."""
    keys = {50.0: "p50", 90.0: "p90", 99.0: "p99", 99.9: "p999", 100.0: "max"}
    if number not in keys:
        raise MisuseError(f"--percentile {number:g}", hint="valid: 50, 90, 99, 99.9, 100")
    return keys[number]


def same_machine(report: Json, baseline: Json) -> str:
    """Return what differs between the machines of two reports in words, or nothing."""
    return _differences(baseline["device"], report["device"], ("cpu", "cores", "governor"))


def same_method(report: Json, baseline: Json) -> str:
    """Return what differs in how two reports were measured, in words, or nothing."""
    before, now = baseline.get("method") or {}, report.get("method") or {}
    return _differences(before, now, ("source", "threads", "cpus"))


def _differences(before: Json, now: Json, names: Sequence[str]) -> str:
    return "; ".join(
        f"{name} was {before.get(name)} and is {now.get(name)}"
        for name in names
        if before.get(name) != now.get(name)
    )


def check_percentile(number: float, frames: int, rounds: int) -> str:
    """Return the key of a percentile that rounds * frames samples can support; MisuseError otherwise."""
    key = percentile_key(number)
    needed = samples_needed(QUANTILES[key]) if key in QUANTILES else 1
    count = rounds * frames
    if count < needed:
        raise MisuseError(
            f"--percentile {number:g} needs {needed} frames, and {rounds} rounds of {frames} are {count}",
            hint=f"type --frames {-(-needed // rounds)}",
        )
    return key


def _totals(bundle: Json) -> list[list[float]]:
    return [one["samples_ms"]["total"] for one in bundle["rounds"]]


def _count(bundle: Json) -> int:
    return sum(len(one) for one in _totals(bundle))
