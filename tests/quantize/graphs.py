"""Small ONNX graphs for the tests of this folder."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, UINT8, INT8 = TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT8


def graph(
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray] | None = None,
    inputs: tuple[str, int] = ("x", FLOAT),
    outputs: tuple[str, int] = ("y", FLOAT),
    shape: tuple[int, ...] = (1, 4, 8, 8),
) -> onnx.ModelProto:
    """Return a model of `nodes` from one input to one output; constants: name -> array."""
    tensors = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    made = helper.make_graph(
        nodes, "test",
        [helper.make_tensor_value_info(inputs[0], inputs[1], shape)],
        [helper.make_tensor_value_info(outputs[0], outputs[1], None)],
        tensors,
    )  # fmt: skip
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def node(kind: str, inputs: str, output: str, **attributes: object) -> onnx.NodeProto:
    """Return a node named `the_KIND`; `inputs` are separated by blanks."""
    return helper.make_node(kind, inputs.split(), output.split(), f"the_{kind}", **attributes)


def weight(seed: int = 0, shape: tuple[int, ...] = (4, 4, 3, 3)) -> np.ndarray:
    """Return seeded normal float32 weights."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
