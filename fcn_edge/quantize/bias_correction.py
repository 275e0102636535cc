"""Bias correction: the mean error that rounding the weights puts on every channel, taken back by the bias.

Rounding the few weights of a depthwise filter shifts the mean of its output (M. Nagel et al., "Data-Free
Quantization through Weight Equalization and Bias Correction", ICCV 2019, section 4.2). The expected shift
is (W_int8 - W) * E[x]; E[x] is what the fp32 network showed on the calibration frames. Biases are float in
the Q/DQ graph, so the correction costs nothing at run time.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from fcn_edge.network.nodes import LAYERS
from fcn_edge.quantize.ranges import Observed
from fcn_edge.quantize.weights import along, output_axis

Array = npt.NDArray[np.float32]


def correct_biases(
    fp32: onnx.ModelProto, quantized: onnx.ModelProto, seen: dict[str, Observed]
) -> dict[str, float]:
    """Correct the biases of `quantized`'s INT8 layers in place; return every layer's largest correction.

    Both graphs name their layers alike. seen: what the layers' inputs did on the calibration frames. A layer
    that reads another tensor (the graph's input), or whose bias is computed, is left as it is.
    """
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in fp32.graph.initializer}
    originals = {node.name: node for node in fp32.graph.node if node.op_type in LAYERS}
    values = {tensor.name: tensor for tensor in quantized.graph.initializer}
    largest = {}
    for node in quantized.graph.node:
        if node.op_type not in LAYERS or f"{node.name}.weight_q" not in values:
            continue
        original = originals[node.name]
        bias = _bias_of(original)
        if original.input[0] not in seen or (bias and bias not in weights):
            continue
        error = _dequantized(node, values) - weights[original.input[1]]
        shift = expected_output(original, error, seen[original.input[0]])
        _subtract_from_bias(quantized.graph, node, shift, values)
        largest[node.name] = float(np.abs(shift).max())
    return largest


def expected_output(layer: onnx.NodeProto, weight: Array, seen: Observed) -> Array:
    """Return the mean of every output channel of a layer with `weight` for inputs with the means seen.

    The layer runs once on an image that is constant in every channel, so padding, stride and transposition
    count as they do in the network.
    """
    import onnxruntime as ort

    image = np.broadcast_to(
        seen.mean.reshape(1, -1, *([1] * len(seen.size))), (1, len(seen.mean), *seen.size)
    ).astype(np.float32)
    node = helper.make_node(layer.op_type, ["x", "w"], ["y"])
    node.attribute.extend(layer.attribute)
    graph = helper.make_graph(
        [node],
        "layer",
        [
            helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, image.shape),
            helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, weight.shape),
        ],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": image, "w": weight.astype(np.float32)})[0].mean(
        axis=(0, *range(2, image.ndim))
    )


def _dequantized(node: onnx.NodeProto, values: dict[str, onnx.TensorProto]) -> Array:
    integers = numpy_helper.to_array(values[f"{node.name}.weight_q"]).astype(np.float32)
    scale = numpy_helper.to_array(values[f"{node.name}.weight_scale"])
    return integers * along(scale, output_axis(node.op_type), integers.ndim)


def _subtract_from_bias(
    graph: onnx.GraphProto, node: onnx.NodeProto, shift: Array, values: dict[str, onnx.TensorProto]
) -> None:
    """Give `node` a bias of its own: its old one (or zero) less `shift`."""
    old = np.zeros(len(shift), np.float32)
    if bias := _bias_of(node):
        old = numpy_helper.to_array(values[bias])
    del node.input[2:]
    name = f"{node.name}.bias_corrected"
    graph.initializer.append(numpy_helper.from_array((old - shift).astype(np.float32), name))
    node.input.append(name)


def _bias_of(layer: onnx.NodeProto) -> str:
    """Return the name of a layer's bias, empty if it has none."""
    return str(layer.input[2]) if len(layer.input) > 2 else ""
