"""How class scores become a mask: what a runtime does after the network, and the same as ONNX nodes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from fcn_edge.ground.errors import unknown_name

TAILS = ("scores", "mask")  # what a graph ends in: class scores, or the finished mask
SCORES, MASK = "scores", "mask"  # names of the outputs


@dataclass(frozen=True)
class Tail:
    """From scores float32 (C, h, w) to a mask uint8 (H, W).

    kind: "multiclass": the class with the highest score; the first of equals. scale: pixels that a score
    stands for on each axis, so h = ceil(H / scale); scores are upsampled bilinearly, half-pixel centres, and
    cropped at the bottom and right (backends/tail.py has the definition).
    """

    scale: int
    kind: str = "multiclass"

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self)

    def score_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (h, w) of the scores for frames of `size` = (H, W)."""
        return -(-size[0] // self.scale), -(-size[1] // self.scale)


def ending_in(model: onnx.ModelProto, tail: Tail, size: tuple[int, int], end: str) -> onnx.ModelProto:
    """Return a scores graph as it is (`end` "scores"), or a copy that goes on to the mask (`end` "mask").

    The copy upsamples, crops to `size` = (H, W) and takes the argmax; its output is `mask`, uint8 (1, H, W),
    and its last node a Cast, because TensorRT takes uint8 only at the edges.
    """
    if end not in TAILS:
        raise unknown_name("tail", end, TAILS)
    if end == "scores":
        return model
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    last = _rename_scores(graph)
    if tail.scale > 1:
        last = _resize(graph, last, tail.scale)
    if tail.score_size(size) != (size[0] / tail.scale, size[1] / tail.scale):
        last = _crop(graph, last, size)
    _append(graph, "ArgMax", [last], axis=1, keepdims=0, select_last_index=0)
    _append(graph, "Cast", [graph.node[-1].output[0]], to=onnx.TensorProto.UINT8)
    graph.node[-1].output[0] = MASK
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(MASK, onnx.TensorProto.UINT8, (1, *size)))
    return made


def _rename_scores(graph: onnx.GraphProto) -> str:
    """Name the scores after the node that makes them: an inner tensor has no right to an output's name."""
    maker = next(node for node in graph.node if graph.output[0].name in node.output)
    position = list(maker.output).index(graph.output[0].name)
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    name = maker.name if maker.name not in taken else f"{maker.name}.scores"
    for node in graph.node:
        node.input[:] = [name if one == graph.output[0].name else one for one in node.input]
    maker.output[position] = name
    return name


def _resize(graph: onnx.GraphProto, source: str, scale: int) -> str:
    scales = numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "tail.scales")
    graph.initializer.append(scales)
    return _append(
        graph, "Resize", [source, "", scales.name],
        mode="linear", coordinate_transformation_mode="half_pixel",
    )  # fmt: skip


def _crop(graph: onnx.GraphProto, source: str, size: tuple[int, int]) -> str:
    values = {"starts": (0, 0), "ends": size, "axes": (2, 3)}
    for key, value in values.items():
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), f"tail.{key}"))
    return _append(graph, "Slice", [source, *(f"tail.{key}" for key in values)])


def _append(graph: onnx.GraphProto, kind: str, inputs: list[str], **attributes: Any) -> str:
    taken = {node.name for node in graph.node}
    number = next(n for n in range(len(taken) + 1) if f"{kind}_{n}" not in taken)
    name = f"{kind}_{number}"
    graph.node.append(helper.make_node(kind, inputs, [name], name, **attributes))
    return name
