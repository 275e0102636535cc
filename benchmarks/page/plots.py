"""Drawings for docs/benchmarks.md: SVG files that follow light and dark, with their meaning in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fcn_edge.ground.artifacts import atomic_write_text
from fcn_edge.report import charts

FOLDER = Path("docs/img")
STYLE = """<style>
svg { font: 12px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; background: #fff; }
text { fill: #191c1f; } .tick { fill: #5a6168; font-size: 11px; } .axis { stroke: #5a6168; }
.grid { stroke: #dcdfe0; } .mark { fill: none; stroke: #5a6168; stroke-width: 1.4; stroke-dasharray: 5 3; }
.l0, .l1, .l2, .l3 { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.s0 { fill: #0072b2; } .s1 { fill: #e69f00; } .s2 { fill: #009e73; } .s3 { fill: #cc79a7; }
.l0 { stroke: #0072b2; } .l1 { stroke: #e69f00; stroke-dasharray: 7 3; } .l2 { stroke: #009e73; }
.l3 { stroke: #cc79a7; stroke-dasharray: 9 3 2 3; }
@media (prefers-color-scheme: dark) {
  svg { background: #14171a; } text { fill: #eceeef; } .tick { fill: #a4acb3; }
  .axis, .mark { stroke: #a4acb3; } .grid { stroke: #363d43; }
  .s0 { fill: #4aa8e8; } .s1 { fill: #f2b632; } .s2 { fill: #35c79b; } .s3 { fill: #e29cc4; }
  .l0 { stroke: #4aa8e8; } .l1 { stroke: #f2b632; } .l2 { stroke: #35c79b; } .l3 { stroke: #e29cc4; }
}
</style>"""
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Curve:
    """A named line through points, or with `dots` only the points."""

    name: str
    points: Points
    dots: bool = False


def logarithmic(low: float, high: float, start: float, end: float) -> charts.Scale:
    """Return the map of [low, high] to [start, end] that gives every factor of ten the same room."""
    straight = charts.linear(math.log10(low), math.log10(high), start, end)
    return lambda value: straight(math.log10(max(value, low)))


def decades(low: float, high: float, steps: Sequence[int] = (1, 2, 5)) -> list[float]:
    """Return the numbers 1, 2 and 5 times a power of ten inside [low, high]."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [v for p in powers for s in steps if low * 0.999 <= (v := round(s * 10.0**p, 10)) <= high * 1.001]


def draw(
    name: str,
    title: str,
    curves: Sequence[Curve],
    x_unit: str,
    y_unit: str,
    roofs: Sequence[tuple[float, float]] = (),
) -> str:
    """Write docs/img/NAME.svg, both axes logarithmic, and return the Markdown that shows it.

    roofs: pairs (peak, slope), each drawn as the line y = min(peak, slope * x).
    """
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points if y > 0]
    low, high = min(ys) / 1.3, max([*ys, *(peak for peak, _ in roofs)]) * 1.3
    left, right = (min(xs), max(xs)) if not roofs else (min(xs) / 1.5, max(xs) * 1.5)
    key, top = charts.legend(16, [(f"s{i % 4}", curve.name) for i, curve in enumerate(curves)])
    frame = charts.Frame(50, top + 16, charts.WIDTH - 14, top + 230)
    x = logarithmic(left, right, frame.left, frame.right)
    y = logarithmic(low, high, frame.bottom, frame.top)
    steps = (1, 2, 5) if high / low < 300 else (1,)
    parts = [STYLE, key, charts.label(0, top + 4, y_unit, "tick")]
    parts.append(charts.y_grid(frame, y, [(v, charts.tidy(v)) for v in decades(low, high, steps)]))
    for peak, slope in roofs:
        start = max(left, low / slope)
        bends = sorted({start, min(max(start, peak / slope), right), right})
        parts.append(charts.path([(x(at), y(min(peak, slope * at))) for at in bends], "mark"))
    for index, curve in enumerate(curves):
        spots = [(x(a), y(b)) for a, b in curve.points if b > 0]
        if not curve.dots:
            parts.append(charts.path(spots, f"l{index % 4}"))
        parts += [charts.dot(a, b, f"s{index % 4}") for a, b in spots]
    marks = sorted(set(xs)) if len(set(xs)) <= 8 and not roofs else decades(left, right)
    parts.append(charts.x_axis(frame, x, [round(v, 2) for v in marks], x_unit))
    words = " ".join(
        f"{curve.name}: " + ", ".join(f"{b:.3g} at {a:.3g}" for a, b in curve.points) + "."
        for curve in curves
    )
    drawing = charts.svg(frame.bottom + 40, title, words, parts)
    atomic_write_text(
        FOLDER / f"{name}.svg", drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"
    )
    return f"![{title}](img/{name}.svg)"
