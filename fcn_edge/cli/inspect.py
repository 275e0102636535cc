"""`fcn-edge inspect`."""

from __future__ import annotations

from fcn_edge.cli.console import emit
from fcn_edge.cli.options import JsonOption, SizeOption, SubjectArgument
from fcn_edge.ground.config import parse_size


def inspect(subject: SubjectArgument, size: SizeOption = None, json: JsonOption = False) -> None:
    """Show what is inside a checkpoint or bundle.

    Layers, MACs, receptive field, upsamplers with their checkerboard index, INT8 coverage, evidence.

    Example: fcn-edge inspect runs/road
    """
    from fcn_edge.evaluation.inspect import inspect_subject

    report = inspect_subject(subject, size=parse_size(size) if size else None)
    emit(report.to_json(), report.to_text(), as_json=json)
