"""Reports made from the JSON of a measurement: a page, the JSON to make it from, Markdown and CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcn_edge.ground.artifacts import atomic_write_json, atomic_write_text
from fcn_edge.report.page import render
from fcn_edge.report.pictures import golden_pictures
from fcn_edge.report.plain import markdown, spreadsheet

__all__ = ["render", "write_report"]


def write_report(report: dict[str, Any], out: Path) -> Path:
    """Write report.html, .json, .md and .csv into the folder `out` and return the path of the page.

    Example frames are taken from the bundles, unless the report already holds some.
    """
    if "pictures" not in report:
        report = {**report, "pictures": golden_pictures(report["bundles"])}
    atomic_write_json(out / "report.json", report)
    atomic_write_text(out / "report.md", markdown(report))
    atomic_write_text(out / "report.csv", spreadsheet(report))
    return atomic_write_text(out / "report.html", render(report))
