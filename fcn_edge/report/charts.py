"""Small SVG charts: no script, no fonts, colours from the page's style sheet, so they follow light and dark.

Every chart is 400 units wide, which a phone shows at nearly full size, and carries a title and a description
that say in words what the drawing shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

from fcn_edge.report.html import text

WIDTH = 400

Scale = Callable[[float], float]


@dataclass(frozen=True)
class Frame:
    """The rectangle that data is drawn in, in SVG units."""

    left: float
    top: float
    right: float
    bottom: float


def svg(height: float, title: str, description: str, parts: Sequence[str]) -> str:
    """Return a drawing of WIDTH x height units with its text alternative."""
    own = f"c{crc32(''.join((title, description, *parts)).encode()):08x}"  # the same page every time
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-labelledby="{own}t {own}d">'
        f'<title id="{own}t">{text(title)}</title><desc id="{own}d">{text(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def linear(low: float, high: float, start: float, end: float) -> Scale:
    """Return the straight map from [low, high] to [start, end]."""
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def tail(start: float, end: float, deepest: float = 0.999) -> Scale:
    """Return the map of a share of frames that gives each further nine (90, 99, 99.9 %) the same room."""
    depth = -math.log10(1.0 - deepest)
    return lambda share: start + min(-math.log10(max(1.0 - share, 1e-12)), depth) / depth * (end - start)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers (1, 2 or 5 times a power of ten apart) inside [low, high]."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def tidy(value: float) -> str:
    """Return an axis number without needless zeros."""
    return f"{value:.6g}"


def label(x: float, y: float, words: object, kind: str = "", anchor: str = "start") -> str:
    """Return text at (x, y); anchor is start, middle or end."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{text(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """Return a straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def bar(x: float, y: float, width: float, height: float, kind: str) -> str:
    """Return a filled rectangle, at least half a unit wide so that a small value is still seen."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" class="{kind}"/>'
    )


def dot(x: float, y: float, kind: str) -> str:
    """Return a filled circle of radius 6."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" class="{kind}"/>'


def path(points: Sequence[tuple[float, float]], kind: str) -> str:
    """Return a polyline through the points."""
    return f'<path d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y in points)}" class="{kind}"/>'


def x_axis(frame: Frame, scale: Scale, values: Sequence[float], unit: str) -> str:
    """Return the lower axis: a base line, tick labels and the unit at the right end."""
    parts = [line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")]
    for value in values:
        x = scale(value)
        parts.append(line(x, frame.bottom, x, frame.bottom + 4, "axis"))
        parts.append(label(x, frame.bottom + 17, tidy(value), "tick", "middle"))
    parts.append(label(frame.right, frame.bottom + 33, unit, "tick", "end"))
    return "".join(parts)


def y_grid(frame: Frame, scale: Scale, values: Sequence[tuple[float, str]]) -> str:
    """Return horizontal grid lines with their labels at the left."""
    parts = []
    for value, words in values:
        y = scale(value)
        parts.append(line(frame.left, y, frame.right, y, "grid"))
        parts.append(label(frame.left - 6, y + 4, words, "tick", "end"))
    return "".join(parts)


def legend(y: float, entries: Sequence[tuple[str, str]]) -> tuple[str, float]:
    """Return a legend of (class, words) that wraps over lines, and the y below it."""
    parts, x = [], 0.0
    for kind, words in entries:
        width = 19 + 7.2 * len(words) + 14
        if x and x + width > WIDTH:
            x, y = 0.0, y + 19
        parts.append(f'<rect x="{x:.1f}" y="{y - 10:.1f}" width="13" height="13" rx="2" class="{kind}"/>')
        parts.append(label(x + 19, y + 1, words, "key"))
        x += width
    return "".join(parts), y + 18
