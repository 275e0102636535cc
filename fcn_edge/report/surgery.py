"""The upsampling layers: what was tried for each, what it did, what was chosen and why."""

from __future__ import annotations

from typing import Any

from fcn_edge.report.html import number, paragraph, percent, section, table

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
    layers = bundle["surgery"]["layers"]
    changed = [layer for layer in layers if layer["chosen"] != "keep"]
    return section(
        "Upsampling surgery",
        paragraph(
            f"The network upsamples with {len(layers)} transposed convolutions. For each, every candidate "
            f"was measured after INT8; {len(changed)} of {len(layers)} were replaced. The residual is the "
            "share of the kernel that a checkerboard-free kernel cannot express: 0 means none."
        ),
        *[_layer(layer) for layer in layers],
    )


def _layer(layer: Json) -> str:
    candidates = layer.get("candidates") or []
    present = {
        key: words for key, words in MEASURED.items() if any(c.get(key) is not None for c in candidates)
    }
    agreement = any(c.get("agreement") is not None for c in candidates)
    heads = ["Candidate", *(words for words, _ in present.values()), *(["agreement"] if agreement else [])]
    rows = [
        [
            _mark(one["kind"], layer["chosen"]),
            *(number(one.get(key), digits) for key, (_, digits) in present.items()),
            *([percent(one.get("agreement"), 2)] if agreement else []),
        ]
        for one in candidates
    ]
    caption = f"{layer['name']}, x{layer['stride']}, kernel {layer['kernel']}. Chosen: {layer['chosen']}"
    why = f" ({layer['why']})" if layer.get("why") else ""
    return table(f"{caption}{why}", heads, rows)


def _mark(kind: str, chosen: str) -> str:
    return f"{kind} (chosen)" if kind == chosen else kind
