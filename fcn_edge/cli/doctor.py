"""`fcn-edge doctor`."""

from __future__ import annotations

from fcn_edge.cli.console import emit
from fcn_edge.cli.options import JsonOption


def doctor(json: JsonOption = False) -> None:
    """Say what this machine can do, and what to install.

    Covers training, every compile target, the C++ runtime, GPUs and cameras.

    Example: fcn-edge doctor
    """
    from fcn_edge.doctor import examine

    report = examine()
    emit(report.to_json(), report.to_text(), as_json=json)
