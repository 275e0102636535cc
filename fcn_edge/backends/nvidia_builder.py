"""From model.onnx to engine bytes: the calls that TensorRT 10, 11 and TensorRT-RTX share.

Networks are strongly typed: precisions are those of the Q/DQ graph, never the builder's choice. The module of
the library is passed in as `trt`, because the two packages have the same interface under different names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fcn_edge.ground.errors import FcnEdgeError

_LOGS: dict[str, Any] = {}


def build_engine(
    trt: Any, model_onnx: Path, configure: Callable[[Any], None], finish: Callable[[Any], None] | None = None
) -> tuple[bytes, str]:
    """Return the serialized engine of `model_onnx` and the builder's verbose log.

    configure: sets what differs between the libraries on the builder's config. Engines of the same model,
    options and library are the same bytes (tested for TensorRT-RTX). finish: reads the config after the build
    (its timing cache).
    """
    log = build_log(trt)
    log.lines.clear()
    builder = trt.Builder(log)
    network = builder.create_network(_strongly_typed(trt))
    _parse(trt, log, network, model_onnx)
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    configure(config)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise FcnEdgeError(f"{trt.__name__} cannot build {model_onnx.name}: {log.complaint()}")
    if finish is not None:
        finish(config)
    return bytes(plan), "\n".join(line for _, line in log.lines)


def build_log(trt: Any) -> Any:
    """Return the logger of this process for `trt`: the library keeps the first one it is given for good."""
    if trt.__name__ not in _LOGS:
        _LOGS[trt.__name__] = _logger(trt)
    return _LOGS[trt.__name__]


def _logger(trt: Any) -> Any:
    class Log(trt.ILogger):
        """Keeps (severity, text) of every message; shows nothing."""

        def __init__(self) -> None:
            super().__init__()
            self.lines: list[tuple[Any, str]] = []

        def log(self, severity: Any, text: str) -> None:
            self.lines.append((severity, text))

        def complaint(self) -> str:
            bad = (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR)
            said = [text for severity, text in self.lines if severity in bad]
            return said[-1].strip() if said else "it gives no reason"

    return Log()


def _strongly_typed(trt: Any) -> int:
    """Return the creation flags; TensorRT 11 knows no other networks and may drop the flag."""
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _parse(trt: Any, log: Any, network: Any, model_onnx: Path) -> None:
    parser = trt.OnnxParser(network, log)
    if parser.parse(model_onnx.read_bytes()):
        return
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    said = "; ".join(f"{error.node_name()}: {error.desc()}" for error in errors) or log.complaint()
    raise FcnEdgeError(f"{trt.__name__} cannot read {model_onnx.name}: {said}")
