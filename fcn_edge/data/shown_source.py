"""What may be shown of a source: the same rule as ground/shown_source.cpp of fcn-edge-stream has."""

from __future__ import annotations

import re

HIDDEN = "***"
SAFE = ("test:", "raw:", "v4l2:/", "/dev/")


def shown(source: str) -> str:
    """Return the source as it may be shown and logged: *** stands where a secret may be.

    What is shown of an address is its scheme, host, port and path; of a GStreamer pipeline its elements and
    the name of the first property of each; files, cameras and test pictures are shown whole.
    """
    if source.startswith(SAFE) and "://" not in source:
        return source
    if " ! " in source:
        return " ! ".join(_element(text) for text in _elements(source))
    return _address(source) if "://" in source else _plain(source)


def _without_values(text: str) -> str:
    """Return it up to the first character after which a value may follow, that one included."""
    mark = re.search(r"[?#;= \t]", text)
    return text[: mark.end()] + HIDDEN if mark else text


def _element(text: str) -> str:
    head, equals, _ = text.partition("=")
    before, address, _ = head.partition("://")
    if "@" in before:
        return HIDDEN
    if address:
        return before + address + HIDDEN
    return head + equals + HIDDEN if equals else text


def _elements(text: str) -> list[str]:
    """Return what stands between the " ! " of a pipeline, not counting quoted ones."""
    found, begin, quote, i = [], 0, "", 0
    while i < len(text):
        if text[i] == "\\":
            i += 1
        elif quote:
            quote = "" if text[i] == quote else quote
        elif text[i] in "\"'":
            quote = text[i]
        elif text.startswith(" ! ", i):
            found.append(text[begin:i])
            begin = i + 3
            i += 2
        i += 1
    return [*found, text[begin:]]


def _address(text: str) -> str:
    """Return an address without who logs in and without its values.

    A password may hold any character: where an @ stands behind the first /, ? or #, nobody can say where the
    host begins, and none of it is shown.
    """
    scheme, _, rest = text.partition("://")
    if not re.fullmatch(r"[A-Za-z0-9+.-]*", scheme):
        return HIDDEN
    end = mark.start() if (mark := re.search(r"[/?#]", rest)) else len(rest)
    _, at, host = rest[:end].rpartition("@")
    if "@" in rest[end:] or "%40" in host:
        return f"{scheme}://{HIDDEN}"
    return f"{scheme}://{HIDDEN + at if at else ''}{_without_values(host + rest[end:])}"


def _plain(text: str) -> str:
    """Return a file; or what was meant to be an address, without its scheme, or a pipeline of one element."""
    if text.startswith((".", "/")) and not text.startswith("//"):
        return text
    before, at, after = text.rpartition("@")
    if at and ":" in before:
        return HIDDEN if re.search(r"[?#]", before) else f"{HIDDEN}@{_without_values(after)}"
    head, mark, query = text.partition("?")
    if mark and "=" in query:
        return head + mark + HIDDEN
    return _element(text) if "=" in text and re.search(r"[ \t]", text) else text
