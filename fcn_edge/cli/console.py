"""What a command prints: one JSON object or a text for people on stdout, everything else on stderr."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any


def print_any_character() -> None:
    """Have stdout write what its encoding lacks as \\uXXXX: a class name must not end a command."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def note(text: str) -> None:
    """Tell the user how the work goes (stderr, so that --json output stays one object)."""
    print(text, file=sys.stderr, flush=True)


def emit(result: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print the result: as one JSON object with --json, else as text for people."""
    print(json.dumps(result, indent=2, allow_nan=False) if as_json else text)


def table(rows: Iterable[Sequence[str]], head: Sequence[str]) -> str:
    """Return rows as aligned plain text under a heading line (first column left, others right)."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(head), *cells]) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        first, *rest = zip(row, widths, strict=True)
        return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]).rstrip()

    return "\n".join([line(head), line(["-" * width for width in widths]), *map(line, cells)])


def percent(fraction: float | None) -> str:
    """Return a fraction 0..1 as "12.3 %", or "-" where there is none."""
    return "-" if fraction is None else f"{100 * fraction:.1f} %"


def metrics_text(metrics: dict[str, Any]) -> str:
    """Return the four metrics of the FCN paper and the per-class IU as text; an unscored run has none."""
    if not metrics:
        return "not scored: the data has no labelled val split"
    head = (
        f"mean IU {percent(metrics['miou'])}   pixel accuracy {percent(metrics['pixel_accuracy'])}   "
        f"mean accuracy {percent(metrics['mean_accuracy'])}   f.w. IU {percent(metrics['fw_iou'])}   "
        f"({metrics['frames']} frames)"
    )
    rows = [(name, percent(value)) for name, value in metrics["class_iou"].items()]
    return head + "\n\n" + table(rows, ("class", "IU"))
