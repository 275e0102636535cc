"""The page: its sections in the order in which a reader asks."""

from __future__ import annotations

from importlib.resources import files
from string import Template
from typing import Any

from fcn_edge.report.accuracy import accuracy_section
from fcn_edge.report.against import against_section
from fcn_edge.report.choice import choice_section
from fcn_edge.report.html import NONE, number, percent, text
from fcn_edge.report.latency import latency_section
from fcn_edge.report.method import (
    bundles_section,
    device_section,
    judgement_section,
    reproduce_section,
    steps_section,
    warnings_section,
)
from fcn_edge.report.pictures import pictures_section
from fcn_edge.report.surgery import surgery_section
from fcn_edge.report.words import lead, points, shipped_miou, verdict

Json = dict[str, Any]
MARKS = {"good": "✓", "bad": "✕", "doubt": "?"}


def render(report: Json) -> str:
    """Return the report as one HTML document that needs nothing else."""
    body = "\n".join(
        (
            _header(report),
            judgement_section(report),
            latency_section(report),
            warnings_section(report),
            accuracy_section(report),
            choice_section(report),
            against_section(report),
            pictures_section(report),
            surgery_section(report),
            bundles_section(report),
            steps_section(report),
            device_section(report),
            reproduce_section(report),
        )
    )
    here = files("fcn_edge.report")
    return Template((here / "template.html").read_text("utf-8")).substitute(
        title=text(f"{_title(report)}: latency and accuracy"),
        style=(here / "style.css").read_text("utf-8").strip(),
        body=body,
        footer="Made by fcn-edge. This page needs no network and no script.",
    )


def _title(report: Json) -> str:
    return report.get("title") or " and ".join(bundle["name"] for bundle in report["bundles"])


def _header(report: Json) -> str:
    first = report["bundles"][0]
    made = (report.get("provenance") or {}).get("created", "")[:10]
    size = f"{first['input']['height']}x{first['input']['width']}"
    about = f"fcn-edge report · {len(first['classes'])} classes at {size}"
    tone, headline, words = verdict(first)
    return (
        f'<header>\n<p class="eyebrow">{text(about)} · <time>{text(made)}</time></p>\n'
        f"<h1>{text(_title(report))}</h1>\n"
        f'<p class="lead">{text(lead(report))}</p>\n'
        f'<div class="verdict {tone}"><span class="mark" aria-hidden="true">{MARKS[tone]}</span>'
        f"<b>{text(headline)}</b><span>{text(words)}</span></div>\n{_tiles(report)}\n</header>"
    )


def _tiles(report: Json) -> str:
    first = report["bundles"][0]
    total = first["latency_ms"]["total"]
    tail = next((key for key in ("p99", "p90") if total.get(key) is not None), "max")
    score, note = _score(report, first)
    tiles = [
        ("Typical latency (p50)", number(total["p50"]), "ms", "frame in to result out"),
        (
            f"Worst usual latency ({tail})",
            number(total[tail]),
            "ms",
            f"slowest of all: {number(total['max'])} ms",
        ),
        ("Throughput", number(first.get("pipelined_fps") or first["fps"]), "frames/s", _in_flight(first)),
        ("Mean IU", score, "", note),
    ]
    cells = [
        f"<div><dt>{text(name)}</dt><dd>{text(value)} <small>{text(unit)}</small></dd>"
        f'<dd class="note">{text(more)}</dd></div>'
        for name, value, unit, more in tiles
    ]
    return f'<dl class="tiles">{"".join(cells)}</dl>'


def _in_flight(bundle: Json) -> str:
    if bundle.get("pipelined_fps") is None:
        return "one frame at a time"
    return f"frames in flight; {number(bundle['fps'])} one at a time"


def _score(report: Json, bundle: Json) -> tuple[str, str]:
    """Return the mean IU to show on top and where it was measured: the clip, else the gate's split."""
    if report.get("clip"):
        return percent(report["clip"]["miou"]), "C++ masks against the clip's ground truth"
    gate = bundle.get("gate") or {}
    reached = shipped_miou(bundle)
    if reached is None:
        return NONE, "not measured"
    change = f"; INT8 costs {points(gate['drop'])}" if bundle.get("precision") == "int8" else ""
    return percent(reached), f"on {gate.get('data')} {gate.get('split')}{change}"
