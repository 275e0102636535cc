"""`fcn-edge eval`."""

from __future__ import annotations

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
from fcn_edge.config import parse_size


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
    from fcn_edge.evaluate import evaluate as run

    result = run(
        subject,
        data,
        split=split,
        size=parse_size(size) if size else None,
        limit=limit,
        allow_ungated=allow_ungated,
        progress=note,
    )
    emit(result, metrics_text(result), as_json=json)
