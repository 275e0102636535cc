"""What the masks are worth: mean IU and the IU of every class, fp32 beside INT8."""

from __future__ import annotations

from typing import Any

from fcn_edge.report import charts
from fcn_edge.report.html import NONE, columns, figure, paragraph, percent, section, table

Json = dict[str, Any]
METRICS = {
    "miou": "mean IU",
    "pixel_accuracy": "pixel accuracy",
    "mean_accuracy": "mean accuracy",
    "fw_iou": "frequency-weighted IU",
}


def accuracy_section(report: Json) -> str:
    """Return the section on accuracy; empty when no bundle carries evidence."""
    bundle = next((one for one in report["bundles"] if _evidence(one)), None)
    clip = report.get("clip")
    if bundle is None and not clip:
        return ""
    measured = _evidence(bundle) if bundle else {}
    gate = (bundle or {}).get("gate") or {}
    intro = (
        f"Scored on {gate.get('frames', '?')} {gate.get('split', '')} frames of {gate.get('data', '?')} "
        f"while {bundle['name']} was compiled, through the engine that is in the bundle."
        if bundle
        else ""
    )
    return section(
        "Accuracy",
        paragraph(intro) if intro else "",
        columns(class_chart(measured), _metric_table(measured) + _class_table(measured)),
        _clip(clip),
    )


def _evidence(bundle: Json) -> dict[str, Json]:
    evidence = bundle.get("evidence") or {}
    return {name: evidence[name] for name in ("fp32", "int8") if (evidence.get(name) or {}).get("class_iou")}


def class_chart(measured: dict[str, Json]) -> str:
    """Return bars of IU in percent, a group for each class. `measured` maps a precision to its scores."""
    if not measured:
        return ""
    kinds = list(measured)
    names = list(measured[kinds[0]]["class_iou"])
    key, top = charts.legend(14, [(_colour(kind), kind) for kind in kinds])
    height = 13 * len(kinds) + 9
    left = 8 + 6.8 * max(len(name) for name in names)
    frame = charts.Frame(left, top, charts.WIDTH - 42, top + height * len(names))
    x = charts.linear(0, 1, frame.left, frame.right)
    parts = [
        key,
        *(charts.line(x(v), frame.top, x(v), frame.bottom, "grid") for v in (0, 0.25, 0.5, 0.75, 1)),
    ]
    for row, name in enumerate(names):
        y = frame.top + 4 + height * row
        parts.append(charts.label(left - 8, y + (height - 9) / 2 + 4, name, "", "end"))
        for index, kind in enumerate(kinds):
            parts.append(_class_bar(measured[kind]["class_iou"].get(name), x, y + 13 * index, _colour(kind)))
    parts.append(charts.x_axis(frame, lambda v: x(v / 100), [0, 25, 50, 75, 100], "% IU"))
    words = "; ".join(
        f"{name} "
        + " and ".join(f"{kind} {percent(measured[kind]['class_iou'].get(name))}" for kind in kinds)
        for name in names
    )
    drawing = charts.svg(frame.bottom + 40, "IU of every class", f"{words}.", parts)
    return figure(drawing, "Intersection over union of every class, in percent.")


def _colour(kind: str) -> str:
    return {"int8": "s0", "fp32": "s1"}.get(kind, "s2")


def _class_bar(value: float | None, x: charts.Scale, y: float, colour: str) -> str:
    if value is None:
        return charts.label(x(0) + 4, y + 10, "absent", "tick")
    return charts.bar(x(0), y, x(value) - x(0), 11, colour) + charts.label(
        x(value) + 5, y + 10, f"{100 * value:.1f}", "tick"
    )


def _metric_table(measured: dict[str, Json]) -> str:
    rows = [
        [words, *(percent(one.get(key), 2) for one in measured.values()), *_difference(measured, key)]
        for key, words in METRICS.items()
    ]
    extra = ["change"] if len(measured) == 2 else []
    return table("The four scores of the FCN paper", ["Score", *measured, *extra], rows) if measured else ""


def _difference(measured: dict[str, Json], key: str) -> list[str]:
    if len(measured) != 2:
        return []
    first, second = (one.get(key) for one in measured.values())
    return [_signed(first, second)]


def _signed(before: float | None, after: float | None) -> str:
    return NONE if before is None or after is None else f"{100 * (after - before):+.2f}"


def _class_table(measured: dict[str, Json]) -> str:
    if len(measured) < 2:
        return ""
    before, after = (one["class_iou"] for one in measured.values())
    rows = [
        [name, percent(before[name]), percent(after.get(name)), _signed(before[name], after.get(name))]
        for name in before
    ]
    return table("IU of every class in percent; the change in points", ["Class", *measured, "change"], rows)


def _clip(clip: Json | None) -> str:
    if not clip:
        return ""
    words = (
        f"The masks that the C++ runtime wrote for {clip['name']} reach {percent(clip['miou'])} mean IU "
        f"against its ground truth, over {clip['frames']} frames that no training step has seen."
    )
    measured = {"C++ masks": clip}
    sides = columns(class_chart(measured), _metric_table(measured))
    return f"<h3>On the clip</h3>{paragraph(words)}{sides}"
