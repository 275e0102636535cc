"""Bias correction: the mean error that quantization puts on every channel, taken back through the bias.

Rounding the few weights of a depthwise filter shifts the mean of its output (M. Nagel et al., "Data-Free
Quantization through Weight Equalization and Bias Correction", ICCV 2019). The shift is measured on
calibration frames against the fp32 network and subtracted from the layer's bias, which is float in the Q/DQ
graph: free at run time.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from fcn_edge.quantize.ranges import tensor_values

GROUPS = (
    8  # layers are corrected in this many steps along the graph, each on top of the corrections before it
)


def correct_biases(
    fp32: onnx.ModelProto,
    quantized: onnx.ModelProto,
    frames: list[npt.NDArray[np.uint8]],
    groups: int = GROUPS,
) -> dict[str, float]:
    """Correct the biases of `quantized` in place; return for every layer its largest correction.

    Both graphs name their tensors alike. Frames: uint8 (H, W, 3).
    """
    layers = [node for node in quantized.graph.node if node.op_type in ("Conv", "ConvTranspose")]
    layers = [node for node in layers if node.input[1].endswith("_dq")]
    outputs = [node.output[0] for node in layers]
    target = channel_means(fp32, outputs, frames)
    largest = {}
    for part in np.array_split(np.arange(len(layers)), min(groups, len(layers))):
        now = channel_means(quantized, [outputs[index] for index in part], frames)
        for index in part:
            shift = now[outputs[index]] - target[outputs[index]]
            _add_to_bias(quantized.graph, layers[index], -shift)
            largest[layers[index].name] = float(np.abs(shift).max())
    return largest


def channel_means(
    model: onnx.ModelProto, tensors: list[str], frames: list[npt.NDArray[np.uint8]]
) -> dict[str, npt.NDArray[np.float64]]:
    """Return the mean of every channel of (1, C, h, w) tensors over all frames."""
    total: dict[str, npt.NDArray[np.float64]] = {}
    for values in tensor_values(model, tensors, frames):
        for name, value in values.items():
            total[name] = total.get(name, 0) + value.mean(axis=(0, 2, 3), dtype=np.float64)
    return {name: value / len(frames) for name, value in total.items()}


def _add_to_bias(graph: onnx.GraphProto, node: onnx.NodeProto, change: npt.NDArray[np.float64]) -> None:
    """Give `node` a bias of its own: its old one (or zero) plus `change`."""
    old = np.zeros(len(change), np.float32)
    if len(node.input) > 2:
        old = numpy_helper.to_array(next(t for t in graph.initializer if t.name == node.input[2]))
        node.input.pop()
    name = f"{node.name}.bias_corrected"
    graph.initializer.append(numpy_helper.from_array((old + change).astype(np.float32), name))
    node.input.append(name)
