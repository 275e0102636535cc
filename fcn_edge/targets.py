"""What a bundle can be compiled for: one row a target."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """How a target takes the network.

    tail: which graph it gets, class scores or the finished mask. engine: the backend that runs it in Python;
    None where that takes a device which need not be here, so that the oracle (ONNX Runtime, every node as the
    standard defines it) stands in. weight_bits: of INT8 weights, unless a recipe says otherwise; None for
    targets that are float only.
    """

    tail: str
    engine: str | None
    weight_bits: int | None


# CPUs get 7 bits: without VNNI they add products with 8-bit weights in 16 bits, which saturates
# (docs/int8.md)
TARGETS = {
    "openvino": Target(tail="scores", engine="openvino", weight_bits=7),
    "onnx": Target(tail="mask", engine="onnxruntime", weight_bits=7),
    "tensorrt": Target(tail="mask", engine=None, weight_bits=8),
    "tensorrt-rtx": Target(tail="mask", engine=None, weight_bits=8),
    "torch-tensorrt": Target(tail="mask", engine=None, weight_bits=8),
    "torchscript": Target(tail="scores", engine="torchscript", weight_bits=None),
    "aoti": Target(tail="scores", engine="aoti", weight_bits=None),
}
ORACLE = "onnxruntime"
ORACLE_OPTIONS = {"optimize": "off"}
