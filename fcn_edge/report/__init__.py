"""Reports made from the JSON of a measurement: a page, the JSON to make it from, Markdown and CSV."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fcn_edge.bench.result import MAGIC
from fcn_edge.ground.apart import check_apart
from fcn_edge.ground.artifacts import PathLike, atomic_write_json, atomic_write_text, check_folder
from fcn_edge.ground.folders import check_names, read_record
from fcn_edge.report.page import render
from fcn_edge.report.pictures import golden_pictures
from fcn_edge.report.plain import markdown, spreadsheet

__all__ = ["check_report_folder", "render", "write_report"]

FILES = ("report.html", "report.json", "report.md", "report.csv")


def check_report_folder(out: Path, inputs: Iterable[PathLike | None] = (), flag: str = "--report") -> None:
    """Raise MisuseError where a report in the folder `out` would overwrite an input, or a foreign file."""
    check_folder(out, flag)
    check_apart(flag, out, inputs, names=FILES)
    check_names(out, FILES, "report", read_record(out / FILES[1]).get("magic") == MAGIC, flag)


def write_report(report: dict[str, Any], out: Path) -> Path:
    """Write report.html, .json, .md and .csv into the folder `out` and return the path of the page.

    Example frames are taken from the bundles, unless the report already holds some.
    """
    page, data, text, cells = (out / name for name in FILES)
    if "pictures" not in report:
        report = {**report, "pictures": golden_pictures(report["bundles"])}
    atomic_write_json(data, report)
    atomic_write_text(text, markdown(report))
    atomic_write_text(cells, spreadsheet(report))
    return atomic_write_text(page, render(report))
