"""A graph at work in ONNX Runtime: the values of any of its tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

Values = dict[str, npt.NDArray[Any]]


def tensor_values(
    model: onnx.ModelProto,
    tensors: list[str],
    frames: Iterable[npt.NDArray[np.uint8]],
    *,
    exact: bool = False,
) -> Iterator[Values]:
    """Yield for every frame, uint8 (H, W, 3), the values of the named tensors.

    exact: compute every node as the standard defines it, without the integer kernels of this CPU.
    """
    session = open_session(model, tensors, exact=exact)
    name = model.graph.input[0].name
    for frame in frames:
        yield dict(zip(tensors, session.run(tensors, {name: frame[None]}), strict=True))


def run(model: onnx.ModelProto, feeds: Iterable[Mapping[str, npt.NDArray[Any]]]) -> Iterator[Values]:
    """Yield all outputs of a graph for every set of inputs."""
    session = open_session(model)
    names = [value.name for value in model.graph.output]
    for feed in feeds:
        yield dict(zip(names, session.run(names, dict(feed)), strict=True))


def open_session(model: onnx.ModelProto, outputs: list[str] | None = None, *, exact: bool = False) -> Any:
    """Return a session on the CPU that gives the named inner tensors instead of the graph's own outputs.

    Nothing that they do not need is computed.
    """
    import onnxruntime as ort

    if outputs is not None:
        probe = onnx.ModelProto()
        probe.CopyFrom(model)
        del probe.graph.output[:]
        probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)  # types: inferred
        model = probe
    settings = ort.SessionOptions()
    settings.log_severity_level = 3  # errors only
    if exact:
        settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
