"""The sentences of the report: what the numbers say, worked out from the numbers."""

from __future__ import annotations

from typing import Any

from fcn_edge.ground.stats import paired_ratio
from fcn_edge.report.html import number, percent

Json = dict[str, Any]
# The stages of the total, in order. Reading the frame comes before: a camera's frame is read when it arrives.
STAGE_WORDS = {
    "queue": "waiting in queues",
    "infer": "the network",
    "post": "upsampling and argmax",
    "sink": "drawing and writing",
}


def verdict(bundle: Json) -> tuple[str, str, str]:
    """Return (good | bad | doubt, headline, explanation) of the bundle's gate."""
    gate = bundle.get("gate") or {}
    kind = gate.get("verdict", "ungated")
    if kind == "ungated":
        return (
            "doubt",
            "Not gated",
            "No gate has judged its masks; it streams only with --allow-ungated.",
        )
    headline = "Passed its gate" if kind == "pass" else "Failed its gate"
    return ("good" if kind == "pass" else "bad"), headline, _gate_words(bundle, gate)


def _gate_words(bundle: Json, gate: Json) -> str:
    where = f"{gate.get('frames', '?')} {gate.get('split', '')} frames of {gate.get('data', 'its data')}"
    if gate.get("metric") == "agreement":
        agreement = percent(gate.get("agreement"), 2)
        return f"Its masks agree with fp32 on {agreement} of the pixels ({where}, no labels)."
    if bundle.get("precision") != "int8":
        return f"It reaches {percent(shipped_miou(bundle))} mean IU on {where}."
    words = (
        f"INT8 reaches {percent(gate.get('int8_miou'))} mean IU where fp32 reaches "
        f"{percent(gate.get('fp32_miou'))} on {where}: {_change(gate.get('drop'))}, "
        f"where {points(gate.get('max_drop'))} less were allowed."
    )
    worst = gate.get("worst_class") or {}
    if worst.get("name") and (worst.get("drop") or 0) > 0:
        words += f" The class that loses most is {worst['name']} ({points(worst['drop'])})."
    return words


def shipped_miou(bundle: Json) -> float | None:
    """Return the mean IU of the engine in the bundle, as its gate measured it.

    The gate's two scores are the network before and after compilation, whatever the precision.
    """
    return (bundle.get("gate") or {}).get("int8_miou")


def _change(drop: float | None) -> str:
    if drop is None:
        return "the change is unknown"
    if abs(drop) < 0.00005:
        return "no change"
    return f"{points(abs(drop))} {'less' if drop > 0 else 'more'}"


def points(fraction: float | None) -> str:
    """Return a difference of two fractions in percentage points."""
    if fraction is None:
        return "an unknown amount"
    digits = 2 if abs(fraction) < 0.0095 else 1
    return f"{100 * fraction:.{digits}f} points"


def lead(report: Json) -> str:
    """Return the opening sentences: how fast, how that compares, where the time goes."""
    first = report["bundles"][0]
    total = first["latency_ms"]["total"]
    high = next((key for key in ("p99", "p90") if total.get(key) is not None), None)
    where = device_words(report["device"])
    words = f"On {where}, half of all frames become a mask within {number(total['p50'])} ms"
    if high:
        words += f" and {high[1:]} % within {number(total[high])} ms"
    words += ". " + " ".join(compare(first, other) for other in report["bundles"][1:])
    return f"{words.strip()} {most_of_the_time(first)}".strip()


def compare(first: Json, other: Json) -> str:
    """Return one sentence on how much faster `first` is than `other`, from the same interleaved run."""
    ratio = paired_ratio(_totals(other), _totals(first))
    low, middle, high = ratio["min"], ratio["median"], ratio["max"]
    if low <= 1.0 <= high or abs(middle - 1.0) < 0.02:
        verdict = ": INT8 is not worth it here" if _int8_beside_float(first, other) else ""
        return f"{other['name']} is as fast, within the noise of this run{verdict}."
    if middle > 1.0:
        return f"{other['name']} takes {middle:.2f} times as long ({low:.2f} to {high:.2f} over the rounds)."
    worthless = "INT8" if _int8_beside_float(first, other) else first["name"]
    verdict = f"{worthless} is not worth it here"
    return f"{other['name']} takes only {middle:.2f} of the time ({low:.2f} to {high:.2f}): {verdict}."


def _int8_beside_float(first: Json, other: Json) -> bool:
    return first.get("precision") == "int8" and other.get("precision") in ("fp32", "fp16")


def _totals(bundle: Json) -> list[list[float]]:
    return [one["samples_ms"]["total"] for one in bundle["rounds"]]


def most_of_the_time(bundle: Json) -> str:
    """Return one sentence naming the stage that takes the largest share of a frame's time."""
    means = {stage: bundle["latency_ms"][stage].get("mean") or 0.0 for stage in STAGE_WORDS}
    whole = sum(means.values())
    if not whole:
        return ""
    stage = max(means, key=lambda name: means[name])
    words = STAGE_WORDS[stage]
    return f"{words[0].upper()}{words[1:]} takes {means[stage] / whole:.0%} of a frame's time."


def device_words(device: Json) -> str:
    """Return the machine in a few words: processor, cores and its INT8 instructions."""
    cores = device.get("cores")
    plural = "core" if cores == 1 else "cores"
    kind = device.get("int8") or device.get("arch") or "unknown instructions"
    return f"{cores} {plural} of {device.get('cpu', 'an unknown processor')} ({kind})"
