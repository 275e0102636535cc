"""Every operator of TorchGraph computes what ONNX Runtime computes, over random shapes and attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from surgery.nets import frames, tiny_fcn_graph, tiny_net_graph

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.network.parts import behind
from fcn_edge.network.run import open_session, run, tensor_values
from fcn_edge.network.torch_graph import OPERATORS, TorchGraph

Rng = np.random.Generator
Case = tuple[list[int], list[Any], dict[str, Any]]  # shape of the input, constant inputs, attributes


def floats(rng: Rng, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def shape(rng: Rng, channels: int) -> list[int]:
    return [1, channels, int(rng.integers(5, 12)), int(rng.integers(5, 12))]


def conv(rng: Rng, transposed: bool = False) -> Case:
    groups = int(rng.integers(1, 3))
    c, o, k = 2 * groups, 4 * groups, int(rng.integers(1, 4))
    weight = floats(rng, c, o // groups, k, k) if transposed else floats(rng, o, c // groups, k, k)
    bias = [floats(rng, o)] if rng.integers(2) else []
    strides = [int(n) for n in rng.integers(1, 4, 2)]
    attributes = {
        "group": groups, "strides": strides, "pads": [int(n) for n in rng.integers(0, 3, 4)],
        "dilations": [int(n) for n in rng.integers(1, 3, 2)],
    }  # fmt: skip
    if transposed:
        attributes["output_padding"] = [int(rng.integers(0, step)) for step in strides]
    return shape(rng, c), [weight, *bias], attributes


def resize(rng: Rng) -> Case:
    kinds = [("nearest", "asymmetric"), ("linear", "half_pixel"), ("linear", "align_corners")]
    mode, rule = kinds[int(rng.integers(3))]
    attributes = {"mode": mode, "coordinate_transformation_mode": rule, "nearest_mode": "floor"}
    scales = np.array([1, 1, *rng.integers(1, 5, 2)], np.float32)
    if rng.integers(2):
        return shape(rng, 3), [None, scales], attributes
    given = shape(rng, 3)
    size = ints(1, 3, given[2] * int(rng.integers(1, 4)), given[3] * 2)
    return given, [None, None, size], attributes


def pad(rng: Rng) -> Case:
    mode = ["constant", "edge", "reflect"][int(rng.integers(3))]
    amounts = ints(0, 0, *rng.integers(0, 4, 2), 0, 0, *rng.integers(0, 4, 2))
    value = [np.float32(0.5)] if mode == "constant" and rng.integers(2) else []
    return shape(rng, 2), [amounts, *value], {"mode": mode}


def with_other(rng: Rng) -> Case:
    return shape(rng, 3), [floats(rng, 1, 3, 1, 1) + 3], {}


def plain(attributes: dict[str, Any] | None = None) -> Callable[[Rng], Case]:
    return lambda rng: (shape(rng, 4), [], attributes or {})


CASES: dict[str, Callable[[Rng], Case]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), with_other),
    "BatchNormalization": lambda rng: (
        shape(rng, 3), [floats(rng, 3), floats(rng, 3), floats(rng, 3), np.abs(floats(rng, 3)) + 0.1],
        {"epsilon": 1e-3},
    ),
    "Clip": lambda rng: (shape(rng, 2), [np.float32(-0.3), np.float32(0.6)], {}),
    "Concat": lambda rng: ([1, 2, 6, 7], [floats(rng, 1, 3, 6, 7)], {"axis": 1}),
    "Conv": conv,
    "ConvTranspose": lambda rng: conv(rng, transposed=True),
    "DepthToSpace": lambda rng: (
        shape(rng, 8), [], {"blocksize": 2, "mode": ["DCR", "CRD"][int(rng.integers(2))]}
    ),
    "GlobalAveragePool": plain(),
    "HardSigmoid": plain({"alpha": 0.17, "beta": 0.4}),
    "HardSwish": plain(),
    "Identity": plain(),
    "LeakyRelu": plain({"alpha": 0.2}),
    "MaxPool": plain({"kernel_shape": [3, 3], "strides": [2, 1], "pads": [1, 0, 1, 1]}),
    "PRelu": lambda rng: (shape(rng, 3), [floats(rng, 3, 1, 1)], {}),
    "Pad": pad,
    "ReduceMean": lambda rng: (shape(rng, 3), [ints(2, 3)], {"keepdims": int(rng.integers(2))}),
    "Relu": plain(),
    "Reshape": lambda rng: ([1, 4, 6, 8], [ints(0, 2, -1, 8)], {}),
    "Resize": resize,
    "Sigmoid": plain(),
    "Slice": lambda rng: (shape(rng, 4), [ints(1, -4), ints(2**31 - 1, -1), ints(1, 2), ints(2, 1)], {}),
    "Softmax": plain({"axis": 1}),
    "Tanh": plain(),
    "Transpose": plain({"perm": [0, 2, 3, 1]}),
}  # fmt: skip


def graph_of(
    kind: str, given: list[int], constants: list[Any], attributes: dict[str, Any]
) -> onnx.ModelProto:
    names = ["x", *("" if value is None else f"c{i}" for i, value in enumerate(constants))]
    graph = helper.make_graph(
        [helper.make_node(kind, names, ["y"], "node", **attributes)], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), f"c{i}") for i, v in enumerate(constants) if v is not None],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def test_every_operator_has_a_case() -> None:
    assert set(CASES) == set(OPERATORS)


@pytest.mark.parametrize("kind", sorted(CASES))
def test_operator_computes_what_onnx_runtime_does(kind: str) -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        given, constants, attributes = CASES[kind](rng)
        model = graph_of(kind, given, constants, attributes)
        x = floats(rng, *given)
        expected = open_session(model).run(None, {"x": x})[0]
        found = TorchGraph(model)({"x": torch.from_numpy(x)}).numpy()
        assert found.shape == expected.shape, f"seed {seed}: {attributes}"
        assert np.allclose(found, expected, atol=2e-5, rtol=1e-4), f"seed {seed}: {attributes}"


def test_whole_network_computes_what_onnx_runtime_does() -> None:
    graph = tiny_net_graph()
    part = behind(graph, ["up"])
    for values in tensor_values(graph, [*part.sources, "scores"], frames(2)):
        found = TorchGraph(part.model)({name: torch.from_numpy(values[name]) for name in part.sources})
        assert np.abs(found.numpy() - values["scores"]).max() < 1e-4 * np.abs(values["scores"]).max()


def test_gradient_reaches_a_module_that_computes_a_node() -> None:
    graph = tiny_net_graph()
    part = behind(graph, ["last"])
    module = torch.nn.ConvTranspose2d(6, 4, 4, 2, 1)
    values = next(iter(tensor_values(graph, part.sources, frames(1))))
    network = TorchGraph(part.model, {"last": module})
    network({name: torch.from_numpy(values[name]) for name in part.sources}).square().sum().backward()
    assert module.weight.grad is not None
    assert module.weight.grad.abs().sum() > 0


def test_part_behind_some_nodes_gives_the_graphs_own_output_from_what_crosses_the_cut() -> None:
    graph = tiny_fcn_graph()
    for names in (["up.8"], ["up.16"], ["final", "up.16"]):
        part = behind(graph, names)
        assert set(names) <= {node.name for node in part.model.graph.node}
        assert len(part.model.graph.node) < len(graph.graph.node) / 2
        values = list(tensor_values(graph, [*part.sources, "scores"], frames(2)))
        again = run(part.model, [{name: one[name] for name in part.sources} for one in values])
        for expected, found in zip(values, again, strict=True):
            assert np.abs(found["scores"] - expected["scores"]).max() < 1e-4


def test_operator_without_a_gradient_is_refused_by_name() -> None:
    with pytest.raises(FcnEdgeError, match=r"no gradient through Floor \(node node\)"):
        TorchGraph(graph_of("Floor", [1, 2, 3, 4], [], {}))
