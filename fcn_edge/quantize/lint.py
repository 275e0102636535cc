"""The linter: what TensorRT would refuse in an ONNX file, or accept and silently compute wrongly.

Runs in milliseconds and needs no vendor library. Each rule is one function over the graph; what they check
was observed on TensorRT's own parser (docs/int8.md lists rule, reason and remedy).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from fcn_edge.ground.errors import FcnEdgeError


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a graph, at one node."""

    node: str
    rule: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.node}: {self.message}; {self.hint}"


class Graph:
    """Look-ups over an ONNX graph: who makes a tensor, who reads it, its constant value, its element type."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.nodes = list(graph.node)
        self.inputs, self.outputs = list(graph.input), list(graph.output)
        self.producer = {name: node for node in graph.node for name in node.output if name}
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
                self.constants[node.output[0]] = node.attribute[0].t
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.types = _element_types(model, self.constants)


def lint(model: onnx.ModelProto) -> list[Finding]:
    """Return everything wrong with the graph; an empty list means that no rule objects."""
    graph = Graph(model)
    return [finding for rule in RULES for finding in rule(graph)]


def refuse_if_found(findings: list[Finding], name: str) -> None:
    """Raise one sentence for the first finding (and how many there are)."""
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise FcnEdgeError(f"{name} is not a legal INT8 graph: {findings[0]}{more}")


def zero_points_are_zero(graph: Graph) -> Iterator[Finding]:
    """TensorRT supports symmetric quantization only."""
    for node in _quantizers(graph):
        if len(node.input) < 3 or node.input[2] not in graph.constants:
            continue
        values = numpy_helper.to_array(graph.constants[node.input[2]])
        if np.any(values != 0):
            found = int(values.flat[int(np.argmax(values != 0))])
            yield Finding(
                _label(node),
                "zero-point",
                f"zero point {found} is not 0",
                "quantize symmetrically (int8, zero point 0)",
            )


def quantized_as_int8(graph: Graph) -> Iterator[Finding]:
    """TensorRT reads uint8 integers as int8 with the same scale: masks change and only a warning says so."""
    for node in _quantizers(graph):
        integers = node.output[0] if node.op_type == "QuantizeLinear" else node.input[0]
        found = graph.types.get(integers, 0)
        if node.op_type == "QuantizeLinear" and len(node.input) < 3 and not found:
            found = TensorProto.UINT8  # the standard's default
        if found == TensorProto.UINT8:
            yield Finding(
                _label(node), "uint8", "quantizes to uint8", "use int8 with the scale multiplied by 255/127"
            )


def biases_are_float(graph: Graph) -> Iterator[Finding]:
    """A bias stored as INT32 behind DequantizeLinear is refused by the parser."""
    for node in graph.nodes:
        if node.op_type == "DequantizeLinear" and graph.types.get(node.input[0]) == TensorProto.INT32:
            yield Finding(
                _label(node),
                "int32-bias",
                "dequantizes an INT32 bias",
                "keep biases in float (QuantizeBias=False)",
            )


def no_integer_operators(graph: Graph) -> Iterator[Finding]:
    """INT8 is written as Q/DQ around float operators; fused integer operators are not parsed."""
    banned = {"QLinearConv", "QLinearMatMul", "QLinearAdd", "ConvInteger", "MatMulInteger"}
    for node in graph.nodes:
        if node.op_type in banned:
            yield Finding(_label(node), "qlinear", f"operator {node.op_type}", "export in QDQ format")


def no_pooling_indices(graph: Graph) -> Iterator[Finding]:
    """MaxPool with its second output, and MaxUnpool, have no TensorRT layer."""
    for node in graph.nodes:
        if node.op_type == "MaxUnpool":
            yield Finding(
                _label(node),
                "max-unpool",
                "operator MaxUnpool",
                "upsample with a transposed or resize convolution",
            )
        if node.op_type == "MaxPool" and len(node.output) > 1 and node.output[1]:
            yield Finding(_label(node), "pool-indices", "MaxPool returns indices", "drop its second output")


def uint8_only_at_the_edges(graph: Graph) -> Iterator[Finding]:
    """A uint8 input is read by Cast alone; a uint8 output is made by Cast; no uint8 in between."""
    edges = {value.name for value in [*graph.inputs, *graph.outputs]}
    for value in graph.inputs:
        for node in graph.readers.get(value.name, []):
            if graph.types.get(value.name) == TensorProto.UINT8 and node.op_type != "Cast":
                yield Finding(
                    _label(node),
                    "uint8-input",
                    f"reads the uint8 input {value.name}",
                    "put a Cast directly after the input",
                )
    for value in graph.outputs:
        maker = graph.producer.get(value.name)
        if maker and graph.types.get(value.name) == TensorProto.UINT8 and maker.op_type != "Cast":
            yield Finding(
                _label(maker),
                "uint8-output",
                f"makes the uint8 output {value.name}",
                "make a Cast the last operator",
            )
    for node in graph.nodes:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            continue
        for name in node.output:
            if name not in edges and graph.types.get(name) == TensorProto.UINT8:
                yield Finding(
                    _label(node),
                    "uint8-inside",
                    f"makes uint8 tensor {name} inside the graph",
                    "keep uint8 to the edges",
                )


def one_float_type_per_operator(graph: Graph) -> Iterator[Finding]:
    """A strongly typed network never converts by itself: float16 may not meet float32 at an operator."""
    floats = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE}
    free = {
        "Cast",
        "QuantizeLinear",
        "DequantizeLinear",
        "Resize",
    }  # their other inputs have types of their own
    for node in graph.nodes:
        kinds = {graph.types.get(name, 0) for name in node.input if name} & floats
        if node.op_type not in free and len(kinds) > 1:
            names = " and ".join(sorted(TensorProto.DataType.Name(kind) for kind in kinds))
            yield Finding(
                _label(node),
                "mixed-float",
                f"{node.op_type} reads {names}",
                "put a Cast on one of its inputs",
            )


Rule = Callable[[Graph], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    zero_points_are_zero,
    quantized_as_int8,
    biases_are_float,
    no_integer_operators,
    no_pooling_indices,
    uint8_only_at_the_edges,
    one_float_type_per_operator,
)


def _quantizers(graph: Graph) -> Iterator[onnx.NodeProto]:
    return (node for node in graph.nodes if node.op_type in ("QuantizeLinear", "DequantizeLinear"))


def _label(node: onnx.NodeProto) -> str:
    return node.name or f"unnamed {node.op_type} making {node.output[0]}"


def _element_types(model: onnx.ModelProto, constants: dict[str, TensorProto]) -> dict[str, int]:
    # a graph too odd for inference is still checked as far as its declared types go
    with contextlib.suppress(Exception):
        model = onnx.shape_inference.infer_shapes(model)
    graph = model.graph
    declared = [*graph.input, *graph.output, *graph.value_info]
    types = {value.name: value.type.tensor_type.elem_type for value in declared}
    types.update({name: tensor.data_type for name, tensor in constants.items()})
    return types
