"""The report for other readers: Markdown for people and pull requests, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from fcn_edge.report.html import number, percent
from fcn_edge.report.words import device_words, lead, shipped_miou, verdict

Json = dict[str, Any]
STAGES = ("capture", "queue", "infer", "post", "sink", "total")
PERCENTILES = ("p50", "p90", "p99", "p999", "max")
HEADS = ("Bundle", *(f"{key} ms" for key in PERCENTILES), "frames/s", "memory", "mean IU", "gate")


def markdown(report: Json) -> str:
    """Return the report's numbers and sentences as Markdown."""
    bundles = report["bundles"]
    notes = [f"{one['name']}: {verdict(one)[2]}" for one in bundles]
    notes += [one["sentence"] for key in ("budget", "changes") for one in report.get(key) or []]
    notes += [f"Warning: {one['message']}; {one['remedy']}" for one in report.get("warnings", [])]
    lines = [
        f"# {' and '.join(one['name'] for one in bundles)}",
        "",
        lead(report),
        "",
        *_table([HEADS, ["---", *["---:"] * (len(HEADS) - 1)], *map(_row, bundles)]),
        "",
        *(f"- {note}" for note in notes),
        "",
        _origin(report),
    ]
    return "\n".join(lines) + "\n"


def _row(bundle: Json) -> list[str]:
    return [
        bundle["name"],
        *(number(bundle["latency_ms"]["total"].get(key), 2) for key in PERCENTILES),
        number(bundle.get("fps")),
        number(bundle.get("rss_mb"), 0, " MB"),
        percent(shipped_miou(bundle)),
        verdict(bundle)[1],
    ]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]


def _origin(report: Json) -> str:
    origin = report.get("provenance") or {}
    made = f"{origin.get('created', '')}, commit {origin.get('git') or 'unknown'}"
    return f"Measured on {device_words(report['device'])}, {made}, with `{origin.get('command', '')}`."


def spreadsheet(report: Json) -> str:
    """Return CSV with a line for each stage of each bundle, in milliseconds; empty where not known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    keys = (*PERCENTILES, "mean")
    writer.writerow(("bundle", "precision", "height", "width", "stage", *(f"{key}_ms" for key in keys)))
    for one in report["bundles"]:
        about = (one["name"], one["precision"], one["input"]["height"], one["input"]["width"])
        for stage in STAGES:
            values = [one["latency_ms"][stage].get(key) for key in keys]
            writer.writerow((*about, stage, *("" if v is None else f"{v:.4f}" for v in values)))
    return text.getvalue()
