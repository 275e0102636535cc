"""Latency of the bundles: distribution, stages and the numbers behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

from fcn_edge.report import charts
from fcn_edge.report.charts import Frame
from fcn_edge.report.html import NONE, columns, figure, number, paragraph, section, table
from fcn_edge.report.words import STAGE_WORDS

Json = dict[str, Any]
BINS = 48
COLUMNS = ("p50", "p90", "p99", "p999", "max")
HEADS = {"p999": "p99.9"}
COLOURS = {"queue": "s6", "infer": "s2", "post": "s3", "sink": "s4"}  # not those of the first two bundles


def latency_section(report: Json) -> str:
    """Return the whole section on time."""
    bundles = report["bundles"]
    return section(
        "Latency",
        paragraph(_how(report)),
        columns(_histogram(bundles), _distribution(bundles)),
        _totals_table(bundles),
        _stages(bundles),
        columns(*[_stage_table(bundle) for bundle in bundles]),
    )


def samples(bundle: Json, stage: str = "total") -> np.ndarray:
    """Return all samples of a stage over the rounds, in milliseconds."""
    return np.concatenate([np.asarray(one["samples_ms"][stage], dtype=float) for one in bundle["rounds"]])


def _how(report: Json) -> str:
    method = report["method"]
    frames = len(samples(report["bundles"][0]))
    together = f", bundles taking turns in {method['rounds']} rounds" if len(report["bundles"]) > 1 else ""
    return (
        "From the moment a frame is in memory to the moment its result has left the sink, "
        f"one frame at a time, {frames} frames a bundle{together}, {method['warmup']} warm-up frames "
        f"thrown away before each round. Source: {method['source']}."
    )


def _span(bundles: list[Json]) -> tuple[float, float]:
    """Return the range of milliseconds to draw: all but the slowest half percent."""
    everything = [samples(bundle) for bundle in bundles]
    low = min(float(one.min()) for one in everything)
    high = max(float(np.quantile(one, 0.995)) for one in everything)
    margin = max(0.05 * (high - low), 0.02 * high, 0.01)
    return max(0.0, low - margin), high + margin


def _histogram(bundles: list[Json]) -> str:
    low, high = _span(bundles)
    edges = np.linspace(low, high, BINS + 1)
    counts = [np.histogram(samples(bundle), edges)[0] / len(samples(bundle)) for bundle in bundles]
    key, top = charts.legend(14, _entries(bundles))
    frame = Frame(40, top + 8, charts.WIDTH - 6, top + 190)
    x = charts.linear(low, high, frame.left, frame.right)
    tallest = max(float(one.max()) for one in counts)
    y = charts.linear(0, tallest * 1.08, frame.bottom, frame.top)
    parts = [key, charts.y_grid(frame, y, [(v, f"{100 * v:.3g} %") for v in charts.ticks(0, tallest, 4)])]
    for index, heights in enumerate(counts):
        outline = [(x(edges[0]), frame.bottom)]
        for left, right, value in zip(edges[:-1], edges[1:], heights, strict=True):
            outline += [(x(left), y(value)), (x(right), y(value))]
        parts.append(charts.path([*outline, (x(edges[-1]), frame.bottom)], f"a{index % 6}"))
    parts.append(charts.x_axis(frame, x, charts.ticks(low, high), "milliseconds from frame to result"))
    words = _distribution_words(bundles)
    return figure(
        charts.svg(frame.bottom + 40, "How often each latency occurred", words, parts), _beyond(bundles, high)
    )


def _distribution(bundles: list[Json]) -> str:
    """Return the cumulative distribution, its upper part stretched so that the tail can be read."""
    low, high = _span(bundles)
    high = max(high, *(float(np.quantile(samples(bundle), 0.999)) for bundle in bundles))
    key, top = charts.legend(14, _entries(bundles))
    frame = Frame(48, top + 8, charts.WIDTH - 6, top + 190)
    x = charts.linear(low, high, frame.left, frame.right)
    y = charts.tail(frame.bottom, frame.top)
    shares = [(0.0, "0 %"), (0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %")]
    parts = [key, charts.y_grid(frame, y, shares)]
    for index, bundle in enumerate(bundles):
        parts.append(charts.path(_steps(samples(bundle), x, y, frame), f"l{index % 6}"))
    parts.append(charts.x_axis(frame, x, charts.ticks(low, high), "milliseconds from frame to result"))
    drawing = charts.svg(
        frame.bottom + 40, "Share of frames finished in time", _distribution_words(bundles), parts
    )
    return figure(
        drawing,
        "Share of frames finished within a time; each line upwards leaves a tenth of the late frames.",
    )


def _steps(values: np.ndarray, x: charts.Scale, y: charts.Scale, frame: Frame) -> list[tuple[float, float]]:
    ordered = np.sort(values)
    shares = np.arange(1, ordered.size + 1) / ordered.size
    points = [(x(float(ordered[0])), frame.bottom)]
    for value, share in zip(ordered, shares, strict=True):
        spot = (min(x(float(value)), frame.right), y(float(share)))
        if abs(spot[0] - points[-1][0]) + abs(spot[1] - points[-1][1]) > 0.8:
            points.append(spot)
        if spot[1] <= frame.top:  # beyond 99.9 %
            break
    return points


def _distribution_words(bundles: list[Json]) -> str:
    return " ".join(
        f"{bundle['name']}: half of the frames within {number(bundle['latency_ms']['total']['p50'], 2)} ms, "
        f"99 % within {number(bundle['latency_ms']['total']['p99'], 2)} ms, "
        f"slowest {number(bundle['latency_ms']['total']['max'], 2)} ms."
        for bundle in bundles
    )


def _beyond(bundles: list[Json], high: float) -> str:
    late = ", ".join(
        f"{int((samples(b) > high).sum())} of {b['name']}" for b in bundles if (samples(b) > high).any()
    )
    text = "How often each latency occurred."
    return f"{text} Not drawn, slower than {high:.0f} ms: {late}." if late else text


def _entries(bundles: list[Json]) -> list[tuple[str, str]]:
    return [(f"s{index % 6}", bundle["name"]) for index, bundle in enumerate(bundles)]


def _totals_table(bundles: list[Json]) -> str:
    heads = [
        "Bundle",
        *(HEADS.get(c, c) for c in COLUMNS),
        "95 % of p50",
        "frames/s",
        "in flight",
        "memory",
        "start",
    ]
    rows = [
        [
            bundle["name"],
            *(number(bundle["latency_ms"]["total"].get(c), 2) for c in COLUMNS),
            _interval(bundle),
            number(bundle.get("fps")),
            number(bundle.get("pipelined_fps")),
            number(bundle.get("rss_mb"), 0, " MB"),
            number(bundle.get("start_ms"), 0, " ms"),
        ]
        for bundle in bundles
    ]
    return table(
        "Milliseconds from frame to result; frames/s one at a time, and with frames in flight", heads, rows
    )


def _interval(bundle: Json) -> str:
    pair = (bundle.get("interval_ms") or {}).get("total", {}).get("p50")
    return f"{pair[0]:.2f} to {pair[1]:.2f}" if pair else NONE


def _stages(bundles: list[Json]) -> str:
    """Return one stacked bar a bundle: the mean time of each stage, which add up to the mean of the whole."""
    means = [{s: bundle["latency_ms"][s].get("mean") or 0.0 for s in STAGE_WORDS} for bundle in bundles]
    longest = max(sum(one.values()) for one in means)
    if longest <= 0:
        return ""
    key, top = charts.legend(14, [(COLOURS[stage], stage) for stage in STAGE_WORDS])
    frame = Frame(0, top, charts.WIDTH - 2, top + 54 * len(bundles))
    x = charts.linear(0, longest, frame.left, frame.right)
    parts = [key]
    for row, (bundle, one) in enumerate(zip(bundles, means, strict=True)):
        parts.append(_stacked(bundle["name"], one, x, top + 14 + 54 * row))
    parts.append(charts.x_axis(Frame(0, 0, frame.right, frame.bottom + 6), x, charts.ticks(0, longest), "ms"))
    words = " ".join(
        f"{b['name']}: " + ", ".join(f"{s} {v:.2f} ms" for s, v in one.items()) + "."
        for b, one in zip(bundles, means, strict=True)
    )
    drawing = charts.svg(frame.bottom + 44, "Mean time of each stage", words, parts)
    explained = "; ".join(f"{stage}: {meaning}" for stage, meaning in STAGE_WORDS.items())
    return figure(drawing, f"Where a frame's time goes, on average ({explained}).")


def _stacked(name: str, means: dict[str, float], x: charts.Scale, y: float) -> str:
    parts = [charts.label(0, y, f"{name}  {sum(means.values()):.1f} ms", "strong")]
    start = 0.0
    for stage, value in means.items():
        width = x(start + value) - x(start)
        if value > 0:
            parts.append(charts.bar(x(start), y + 5, width, 20, COLOURS[stage]))
        if width > 34:
            parts.append(charts.label(x(start) + width / 2, y + 19, f"{value:.1f}", "in", "middle"))
        start += value
    return "".join(parts)


def _stage_table(bundle: Json) -> str:
    rows = [
        [stage, *(number(bundle["latency_ms"][stage].get(c), 2) for c in COLUMNS)]
        for stage in ("capture", *STAGE_WORDS, "total")
    ]
    return table(
        f"{bundle['name']}: milliseconds of each stage; capture, reading the frame, is not in the total",
        ["Stage", *(HEADS.get(c, c) for c in COLUMNS)],
        rows,
    )
