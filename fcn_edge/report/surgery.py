"""The upsampling layers: what became of each and why, and everything that was tried."""

from __future__ import annotations

from typing import Any

from fcn_edge.report import charts
from fcn_edge.report.html import columns, details, figure, number, paragraph, percent, section, table

Json = dict[str, Any]
MEASURED: dict[str, tuple[str, int]] = {  # key in the surgery table -> (column, decimals)
    "residual": ("residual", 3),
    "checkerboard": ("checkerboard", 3),
    "sqnr_db": ("SQNR, dB", 1),
    "latency_ms": ("ms", 2),
}


def surgery_section(report: Json) -> str:
    """Return the section on upsampling; empty when no bundle was operated on."""
    bundle = next((one for one in report["bundles"] if (one.get("surgery") or {}).get("layers")), None)
    if bundle is None:
        return ""
    surgery = bundle["surgery"]
    layers = surgery["layers"]
    return section(
        "Upsampling surgery",
        paragraph(_intro(surgery)),
        columns(_ripples(layers)),
        _overview(layers),
        details("Everything that was tried", "".join(_candidates(layer) for layer in layers)),
    )


def _intro(surgery: Json) -> str:
    layers = surgery["layers"]
    changed = sum(layer["chosen"] != "keep" for layer in layers)
    words = f"The network was trained with {len(layers)} transposed convolutions; {changed} were replaced."
    if surgery.get("mode") == "auto":
        words += " Every candidate was quantized to INT8 and measured in the engine."
    note = surgery.get("note") or ""
    return f"{words} {note[:1].upper()}{note[1:]}{'.' if note and not note.endswith('.') else ''}".strip()


def _ripples(layers: list[Json]) -> str:
    """Return bars of each layer's checkerboard before and after; nothing where none was measured."""
    pairs = [
        (layer["name"], _checkerboard(layer, "keep"), _checkerboard(layer, layer["chosen"]))
        for layer in layers
    ]
    known = [value for _, *pair in pairs for value in pair if value is not None]
    if not known or max(known) <= 0:
        return ""
    key, top = charts.legend(14, [("s1", "as trained"), ("s0", "as shipped")])
    left = 8 + 6.8 * max(len(name) for name, *_ in pairs)
    frame = charts.Frame(left, top, charts.WIDTH - 46, top + 35 * len(pairs))
    x = charts.linear(0, max(known), frame.left, frame.right)
    parts = [key]
    for row, (name, *pair) in enumerate(pairs):
        y = frame.top + 35 * row + 4
        parts.append(charts.label(left - 8, y + 17, name, "", "end"))
        for index, (value, colour) in enumerate(zip(pair, ("s1", "s0"), strict=True)):
            if value is not None:
                parts.append(charts.bar(x(0), y + 13 * index, x(value) - x(0), 11, colour))
                parts.append(charts.label(x(value) + 5, y + 13 * index + 10, number(value, 3), "tick"))
    parts.append(charts.x_axis(frame, x, charts.ticks(0, max(known), 4), "ripple on a flat input"))
    words = "; ".join(f"{name} {number(a, 3)} before and {number(b, 3)} after" for name, a, b in pairs)
    drawing = charts.svg(frame.bottom + 40, "Checkerboard before and after", f"{words}.", parts)
    return figure(drawing, "Checkerboard of every upsampling layer, before and after; shorter is better.")


def _overview(layers: list[Json]) -> str:
    rows = [
        [
            layer["name"],
            f"x{_side(layer['stride'])}",
            layer["chosen"],
            *(number(_checkerboard(layer, kind), 3) for kind in ("keep", layer["chosen"])),
            layer.get("why", ""),
        ]
        for layer in layers
    ]
    heads = ["Layer", "scale", "chosen", "checkerboard before", "after", "why"]
    caption = "Checkerboard: how far apart the phases of a layer are on a flat input; 0.1 is a ripple of 10 %"
    return table(caption, heads, rows, words=(0, 1, 2, 5))


def _checkerboard(layer: Json, kind: str) -> float | None:
    found = (one.get("checkerboard") for one in layer.get("candidates") or [] if one["kind"] == kind)
    return next(found, None)


def _candidates(layer: Json) -> str:
    candidates = layer.get("candidates") or []
    tried = [one for one in candidates if not one.get("skipped")]
    present = {
        key: words for key, words in MEASURED.items() if any(one.get(key) is not None for one in tried)
    }
    agreed = any(one.get("agreement") is not None for one in tried)
    heads = ["Candidate", *(words for words, _ in present.values()), *(["agreement"] if agreed else [])]
    rows = [
        [
            f"{one['kind']} (chosen)" if one["kind"] == layer["chosen"] else one["kind"],
            *(number(one.get(key), digits) for key, (_, digits) in present.items()),
            *([percent(one.get("agreement"), 2)] if agreed else []),
        ]
        for one in tried
    ]
    skipped = [
        f"{one['kind']} was not measured: {one['skipped']}." for one in candidates if one.get("skipped")
    ]
    caption = f"{layer['name']}, scale {_side(layer['stride'])}, kernel {_side(layer['kernel'])}"
    return table(caption, heads, rows) + (paragraph(" ".join(skipped), "soft") if skipped else "")


def _side(value: Any) -> str:
    """Return a size as a person writes it: 4 for [4, 4], 4x2 for [4, 2]."""
    sides = list(value) if isinstance(value, list | tuple) else [value]
    return str(sides[0]) if len(set(sides)) == 1 else "x".join(map(str, sides))
