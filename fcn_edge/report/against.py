"""Other runtimes on the same network, beside ours."""

from __future__ import annotations

from typing import Any

from fcn_edge.report import charts
from fcn_edge.report.html import columns, figure, number, paragraph, percent, section, table

Json = dict[str, Any]


def against_section(report: Json) -> str:
    """Return the section on rivals; empty when none took part."""
    against = report.get("against")
    if not against:
        return ""
    rivals = sorted(against["rivals"], key=lambda one: one["latency_ms"]["p50"] or 0.0)
    rows = [
        [
            one["name"],
            number(one["latency_ms"]["p50"], 2),
            _ratio(one["times_ours"]),
            percent(one["same_pixels_as_ours"], 2),
            f"{one.get('version', '')}: {one['settings']}".removeprefix(": "),
        ]
        for one in rivals
    ]
    heads = ["Runtime", "p50, ms", "times ours (rounds)", "same pixels", "how it is set up"]
    absent = " ".join(f"{name} is left out, {why}." for name, why in against["absent"].items())
    return section(
        "Against other runtimes",
        paragraph(_verdict(rivals)),
        columns(_bars(against["ours_ms"]["p50"], rivals)),
        table("From frame to mask, in the same rounds as ours", heads, rows, words=(0, 4)) if rows else "",
        paragraph(absent, "soft") if absent else "",
    )


def _verdict(rivals: list[Json]) -> str:
    """Return in words who is faster than we are, or by how much the best rival is slower."""
    if not rivals:
        return "No other runtime could run this network here."
    differing = [one["name"] for one in rivals if not one.get("agrees", True)]
    if differing:
        alike = [one for one in rivals if one["name"] not in differing]
        return f"{_verdict(alike)} Not counted, because the masks differ: {', '.join(differing)}."
    faster = [one["name"] for one in rivals if one["times_ours"]["max"] < 1.0]
    if faster:
        return f"Faster than ours in every round: {', '.join(faster)}."
    best = min(rivals, key=lambda one: one["times_ours"]["median"])
    return f"The fastest other, {best['name']}, takes {best['times_ours']['median']:.2f} times our time."


def _ratio(ratio: Json) -> str:
    return f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})"


def _bars(ours: float | None, rivals: list[Json]) -> str:
    entries = [("ours", ours or 0.0), *((one["name"], one["latency_ms"]["p50"] or 0.0) for one in rivals)]
    slowest = max(value for _, value in entries)
    left = 8 + 7.0 * max(len(name) for name, _ in entries)
    frame = charts.Frame(left, 4, charts.WIDTH - 46, 4 + 24 * len(entries))
    x = charts.linear(0, slowest, frame.left, frame.right)
    parts = []
    for row, (name, value) in enumerate(entries):
        y = frame.top + 24 * row
        parts.append(charts.label(left - 8, y + 14, name, "strong" if name == "ours" else "", "end"))
        parts.append(charts.bar(x(0), y + 2, x(value) - x(0), 17, "s0" if name == "ours" else "s6"))
        parts.append(charts.label(x(value) + 5, y + 15, f"{value:.1f}", "tick"))
    parts.append(charts.x_axis(frame, x, charts.ticks(0, slowest, 5), "milliseconds, p50 from frame to mask"))
    words = "; ".join(f"{name} {value:.2f} ms" for name, value in entries)
    drawing = charts.svg(frame.bottom + 40, "Latency of the runtimes", f"{words}.", parts)
    return figure(drawing, "Median time from a frame in memory to its mask; shorter is better.")
