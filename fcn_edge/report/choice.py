"""Which bundle to take: accuracy against latency, and the best one within the time a camera leaves."""

from __future__ import annotations

from typing import Any

from fcn_edge.report import charts
from fcn_edge.report.html import columns, figure, number, paragraph, percent, section, table
from fcn_edge.report.words import shipped_miou

Json = dict[str, Any]
CAMERAS = {60: 1000 / 60, 30: 1000 / 30, 15: 1000 / 15}  # frames/s -> milliseconds between two frames


def choice_section(report: Json) -> str:
    """Return accuracy against latency of all bundles; empty when fewer than two have a mean IU."""
    points = candidates(report)
    if len(points) < 2:
        return ""
    about = {one["name"]: _about(one) for one in report["bundles"]}
    rows = [
        [
            name,
            about[name],
            percent(miou, 2),
            number(p50, 2),
            number(tail, 2),
            "yes" if best else "no: another is faster and no worse",
        ]
        for name, miou, p50, tail, best in points
    ]
    heads = ["Bundle", "what it is", "mean IU", "p50, ms", "p99, ms", "worth taking"]
    limits = {f"At {rate} frames/s ({limit:.1f} ms a frame)": limit for rate, limit in CAMERAS.items()}
    limits |= {f"Under {one['limit_ms']:g} ms": one["limit_ms"] for one in report.get("budget") or []}
    chosen = " ".join(best_within(points, words, limit) for words, limit in limits.items())
    return section(
        "Which one to take",
        paragraph(chosen),
        columns(_scatter(points)),
        table("Accuracy against latency", heads, rows, words=(0, 1, 5)),
    )


def _about(bundle: Json) -> str:
    """Return what sets a bundle apart: precision, frame size, form of its upsampling, engine."""
    layers = (bundle.get("surgery") or {}).get("layers") or []
    forms = sorted({"learned" if layer["chosen"] == "keep" else layer["chosen"] for layer in layers})
    size = f"{bundle['input']['height']}x{bundle['input']['width']}"
    parts = [bundle.get("precision"), size, " and ".join(forms), bundle.get("target")]
    return ", ".join(part for part in parts if part)


Candidate = tuple[str, float, float, float | None, bool]  # name, mean IU, p50, p99, on the Pareto front


def candidates(report: Json) -> list[Candidate]:
    """Return every bundle that has a mean IU, and whether no other is both faster and at least as good."""
    known = [
        (one["name"], miou, one["latency_ms"]["total"]["p50"], one["latency_ms"]["total"]["p99"])
        for one in report["bundles"]
        if (miou := shipped_miou(one)) is not None
    ]
    return [(*one, not any(_beats(other, one) for other in known)) for one in known]


def _beats(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Return whether `one` is no worse in both and better in one."""
    return one[1] >= other[1] and one[2] <= other[2] and (one[1], one[2]) != (other[1], other[2])


def best_within(points: list[Candidate], words: str, limit_ms: float) -> str:
    """Return in words the most accurate bundle whose p99 (p50 without one) is within `limit_ms`.

    words: the limit as the sentence is to name it.
    """
    within = [one for one in points if (one[3] or one[2]) <= limit_ms]
    if not within:
        return f"{words} none of them keeps up."
    name, miou, *_ = max(within, key=lambda one: (one[1], -one[2]))
    return f"{words} take {name}, {percent(miou)} mean IU."


def _scatter(points: list[Candidate]) -> str:
    frame = charts.Frame(44, 10, charts.WIDTH - 14, 210)
    slowest = max(one[2] for one in points)
    low, high = min(one[1] for one in points), max(one[1] for one in points)
    margin = max(0.25 * (high - low), 0.005)
    x = charts.linear(0, slowest * 1.12, frame.left, frame.right)
    y = charts.linear(low - margin, high + margin, frame.bottom, frame.top)
    grid = [(v, f"{100 * v:.4g} %") for v in charts.ticks(low - margin, high + margin, 4)]
    parts = [charts.y_grid(frame, y, grid)]
    front = sorted((one[2], one[1]) for one in points if one[4])
    parts.append(charts.path([(x(ms), y(miou)) for ms, miou in front], "mark"))
    for index, (name, miou, p50, *_) in enumerate(points):
        parts.append(charts.dot(x(p50), y(miou), f"s{index % 6}"))
        end = x(p50) > charts.WIDTH / 2
        parts.append(
            charts.label(x(p50) + (-9 if end else 9), y(miou) - 8, name, "halo", "end" if end else "start")
        )
    parts.append(
        charts.x_axis(frame, x, charts.ticks(0, slowest * 1.12), "milliseconds, p50 from frame to result")
    )
    words = " ".join(f"{name}: {percent(miou)} mean IU at {p50:.1f} ms." for name, miou, p50, *_ in points)
    drawing = charts.svg(frame.bottom + 40, "Accuracy against latency", words, parts)
    return figure(drawing, "Further up and further left is better; the dashed line joins those worth taking.")
