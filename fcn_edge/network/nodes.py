"""Reading graphs: names, constants, and the nodes of one kind."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import onnx
from onnx import numpy_helper

LAYERS = ("Conv", "ConvTranspose")  # operators with weights


def deconvs(graph: onnx.GraphProto) -> list[tuple[str, onnx.NodeProto]]:
    """Return the name and the node of every ConvTranspose, in graph order."""
    return [
        (node_name(position, node), node)
        for position, node in enumerate(graph.node)
        if node.op_type == "ConvTranspose"
    ]


def node_name(position: int, node: onnx.NodeProto) -> str:
    """Return the name that a node goes by; one without a name goes by TYPE_POSITION."""
    return node.name or f"{node.op_type}_{position}"


def constants_of(graph: onnx.GraphProto) -> dict[str, npt.NDArray[Any]]:
    """Return the values of initializers and Constant nodes by tensor."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found
