"""Placement: which layer makes the class scores."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fcn_edge.quantize.placement import score_layers, share_carrier_ranges
from quantize.graphs import graph, node


def network(kernel: int, last: str) -> onnx.ModelProto:
    """Return conv -> ReLU -> `last` (a scoring conv of that kernel, or an addition) -> a crop."""
    rng = np.random.default_rng(kernel)
    weights = {
        "w0": rng.standard_normal((4, 3, 3, 3)),
        "w1": rng.standard_normal((4, 4, kernel, kernel)),
        "from": np.array([0, 0]), "to": np.array([5, 5]), "axes": np.array([2, 3]),
    }  # fmt: skip
    constants = [
        numpy_helper.from_array(value.astype(np.float32 if name[0] == "w" else np.int64), name)
        for name, value in weights.items()
    ]
    pads = [kernel // 2] * 4
    scored = (
        helper.make_node("Conv", ["b", "w1"], ["c"], "scoring", pads=pads)
        if last == "Conv"
        else helper.make_node("Add", ["b", "a"], ["c"], "sum")
    )
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["a"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        scored,
        helper.make_node("Slice", ["c", "from", "to", "axes"], ["y"], "crop"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 6, 6])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 5, 5])
    return helper.make_model(helper.make_graph(nodes, "net", [x], [y], constants))


@pytest.mark.parametrize(
    ("kernel", "last", "found"), [(1, "Conv", ("scoring",)), (3, "Conv", ()), (1, "Add", ())]
)
def test_only_a_1x1_layer_that_makes_the_scores_stays_float(
    kernel: int, last: str, found: tuple[str, ...]
) -> None:
    assert score_layers(network(kernel, last)) == found


@pytest.mark.parametrize("ranges", [(1.0, 4.0, 2.0), (4.0, 1.0, 2.0), (2.0, 1.0, 4.0)])
def test_a_chain_of_carriers_takes_the_largest_of_its_ranges(ranges: tuple[float, ...]) -> None:
    nodes = [
        node("Relu", "x", "a"),
        node("MaxPool", "a", "b", kernel_shape=[2, 2]),
        node("MaxPool", "b", "c", kernel_shape=[2, 2]),
        node("Relu", "c", "d"),
    ]
    found = {**dict(zip("abc", ranges, strict=True)), "d": 0.5}
    share_carrier_ranges(graph(nodes), found)
    assert found == {"a": 4.0, "b": 4.0, "c": 4.0, "d": 0.5}  # Relu is no carrier
