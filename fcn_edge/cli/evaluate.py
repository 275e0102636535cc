"""`fcn-edge eval`."""

from __future__ import annotations

from typing import Any

from fcn_edge.cli.console import emit, metrics_text, note
from fcn_edge.cli.options import (
    DataOption,
    JsonOption,
    LimitOption,
    SizeOption,
    SplitOption,
    SubjectArgument,
    UngatedOption,
)
from fcn_edge.ground.config import parse_size


def evaluate(
    subject: SubjectArgument,
    data: DataOption,
    split: SplitOption = "val",
    size: SizeOption = None,
    limit: LimitOption = None,
    allow_ungated: UngatedOption = False,
    json: JsonOption = False,
) -> None:
    """Score a checkpoint or bundle on labelled frames.

    Prints the four metrics of the FCN paper and the IU of every class.

    Example: fcn-edge eval road.fcne --data camvid:data/camvid --split val
    """
    from fcn_edge.evaluation.evaluate import evaluate as run

    result = run(
        subject,
        data,
        split=split,
        size=parse_size(size) if size else None,
        limit=limit,
        allow_ungated=allow_ungated,
        progress=note,
    )
    emit(result, "\n\n".join([metrics_text(result), *_drift(result)]), as_json=json)


def _drift(result: dict[str, Any]) -> list[str]:
    """Return a line on how far the frames are from those calibrated on, where the bundle can tell."""
    if "drift" not in result:
        return []
    score, threshold = result["drift"]["score"], result["drift"]["threshold"]
    return [f"drift {score:.2f}, calibrated scenes stay under {threshold:.2f}"]
