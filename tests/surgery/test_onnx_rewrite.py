"""Surgery on ONNX files, judged by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models.upsample import bilinear_kernel
from fcn_edge.surgery.onnx_rewrite import compare, rewrite, rewrite_file


def random_graph(seed: int) -> onnx.ModelProto:
    """Return a graph of one ConvTranspose with random attributes; its padding may differ before and after."""
    rng = np.random.default_rng(seed)
    while True:
        stride = [int(rng.integers(1, 5))] * 2
        kernel, size = rng.integers(1, 9, 2), rng.integers(1, 8, 2)
        pads, extra = rng.integers(0, 4, 4), rng.integers(0, stride)
        if all((size[i] - 1) * stride[i] + kernel[i] + extra[i] - pads[i] - pads[i + 2] > 0 for i in (0, 1)):
            break
    groups = int(rng.integers(1, 3))
    channels = rng.integers(1, 4, 2) * groups
    weight = rng.standard_normal((channels[0], channels[1] // groups, *kernel)).astype(np.float32)
    bias = rng.standard_normal(channels[1]).astype(np.float32)
    return deconv_graph(
        weight, bias, (1, int(channels[0]), *map(int, size)),
        strides=stride, pads=[int(p) for p in pads], output_padding=[int(e) for e in extra], group=groups,
    )  # fmt: skip


def deconv_graph(
    weight: np.ndarray, bias: np.ndarray | None, shape: tuple[int, ...], **attributes
) -> onnx.ModelProto:
    inputs = ["x", "w"] + (["b"] if bias is not None else [])
    node = helper.make_node("ConvTranspose", inputs, ["y"], "up", **attributes)
    tensors = [numpy_helper.from_array(weight, "w")]
    if bias is not None:
        tensors.append(numpy_helper.from_array(bias, "b"))
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", "c", "h", "w"])],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def test_rewrite_to_subpixel_changes_no_output_of_random_layers() -> None:
    for seed in range(60):
        before = random_graph(seed)
        after, (row,) = rewrite(before, "subpixel")
        assert row.chosen == "subpixel"
        assert "ConvTranspose" not in [node.op_type for node in after.graph.node]
        (found,) = compare(before, after, seed)
        assert found.relative < 1e-5, f"seed {seed}: {found}"


def test_rewrite_to_resize_conv_keeps_the_size_and_reports_the_residual() -> None:
    rewritten = 0
    for seed in range(60):
        before = random_graph(seed)
        after, (row,) = rewrite(before, "resize-conv")
        (found,) = compare(before, after, seed)  # raises when the shape changes
        rewritten += row.chosen == "resize-conv"
        if row.chosen == "resize-conv" and row.residual < 1e-6:
            assert found.relative < 1e-5, f"seed {seed}: {found}"
    assert rewritten > 20


def test_fitted_bilinear_form_keeps_the_size_of_random_layers() -> None:
    for seed in range(60):
        before = random_graph(seed)
        after, (row,) = rewrite(before, "bilinear")
        assert row.chosen == "bilinear"
        compare(before, after, seed)


@pytest.mark.parametrize("stride", [2, 4, 8])
@pytest.mark.parametrize("padding", [0, 1, 3])
def test_auto_turns_a_bilinear_kernel_into_a_resize_and_changes_nothing(stride: int, padding: int) -> None:
    weight = bilinear_kernel(stride, 3).numpy()
    before = deconv_graph(weight, None, (1, 3, 5, 6), strides=[stride] * 2, pads=[padding] * 4)
    after, (row,) = rewrite(before)
    assert row.chosen == "bilinear"
    assert "Resize" in [node.op_type for node in after.graph.node]
    assert compare(before, after)[0].relative < 1e-6


def test_nodes_that_cannot_be_rewritten_are_kept_with_the_reason() -> None:
    weight = np.ones((2, 2, 4, 4), np.float32)
    dilated = deconv_graph(weight, None, (1, 2, 5, 5), strides=[2, 2], dilations=[2, 2])
    assert rewrite(dilated)[1][0].why == "kept: dilation (2, 2) is not supported"
    uneven = deconv_graph(weight, None, (1, 2, 5, 5), strides=[2, 1])
    assert "DepthToSpace needs one stride" in rewrite(uneven)[1][0].why
    same = deconv_graph(weight, None, (1, 2, 5, 5), strides=[2, 2], auto_pad="SAME_UPPER")
    assert "auto_pad" in rewrite(same)[1][0].why
    assert rewrite(same)[1][0].chosen == "keep"


def test_file_is_rewritten_compared_and_saved(tmp_path: Path) -> None:
    onnx.save(random_graph(1), tmp_path / "in.onnx")
    result = rewrite_file(tmp_path / "in.onnx", tmp_path / "out.onnx", "subpixel")
    assert result["outputs"][0]["relative"] < 1e-5
    onnx.checker.check_model(onnx.load(tmp_path / "out.onnx"), full_check=True)


def test_graph_without_conv_transpose_says_so(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3))],
    )
    onnx.save(helper.make_model(graph), tmp_path / "relu.onnx")
    assert "nothing to operate on" in rewrite_file(tmp_path / "relu.onnx", None)["note"]


def test_broken_or_missing_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(FcnEdgeError, match="is not a valid ONNX file"):
        rewrite_file(tmp_path / "bad.onnx", None)
    with pytest.raises(FcnEdgeError, match="no such file"):
        rewrite_file(tmp_path / "none.onnx", None)
