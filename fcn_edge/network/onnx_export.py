"""Export of a frame graph to ONNX: one file, weights inline, the same bytes for the same network."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from torch import nn

from fcn_edge.ground.artifacts import atomic_write_bytes
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.network.fold import fold_following_batchnorm
from fcn_edge.network.frame_graph import FrameGraph

OPSET = 18


def export_onnx(fcn: nn.Module, size: tuple[int, int], tail: str, path: Path) -> Path:
    """Write the frame graph of `fcn` for frames of `size` = (H, W) to `path`; see frame_graph."""
    return atomic_write_bytes(Path(path), frame_graph(fcn, size, tail).SerializeToString(deterministic=True))


def frame_graph(fcn: nn.Module, size: tuple[int, int], tail: str) -> onnx.ModelProto:
    """Return the frame graph of `fcn` for frames of `size` = (H, W).

    Input `frame` uint8 (1, H, W, 3); output named as its tail, `scores` or `mask` (see FrameGraph).
    BatchNorm is folded, constants are computed, and every node is named after what it does and where it
    stands.
    """
    exported = _export(FrameGraph(fcn, size, tail), size, tail)
    modules = {node.name: _module_path(node) for node in exported.graph.node}
    model = simplify(exported)  # layers of equal weights share one tensor from here on
    name_nodes(model, modules)
    model.doc_string = ""
    del model.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    return model


def _export(graph: FrameGraph, size: tuple[int, int], tail: str) -> onnx.ModelProto:
    frame = torch.zeros(1, *size, 3, dtype=torch.uint8)
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            warnings.simplefilter("ignore")
            target = Path(folder) / "model.onnx"
            torch.onnx.export(
                graph,
                (frame,),
                str(target),
                dynamo=True,
                opset_version=OPSET,
                external_data=False,
                input_names=["frame"],
                output_names=[tail],
                verbose=False,
            )
            return onnx.load(target)
    finally:
        quiet.setLevel(level)


def simplify(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with BatchNorm folded into the layers before it and constant parts computed."""
    import onnxsim

    simple, same = onnxsim.simplify(model)
    if not same:
        raise FcnEdgeError("simplifying the ONNX graph changed its output", hint="please report this network")
    return fold_following_batchnorm(simple)


def name_nodes(model: onnx.ModelProto, modules: Mapping[str, str] | None = None) -> None:
    """Name layers after the PyTorch module their weight comes from, other nodes `Type_i`, in place.

    The exporter's names hold counters that differ from run to run. With these, a finding of the linter or a
    row of a table points into the network. A node's first output is named after the node. modules: node ->
    module, where that is known better than from the weight's name.
    """
    graph = model.graph
    fixed = {value.name for value in [*graph.input, *graph.output, *graph.initializer]}
    renamed: dict[str, str] = {}
    uses: Counter[str] = Counter()
    for node in graph.node:
        module = (modules or {}).get(node.name) or _module_path(node)
        base = module or node.op_type
        node.name = module if module and not uses[base] else f"{base}_{uses[base]}"
        uses[base] += 1
        node.doc_string = ""
        del node.metadata_props[:]
        for position, output in enumerate(node.output):
            if output and output not in fixed:
                renamed[output] = node.name if position == 0 else f"{node.name}.{position}"
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    del graph.value_info[:]


def _module_path(node: onnx.NodeProto) -> str:
    """Return `backbone.0.0` for a node with the weight `fcn.backbone.0.0.weight`, else an empty string."""
    if len(node.input) > 1 and node.input[1].endswith(".weight"):
        return node.input[1].removeprefix("fcn.").removesuffix(".weight")
    return ""
