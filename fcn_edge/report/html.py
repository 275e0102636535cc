"""The few pieces of HTML that the report is made of. Everything that goes in as text is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

NONE = "–"  # shown where there is no number
PHONE_CHARACTERS = 46  # what fits on a line of 390 px


def text(value: object) -> str:
    """Return `value` as escaped text."""
    return escape(str(value))


def number(value: float | None, digits: int = 1, unit: str = "") -> str:
    """Return a number with a fixed count of decimals and its unit, or a dash."""
    if value is None:
        return NONE
    return f"{value:.{digits}f}{unit}"


def percent(value: float | None, digits: int = 1) -> str:
    """Return a fraction as a percentage, or a dash."""
    return NONE if value is None else f"{100 * value:.{digits}f} %"


def section(title: str, *parts: str) -> str:
    """Return a section with a heading and an anchor made of its title; nothing when it has no parts."""
    body = "\n".join(part for part in parts if part)
    if not body:
        return ""
    anchor = "".join(c if c.isalnum() else "-" for c in title.lower())
    return f'<section aria-labelledby="{anchor}">\n<h2 id="{anchor}">{text(title)}</h2>\n{body}\n</section>'


def paragraph(words: str, kind: str = "") -> str:
    """Return a paragraph of plain text."""
    attribute = f' class="{kind}"' if kind else ""
    return f"<p{attribute}>{text(words)}</p>"


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[object]], *, words: Sequence[int] = (0,)
) -> str:
    """Return a table; columns in `words` hold text, all others numbers. The first heads its row.

    A table too wide for a phone becomes there a list of rows, each cell with its column's name before it.
    """
    rows = list(rows)
    if not rows:
        return ""
    header = "".join(f'<th scope="col"{_align(i, words)}>{text(name)}</th>' for i, name in enumerate(head))
    lines = [
        "<tr>" + "".join(_cell(i, head[i], v, words) for i, v in enumerate(row)) + "</tr>" for row in rows
    ]
    kind = ' class="stack"' if _characters(head, rows) > PHONE_CHARACTERS else ""
    return (
        f"<table{kind}><caption>{text(caption)}</caption>\n<thead><tr>{header}</tr></thead>\n"
        f"<tbody>\n{chr(10).join(lines)}\n</tbody></table>"
    )


def _characters(head: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
    """Return how many characters wide the table is, counting two between columns."""
    return sum(max(len(str(row[i])) for row in (head, *rows)) + 2 for i in range(len(head)))


def _cell(index: int, name: str, value: object, words: Sequence[int]) -> str:
    if index == 0:
        return f'<th scope="row">{text(value)}</th>'
    return f'<td data-name="{text(name)}"{_align(index, words)}>{text(value)}</td>'


def _align(index: int, words: Sequence[int]) -> str:
    return "" if index in words else ' class="n"'


def figure(drawing: str, caption: str) -> str:
    """Return a drawing or picture with its caption."""
    return f"<figure>{drawing}<figcaption>{text(caption)}</figcaption></figure>"


def columns(*parts: str) -> str:
    """Return parts that stand side by side where the page is wide enough."""
    kept = [part for part in parts if part]
    return f'<div class="columns">{"".join(f"<div>{part}</div>" for part in kept)}</div>' if kept else ""


def details(summary: str, body: str) -> str:
    """Return a part that is folded away until it is asked for (and unfolded in print)."""
    return f"<details><summary>{text(summary)}</summary>\n{body}\n</details>" if body else ""


def definitions(pairs: Iterable[tuple[str, object]]) -> str:
    """Return a list of names and values; pairs without a value are left out."""
    items = [f"<div><dt>{text(k)}</dt><dd>{text(v)}</dd></div>" for k, v in pairs if v not in (None, "", [])]
    return f"<dl>{''.join(items)}</dl>" if items else ""


def commands(lines: Iterable[str]) -> str:
    """Return shell commands as a block to copy."""
    return f'<pre tabindex="0"><code>{text(chr(10).join(lines))}</code></pre>'
