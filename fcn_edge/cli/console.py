"""What a command prints: one JSON object or a text for people on stdout, everything else on stderr."""

from __future__ import annotations

import errno
import io
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from fcn_edge.ground.errors import FcnEdgeError


def print_any_character() -> None:
    """Have stdout write what its encoding lacks as \\uXXXX: a class name must not end a command."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def note(text: str) -> None:
    """Tell the user how the work goes (stderr, so that --json output stays one object).

    A full or closed stderr loses the line and nothing else; a reader that left ends the command.
    """
    if sys.stderr is None:
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except BrokenPipeError:
        raise
    except OSError:
        pass


def emit(result: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print the result: as one JSON object with --json, else as text for people.

    Raises FcnEdgeError where stdout is full or closed: the result is lost.
    """
    show(json.dumps(result, indent=2, allow_nan=False) if as_json else text)


def show(text: str) -> None:
    """Print a line on stdout, through to the file behind it; FcnEdgeError where that is full or closed."""
    if sys.stdout is None:
        raise lost(OSError(errno.EBADF, ""))
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise lost(error) from error


def lost(error: OSError) -> FcnEdgeError:
    """Return the error for output that nobody gets."""
    why = "it is closed" if error.errno == errno.EBADF else error.strerror or str(error)
    return FcnEdgeError(f"cannot write to standard output: {why}")


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
