"""What the sections of docs/benchmarks.md share: Markdown tables, and the line on machine and versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def machine(result: Json) -> str:
    """Return the machine, the versions, the commit and the command of a result."""
    device, during = result["device"], result["device"]["during_the_run"]
    versions = ", ".join(f"{name} {version}" for name, version in device["versions"].items())
    steal = f"{during['steal']:.2%}" if during.get("steal") is not None else "unknown"
    busy = during.get("busy_others") or 0.0
    noisy = f" **{busy:.0%} of the processor was in use by others when it began.**" if busy > 0.15 else ""
    return (
        f"{device['cores']} cores of {device['cpu']} ({device['int8']}), {device['memory_gb']} GB, "
        f"{device['os']}; {versions}; commit {result['commit']}; stolen time {steal}. "
        f"Command: `{result['provenance']['command']}`.{noisy}"
    )


def ratio(value: Json) -> str:
    """Return a ratio of rounds: the median, the lowest and the highest."""
    return f"x{value['median']:.2f}, {value['min']:.2f} to {value['max']:.2f}"


def size(row: Json) -> str:
    """Return height x width."""
    return f"{row['size'][0]}x{row['size'][1]}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """Return a table whose first `words` columns are text and all others numbers."""
    rule = [*["---"] * words, *["---:"] * (len(heads) - words)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))


def section(title: str, *parts: str) -> str:
    """Return a section; parts that are empty are left out."""
    return "\n\n".join([f"## {title}", *(part for part in parts if part)])
