"""Each graph TensorRT refuses or mangles (docs/int8.md) is found, with the node's name in the message."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.quantize.lint import lint, refuse_if_found
from quantize.graphs import FLOAT, INT8, UINT8, graph, node, weight

SCALE = np.float32(0.1)


def findings(model: onnx.ModelProto) -> dict[str, str]:
    """Return {rule: text} and make sure that every text names its node."""
    found = lint(model)
    assert all(finding.node in str(finding) for finding in found)
    return {finding.rule: str(finding) for finding in found}


def quantize_dequantize(zero: np.ndarray) -> onnx.ModelProto:
    nodes = [node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z", "y")]
    return graph(nodes, {"s": np.array(SCALE), "z": zero})


def test_symmetric_int8_pairs_are_legal() -> None:
    assert findings(quantize_dequantize(np.array(0, np.int8))) == {}


def test_zero_point_other_than_zero_is_found() -> None:
    texts = [str(finding) for finding in lint(quantize_dequantize(np.array(3, np.int8)))]
    assert texts[0].startswith("the_QuantizeLinear: zero point 3 is not 0")
    assert texts[1].startswith("the_DequantizeLinear: zero point 3 is not 0")


def test_uint8_quantization_is_found_also_where_it_is_only_the_default() -> None:
    texts = [str(finding) for finding in lint(quantize_dequantize(np.array(0, np.uint8)))]
    assert texts[0].startswith("the_QuantizeLinear: quantizes to uint8")
    nodes = [node("QuantizeLinear", "x s", "q"), node("DequantizeLinear", "q s", "y")]
    assert "uint8" in findings(graph(nodes, {"s": np.array(SCALE)}))


def test_int32_bias_behind_dequantize_is_found() -> None:
    nodes = [node("DequantizeLinear", "b s", "bias"), node("Conv", "x w bias", "y")]
    constants = {"b": np.zeros(4, np.int32), "s": np.array(SCALE), "w": weight()}
    assert (
        "the_DequantizeLinear: dequantizes an INT32 bias" in findings(graph(nodes, constants))["int32-bias"]
    )


def test_qlinearconv_is_found() -> None:
    constants = {
        "s": np.array(SCALE), "z": np.array(0, np.int8), "w": np.ones((4, 4, 1, 1), np.int8),
    }  # fmt: skip
    model = graph([node("QLinearConv", "x s z w s z s z", "y")], constants, ("x", INT8), ("y", INT8))
    assert "the_QLinearConv: operator QLinearConv" in findings(model)["qlinear"]


def test_maxpool_with_indices_and_maxunpool_are_found() -> None:
    nodes = [
        node("MaxPool", "x", "p i", kernel_shape=[2, 2], strides=[2, 2]),
        node("MaxUnpool", "p i", "y", kernel_shape=[2, 2], strides=[2, 2]),
    ]
    found = findings(graph(nodes))
    assert "the_MaxPool: MaxPool returns indices" in found["pool-indices"]
    assert "the_MaxUnpool: operator MaxUnpool" in found["max-unpool"]


def test_uint8_input_read_by_anything_but_cast_is_found() -> None:
    nodes = [node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("Cast", "t", "y", to=FLOAT)]
    found = findings(graph(nodes, inputs=("x", UINT8)))
    assert "the_Transpose: reads the uint8 input x" in found["uint8-input"]
    assert findings(graph([node("Cast", "x", "y", to=FLOAT)], inputs=("x", UINT8))) == {}


def test_uint8_output_made_by_anything_but_cast_is_found() -> None:
    nodes = [node("Cast", "x", "c", to=UINT8), node("Identity", "c", "y")]
    found = findings(graph(nodes, outputs=("y", UINT8)))
    assert "the_Identity: makes the uint8 output y" in found["uint8-output"]
    assert "the_Cast: makes uint8 tensor c inside the graph" in found["uint8-inside"]
    assert findings(graph([node("Cast", "x", "y", to=UINT8)], outputs=("y", UINT8))) == {}


def test_float16_meeting_float32_is_found() -> None:
    nodes = [node("Add", "x h", "y")]
    found = findings(graph(nodes, {"h": np.ones((1,), np.float16)}))
    assert "the_Add: Add reads FLOAT and FLOAT16" in found["mixed-float"]


def test_refusal_is_one_sentence_that_counts_the_rest() -> None:
    found = lint(quantize_dequantize(np.array(3, np.uint8)))
    assert len(found) == 4
    with pytest.raises(FcnEdgeError, match=r"the INT8 graph is not a legal INT8 graph: .* \(and 3 more\)"):
        refuse_if_found(found, "the INT8 graph")
