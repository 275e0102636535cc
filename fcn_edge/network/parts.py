"""Parts of an ONNX graph: what a tensor is computed from, and the nodes between some tensors and others."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import onnx
from onnx import helper, numpy_helper


def fingerprints(model: onnx.ModelProto) -> dict[str, bytes]:
    """Return tensor -> a digest of all that it is computed from, back to the graph's inputs.

    Two tensors with one fingerprint, of one graph or of two, hold the same values for the same input: their
    operators, attributes and constants are equal. Names do not count.
    """
    found: dict[str, bytes] = {"": b""}
    for position, value in enumerate(model.graph.input):
        found[value.name] = _digest(b"input", str(position).encode(), value.type.SerializeToString())
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        found[tensor.name] = _digest(str((tensor.data_type, array.shape)).encode(), array.tobytes())
    opsets = repr(sorted((entry.domain, entry.version) for entry in model.opset_import)).encode()
    for node in model.graph.node:
        attributes = sorted((one.name, one.SerializeToString(deterministic=True)) for one in node.attribute)
        operator = _digest(
            opsets, node.domain.encode(), node.op_type.encode(), *(value for _, value in attributes),
            b"reads", *(found.get(name, name.encode()) for name in inputs_of(node)),
        )  # fmt: skip
        for position, output in enumerate(node.output):
            if output:
                found[output] = _digest(operator, str(position).encode())
    del found[""]
    return found


def part_of(
    model: onnx.ModelProto, outputs: Sequence[str], given: Mapping[str, Sequence[int]]
) -> onnx.ModelProto:
    """Return the part of `model` that computes the float tensors `outputs`.

    given: float tensor -> shape; they become inputs wherever the part would reach behind them. The inputs of
    the whole graph are inputs of the part only if it needs them.
    """
    makers = {output: node for node in model.graph.node for output in node.output if output}
    wanted, reached = set[str](), list(outputs)
    while reached:
        name = reached.pop()
        if name not in wanted:
            wanted.add(name)
            if name in makers and name not in given:
                reached.extend(inputs_of(makers[name]))
    part = onnx.ModelProto(ir_version=model.ir_version)
    part.opset_import.extend(model.opset_import)
    part.functions.extend(model.functions)
    graph = part.graph
    graph.name = model.graph.name or "part"
    made = wanted - set(given)
    graph.node.extend(node for node in model.graph.node if made.intersection(node.output))
    graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name in made)
    graph.input.extend(value for value in model.graph.input if value.name in made)
    graph.input.extend(_float(name, given[name]) for name in sorted(wanted & set(given)))
    graph.output.extend(_float(name, None) for name in outputs)
    return part


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
        if node.name in names or not reached.isdisjoint(inputs_of(node)):
            nodes.append(node)
            reached |= set(node.output)
    read = [name for node in nodes for name in inputs_of(node) if name not in reached]
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


def inputs_of(node: onnx.NodeProto) -> Iterator[str]:
    """Yield what a node reads, with what the graphs inside it (of If, Loop, Scan) take from outside."""
    yield from (name for name in node.input if name)
    for graph in graphs_in(node):
        own = {output for inner in graph.node for output in inner.output}
        own |= {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
        read = [name for inner in graph.node for name in inputs_of(inner)]
        yield from (name for name in [*read, *(value.name for value in graph.output)] if name not in own)


def graphs_in(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Yield the graphs that a node holds as attributes."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == onnx.AttributeProto.GRAPHS:
            yield from attribute.graphs


def drop_unused_constants(graph: onnx.GraphProto) -> None:
    """Remove the initializers that nothing reads any more, in place, and the inputs that declare them."""
    used = {name for node in graph.node for name in inputs_of(node)}
    used |= {value.name for value in graph.output}
    unused = {tensor.name for tensor in graph.initializer} - used
    for values in (graph.initializer, graph.input):
        kept = [value for value in values if value.name not in unused]
        del values[:]
        values.extend(kept)


def _typed(model: onnx.ModelProto, names: list[str]) -> list[onnx.ValueInfoProto]:
    """Return the tensors with the types that shape inference finds; what it cannot tell is float32."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    known = {value.name: value for value in [*graph.value_info, *graph.input]}
    unknown = onnx.TensorProto.FLOAT
    return [known.get(name) or helper.make_tensor_value_info(name, unknown, None) for name in names]


def _float(name: str, shape: Sequence[int] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _digest(*parts: bytes) -> bytes:
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.digest()
