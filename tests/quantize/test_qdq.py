"""Q/DQ insertion against ONNX Runtime's own quantizer and against integer arithmetic by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from golden.make_golden import smooth_frames
from golden.tiny_fcn import TinyFCN
from onnx import numpy_helper

from fcn_edge.ground.errors import MisuseError
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.lint import lint
from fcn_edge.quantize.placement import (
    activations_to_quantize,
    layer_names,
    never_negative,
    share_carrier_ranges,
)
from fcn_edge.quantize.qdq import insert_qdq, quantize_onnx
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.quantize.weights import quantize_weight
from quantize.graphs import graph, node, weight


@pytest.fixture(scope="module")
def fp32(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_onnx(TinyFCN(), (48, 64), "scores", tmp_path_factory.mktemp("fp32") / "m.onnx")


@pytest.fixture(scope="module")
def calibration() -> CalibrationSet:
    return CalibrationSet(smooth_frames(8), [f"{i}" for i in range(8)], "smooth noise", 0, "")


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_weights_and_scales_equal_those_of_onnxruntimes_quantizer(
    fp32: Path, calibration: CalibrationSet, tmp_path: Path
) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    class Reader:
        def __init__(self) -> None:
            self.left = [{"frame": frame[None]} for frame in calibration.frames]

        def get_next(self) -> dict[str, np.ndarray] | None:
            return self.left.pop() if self.left else None

    quantize_static(
        str(fp32), str(tmp_path / "ort.onnx"), Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, op_types_to_quantize=["Conv",
        "ConvTranspose"], extra_options={
            "ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False,
            "OpTypesToExcludeOutputQuantization": ["Conv"],
        },
    )  # fmt: skip
    quantize_onnx(
        fp32, calibration, Recipe("minmax", weights="full", equalize=False, bias_correction=False),
        tmp_path / "ours.onnx",
    )  # fmt: skip
    theirs, ours = constants(onnx.load(tmp_path / "ort.onnx")), constants(onnx.load(tmp_path / "ours.onnx"))
    compared = 0
    for name in ("backbone.0.0", "backbone.1.1.0", "backbone.2.0", "score16", "up16", "up8"):
        weights = theirs[f"fcn.{name}.weight_quantized"].astype(int), ours[f"{name}.weight_q"].astype(int)
        assert np.abs(weights[0] - weights[1]).max() <= 1, name  # halves may round either way
        np.testing.assert_allclose(
            theirs[f"fcn.{name}.weight_scale"], ours[f"{name}.weight_scale"], rtol=1e-5
        )
        compared += 1
    for name in ("Clip_0", "Clip_2", "backbone.1.1.3", "Add_1"):
        np.testing.assert_allclose(theirs[f"{name}_scale"], ours[f"{name}_scale"], rtol=0.01, err_msg=name)
        compared += 1
    assert compared == 10


@pytest.mark.parametrize("weights", ["full", "pairs"])
@pytest.mark.parametrize("axis", [0, 1])
def test_integer_weights_are_within_half_a_step_of_the_float_ones(weights: str, axis: int) -> None:
    for seed in range(20):
        original = weight(seed, (5, 6, 3, 3))
        original[:, 2] = original[3] = 0
        integers, scale = quantize_weight(original, axis, weights)
        scale = scale.reshape([-1 if i == axis else 1 for i in range(4)])
        assert np.all(np.abs(integers * scale - original) <= scale / 2 * 1.001), seed


@pytest.mark.parametrize("shape", [(8, 6, 3, 3), (8, 7, 1, 1), (8, 1, 5, 5)])
def test_sums_of_two_products_with_bytes_fit_in_16_bits_with_paired_ranges_only(
    shape: tuple[int, ...],
) -> None:
    saturates = 0
    for seed in range(20):
        original = weight(seed, shape)
        for kind in ("full", "pairs"):
            integers = quantize_weight(original, 0, kind)[0].astype(np.int32)
            pairs = integers[:, : shape[1] // 2 * 2].reshape(shape[0], -1, 2, *shape[2:])
            worst = 255 * np.stack([np.maximum(pairs, 0).sum(2), np.minimum(pairs, 0).sum(2)])
            fits = worst.size == 0 or (worst.min() >= -(2**15) and worst.max() < 2**15)
            saturates += kind == "full" and not fits
            assert fits or kind == "full", (seed, kind)
    assert saturates == (20 if shape[1] > 1 else 0)


def test_quantized_graph_is_legal_and_close_to_the_original(
    fp32: Path, calibration: CalibrationSet, tmp_path: Path
) -> None:
    from fcn_edge.backends import load_backend

    report = quantize_onnx(fp32, calibration, Recipe("minmax", weights="full"), tmp_path / "q.onnx")
    model = onnx.load(tmp_path / "q.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert lint(model) == []
    assert len(report.int8_layers) == 11
    assert min(report.weight_sqnr_db.values()) > 30
    oracle = load_backend("onnxruntime")
    before = oracle.open(fp32, None, {})
    after = oracle.open(tmp_path / "q.onnx", None, {"optimize": "off"})
    errors, signal = 0.0, 0.0
    for frame in calibration.frames:
        expected = before.infer(frame)
        errors += float(np.square(after.infer(frame) - expected).sum())
        signal += float(np.square(expected).sum())
    assert 10 * np.log10(signal / errors) > 20


def test_float_layers_keep_float_weights_and_unquantized_inputs(
    fp32: Path, calibration: CalibrationSet, tmp_path: Path
) -> None:
    recipe = Recipe(float_layers=("backbone.0.0", "up8"))
    report = quantize_onnx(fp32, calibration, recipe, tmp_path / "q.onnx")
    assert report.float_layers == ["backbone.0.0", "up8"]
    nodes = {one.name: one for one in onnx.load(tmp_path / "q.onnx").graph.node}
    assert not nodes["up8"].input[0].endswith("_dq")
    assert not nodes["up8"].input[1].endswith("_dq")
    assert nodes["up16"].input[0].endswith("_dq")
    assert nodes["up16"].input[1].endswith("_dq")


def test_unknown_float_layer_is_misuse_that_lists_the_layers(fp32: Path, calibration: CalibrationSet) -> None:
    with pytest.raises(MisuseError, match=r"unknown layer in float_layers 'score9'; did you mean 'score8'"):
        quantize_onnx(fp32, calibration, Recipe(float_layers=("score9",)), Path("never.onnx"))


def residual_block() -> onnx.ModelProto:
    """conv -> (conv, conv) -> Add -> Relu -> MaxPool -> conv: a ResNet downsampling block."""
    nodes = [
        node("Conv", "x w0", "a"),
        node("Conv", "a w1", "b"),
        node("Conv", "a w2", "c"),
        node("Add", "b c", "sum"),
        node("Relu", "sum", "r"),
        node("MaxPool", "r", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "p w3", "y"),
    ]
    for index, one in enumerate(nodes):
        one.name = f"n{index}"
    return graph(nodes, {f"w{i}": weight(i, (4, 4, 1, 1)) for i in range(4)})


def test_both_sides_of_a_residual_addition_and_of_a_pool_are_quantized() -> None:
    model = residual_block()
    assert activations_to_quantize(model) == ["a", "b", "c", "r", "p"]
    ranges = {"a": 1.0, "b": 2.0, "c": 3.0, "r": 4.0, "p": 5.0}
    share_carrier_ranges(model, ranges)
    insert_qdq(model, ranges, layer_names(model), "full")
    scales = constants(model)
    assert scales["r_scale"] == scales["p_scale"] == np.float32(5 / 127)  # a pool carries integers through
    readers = {one.name: list(one.input) for one in model.graph.node}
    assert readers["n3"] == ["b_dq", "c_dq"]
    assert readers["n5"] == ["r_dq"]
    assert readers["n6"][0] == "p_dq"


def test_uint8_is_used_where_nothing_is_negative_and_comes_closer(
    fp32: Path, calibration: CalibrationSet, tmp_path: Path
) -> None:
    from fcn_edge.backends import load_backend

    oracle, error, ranges = load_backend("onnxruntime"), {}, {}
    for kind in ("int8", "uint8"):
        path = tmp_path / f"{kind}.onnx"
        recipe = Recipe("minmax", activations=kind, weights="full", equalize=False)
        ranges[kind] = quantize_onnx(fp32, calibration, recipe, path).ranges
        engines = [oracle.open(file, None, {"optimize": "off"}) for file in (fp32, path)]
        scores = [np.stack([engine.infer(frame) for frame in calibration.frames]) for engine in engines]
        error[kind] = float(np.square(scores[1] - scores[0]).sum())
    assert error["uint8"] < 0.7 * error["int8"]
    assert ranges["uint8"] == ranges["int8"]
    written = constants(onnx.load(tmp_path / "uint8.onnx"))
    kinds = {name: written[f"{name}_zero"].dtype for name in ranges["uint8"]}
    assert {name for name, dtype in kinds.items() if dtype == np.uint8} == {
        f"Clip_{i}" for i in range(6) if f"Clip_{i}" in kinds
    }
    assert written["Clip_0_scale"] == pytest.approx(ranges["uint8"]["Clip_0"] / 255)
    assert written["Add_0_scale"] == pytest.approx(ranges["uint8"]["Add_0"] / 127)
    assert {finding.rule for finding in lint(onnx.load(tmp_path / "uint8.onnx"))} == {"uint8"}


def test_tensors_that_cannot_be_negative_are_found_through_sums_and_pooling() -> None:
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["a"], "conv"),
        onnx.helper.make_node("Relu", ["a"], ["b"]),
        onnx.helper.make_node("Clip", ["a", "zero", "six"], ["c"]),
        onnx.helper.make_node("Clip", ["a", "minus", "six"], ["d"]),
        onnx.helper.make_node("Add", ["b", "c"], ["e"]),
        onnx.helper.make_node("Add", ["b", "a"], ["f"]),
        onnx.helper.make_node("Add", ["b", "minus"], ["g"]),
        onnx.helper.make_node("MaxPool", ["e"], ["h"], kernel_shape=[2, 2]),
        onnx.helper.make_node("Conv", ["h", "w"], ["y"], "last"),
    ]
    values = {"zero": 0, "six": 6, "minus": -1}
    numbers = {name: np.array(value, np.float32) for name, value in values.items()}
    assert never_negative(graph(nodes, {"w": weight(), **numbers})) == {"b", "c", "e", "h"}
