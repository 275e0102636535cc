"""The record of surgery_table.py as Markdown."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
COLUMNS = (
    "layer", "kind", "residual", "ripple", "fp32 mIoU", "INT8 mIoU", "agreement", "SQNR, dB",
    "this layer alone, dB", "checkerboard fp32, INT8", "time", "OpenVINO", "TensorRT-RTX",
)  # fmt: skip
EXACT_DB = 100  # beyond this the forms differ by rounding only


def as_markdown(record: Json) -> str:
    """Return a table a network."""
    return "\n\n".join(_net(net) for net in record["nets"])


def _net(net: Json) -> str:
    keep = net["keep"]
    head = (
        f"**{net['name']}** ({net['train_steps']} steps; fp32 mean IU {keep['fp32_miou']:.3f}; "
        f"kept: {keep['latency_ms']:.2f} ms)"
    )
    rows = [_line(COLUMNS), _line(["---", "---", *["---:"] * 9, "---", "---"])]
    for layer, about in keep["layers"].items():
        rows.append(_row({**keep, **about, "layer": layer, "kind": "keep", "latency_ratio": 1.0}))
        rows += [_row(row) for row in net["rows"] if row["layer"] == layer]
    return "\n".join([head, "", *rows, "", _chosen(net["chosen"])])


def _row(row: Json) -> str:
    stride = {"up.8": "x2", "final": "x8"}[row["layer"]]
    return _line(
        [
            f"{stride} `{row['layer']}`",
            row.get("form", row["kind"]),
            _number(row.get("residual"), 3),
            _number(row.get("checkerboard"), 3),
            f"{row['fp32_miou']:.3f}",
            f"{row['int8_miou']:.3f}",
            f"{row['agreement']:.4f}",
            f"{row['sqnr_db']:.1f}",
            "exact" if row["alone_db"] > EXACT_DB else f"{row['alone_db']:.1f}",
            f"{row['checkerboard_fp32']:.1f}, {row['checkerboard_int8']:.1f}",
            f"{row['latency_ratio']:.2f}",
            row["openvino"],
            row["tensorrt_rtx"],
        ]
    )


def _chosen(chosen: Json) -> str:
    kinds = ", ".join(f"{layer} {kind}" for layer, kind in chosen["kinds"].items())
    if "fastest_single" not in chosen:
        return f"The rule takes: {kinds}."
    single = f"{chosen['fastest_single']}: {chosen['fastest_single_ratio']:.2f}"
    return (
        f"The rule takes: {kinds}. INT8 mean IU {chosen['int8_miou']:.3f}, agreement "
        f"{chosen['agreement']:.4f}, SQNR {chosen['sqnr_db']:.1f} dB, time {chosen['latency_ratio']:.2f} of "
        f"keeping all, in turns with the fastest single replacement ({single})."
    )


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"
