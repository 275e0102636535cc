"""The part of a graph that lies behind some of its nodes, as a graph of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import onnx
from onnx import helper


@dataclass(frozen=True)
class Behind:
    """What depends on some nodes, those included.

    model: inputs are `sources`, the tensors that cross the cut; outputs are those of the whole graph that lie
    behind it. Everything before the cut can be computed once and fed again and again.
    """

    model: onnx.ModelProto
    sources: list[str]


def behind(model: onnx.ModelProto, names: Collection[str]) -> Behind:
    """Return the part of `model` that depends on the named nodes."""
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    reached: set[str] = set()
    nodes = []
    for node in graph.node:  # ONNX keeps them in an order in which every input comes first
        if node.name in names or reached & set(node.input):
            nodes.append(node)
            reached |= set(node.output)
    read = [name for node in nodes for name in node.input if name and name not in reached]
    constants = [node for node in graph.node if node.op_type == "Constant" and node.output[0] in read]
    weights |= {node.output[0] for node in constants}
    sources = list(dict.fromkeys(name for name in read if name not in weights))
    part = onnx.ModelProto()
    part.CopyFrom(model)
    del part.graph.node[:], part.graph.input[:], part.graph.output[:], part.graph.value_info[:]
    del part.graph.initializer[:]
    part.graph.node.extend([*constants, *nodes])
    part.graph.initializer.extend(tensor for tensor in graph.initializer if tensor.name in read)
    part.graph.input.extend(_typed(model, sources))
    part.graph.output.extend(value for value in graph.output if value.name in reached)
    return Behind(part, sources)


def _typed(model: onnx.ModelProto, names: list[str]) -> list[onnx.ValueInfoProto]:
    """Return the tensors with the types that shape inference finds; what it cannot tell is float32."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    known = {value.name: value for value in [*graph.value_info, *graph.input]}
    unknown = onnx.TensorProto.FLOAT
    return [known.get(name) or helper.make_tensor_value_info(name, unknown, None) for name in names]
