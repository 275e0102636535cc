"""Graphs as other exporters write them: nameless nodes, Constant nodes, empty inputs, older opsets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.equalize import groups
from fcn_edge.quantize.placement import int8_layers, layer_names
from fcn_edge.quantize.qdq import insert_qdq, quantize_onnx
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.quantize.weights import sqnr_db
from quantize.graphs import graph, weight

FRAMES = [weight(seed, (4, 8, 8)) for seed in range(8)]
CALIBRATION = CalibrationSet(FRAMES, [f"{i}" for i in range(8)], "noise", 0, "")  # type: ignore[arg-type]
RECIPE = Recipe("minmax", weights="full", float_scores=False)


def bare(kind: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    """Return a node without a name."""
    return helper.make_node(kind, inputs, [output], **attributes)


def constant(name: str, value: np.ndarray) -> onnx.NodeProto:
    return bare("Constant", [], name, value=numpy_helper.from_array(value))


def run(model: onnx.ModelProto) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(["y"], {"x": frame[None]})[0] for frame in FRAMES])


def quantized(model: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    """Return the Q/DQ form of a model, whose outputs must be near those of the original."""
    onnx.save(model, folder / "fp32.onnx")
    quantize_onnx(folder / "fp32.onnx", CALIBRATION, RECIPE, folder / "int8.onnx")
    made = onnx.load(folder / "int8.onnx")
    assert sqnr_db(run(model), run(made)) > 25
    return made


def names(model: onnx.ModelProto) -> set[str]:
    return {tensor.name for tensor in model.graph.initializer}


def test_layers_without_a_name_are_quantized_one_by_one(tmp_path: Path) -> None:
    nodes = [
        bare("Conv", ["x", "a"], "p"), bare("Relu", ["p"], "q"),
        bare("Conv", ["q", "b"], "r"), bare("Conv", ["r", "c"], "y"),
    ]  # fmt: skip
    constants = {name: weight(seed, (4, 4, 3, 3)) for seed, name in enumerate("abc")}
    model = graph(nodes, constants)
    assert layer_names(graph(nodes, constants)) == ["Conv_0", "Conv_2", "Conv_3"]
    made = quantized(model, tmp_path)
    assert {"Conv_0.weight_q", "Conv_2.weight_q", "Conv_3.weight_q"} <= names(made)
    for name in ("Conv_2", "y"):
        assert name in {*layer_names(made), "y"}


def test_layers_of_one_name_are_told_apart() -> None:
    nodes = [helper.make_node("Conv", [a, "w"], [b], name) for a, b, name in
             [("x", "p", "same"), ("p", "q", "Conv_2"), ("q", "y", "same")]]  # fmt: skip
    model = graph(nodes, {"w": weight()})
    found = layer_names(model)
    assert len(set(found)) == 3
    assert found[:2] == ["same", "Conv_2"]
    insert_qdq(model, {"p": 1.0}, ["same"], "full")
    readers = {node.name: list(node.input) for node in model.graph.node}
    assert readers["same"][1] == "same.weight_dq"
    assert readers[found[2]] == ["q", "w"]


def test_weights_and_biases_in_constant_nodes(tmp_path: Path) -> None:
    nodes = [
        constant("w", weight(0, (4, 4, 3, 3))), constant("b", weight(1, (4,))),
        bare("Conv", ["x", "w", "b"], "p"), bare("Relu", ["p"], "q"),
        constant("v", weight(2, (4, 4, 3, 3))), bare("Conv", ["q", "v"], "y"),
    ]  # fmt: skip
    made = quantized(graph(nodes), tmp_path)
    assert {"Conv_2.weight_q", "Conv_5.weight_q", "Conv_5.bias_corrected"} <= names(made)


def test_an_empty_bias_name_is_no_bias(tmp_path: Path) -> None:
    nodes = [
        bare("Conv", ["x", "a", ""], "p"), bare("Relu", ["p"], "q"), bare("Conv", ["q", "b", ""], "y"),
    ]  # fmt: skip
    made = quantized(graph(nodes, {"a": weight(0), "b": weight(1)}), tmp_path)
    assert "Conv_2.bias_corrected" in names(made)


def test_layers_whose_weights_are_computed_or_double_stay_float(tmp_path: Path) -> None:
    nodes = [
        bare("Conv", ["x", "a"], "p"), bare("Relu", ["p"], "q"),
        bare("Mul", ["b", "half"], "scaled"), bare("Conv", ["q", "scaled"], "r"),
        bare("Conv", ["r", "c"], "y"),
    ]  # fmt: skip
    constants = {name: weight(seed) for seed, name in enumerate("abc")}
    model = graph(nodes, {**constants, "half": np.array(0.5, np.float32)})
    made = quantized(model, tmp_path)
    assert {"Conv_0.weight_q", "Conv_4.weight_q"} <= names(made)
    assert not any(name.startswith("Conv_3") for name in names(made))
    double = graph([bare("Conv", ["x", "w"], "y")], {"w": weight().astype(np.float64)})
    assert int8_layers(double) == []


def test_a_computed_bias_is_left_alone(tmp_path: Path) -> None:
    nodes = [
        bare("Conv", ["x", "a"], "p"), bare("Relu", ["p"], "q"),
        bare("Mul", ["b", "b"], "squared"), bare("Conv", ["q", "c", "squared"], "y"),
    ]  # fmt: skip
    model = graph(nodes, {"a": weight(0), "b": weight(1, (4,)), "c": weight(2)})
    made = quantized(model, tmp_path)
    assert "Conv_3.weight_q" in names(made)
    assert "Conv_3.bias_corrected" not in names(made)


@pytest.mark.parametrize(("axes", "free"), [([2, 3], True), ([1], False), (None, False)])
@pytest.mark.parametrize("kind", ["ReduceMean", "Slice"])
def test_axes_as_attributes_as_inputs_or_left_out(kind: str, axes: list[int] | None, free: bool) -> None:
    for as_input in (False, True):
        inputs, attributes = ["p"], {} if axes is None or as_input else {"axes": axes}
        if kind == "Slice" and as_input:
            inputs += ["starts", "ends"]
        inputs += ["axes"] if axes is not None and as_input else []
        nodes = [bare("Conv", ["x", "a"], "p"), bare(kind, inputs, "q", **attributes),
                 bare("Conv", ["q", "b"], "y")]  # fmt: skip
        constants = {"a": weight(0), "b": weight(1), "axes": np.array(axes or [0])}
        constants |= {"starts": np.zeros(1, np.int64), "ends": np.ones(1, np.int64)}
        found = {frozenset(group.tensors): group for group in groups(graph(nodes, constants))}
        assert next(group for tensors, group in found.items() if "q" in tensors).free is free


def test_constants_that_only_a_graph_inside_a_node_reads_stay(tmp_path: Path) -> None:
    branch = helper.make_graph(
        [bare("Mul", ["p", "outer"], "b")], "branch", [],
        [helper.make_tensor_value_info("b", onnx.TensorProto.FLOAT, None)],
    )  # fmt: skip
    nodes = [
        bare("Conv", ["x", "a"], "p"), bare("If", ["yes"], "q", then_branch=branch, else_branch=branch),
        bare("Conv", ["q", "c"], "y"),
    ]  # fmt: skip
    constants = {"a": weight(0), "c": weight(1), "yes": np.array(True), "outer": np.array(2, np.float32)}
    made = quantized(graph(nodes, constants), tmp_path)
    assert "outer" in names(made)


def test_a_weight_that_is_declared_as_an_input_leaves_with_it() -> None:
    model = graph([bare("Conv", ["x", "a"], "y")], {"a": weight()})
    model.graph.input.append(helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, (4, 4, 3, 3)))
    insert_qdq(model, {}, layer_names(model), "full")
    assert [value.name for value in model.graph.input] == ["x"]
    run(model)


def test_an_old_opset_is_refused_in_one_line(tmp_path: Path) -> None:
    model = graph(
        [bare("Conv", ["x", "a"], "p"), bare("Conv", ["p", "b"], "y")], {"a": weight(), "b": weight(1)}
    )
    model.opset_import[0].version = 12
    onnx.save(model, tmp_path / "old.onnx")
    with pytest.raises(FcnEdgeError, match=r"old.onnx has ONNX opset 12, INT8 needs 13 or later"):
        quantize_onnx(tmp_path / "old.onnx", CALIBRATION, RECIPE, tmp_path / "q.onnx")
    assert not (tmp_path / "q.onnx").exists()
