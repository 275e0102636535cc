"""What a bundle can be compiled for: one row a target."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """How a target takes the network.

    tail: which graph it gets, class scores or the finished mask. engine: the backend that runs it in
    Python; None where that takes a device which need not be here, so that the oracle (ONNX Runtime, every
    node as the standard defines it) stands in. weights: range of INT8 weights (quantize.qdq) unless a
    recipe says otherwise; None for targets that are float only. half: what is not INT8 computes in float16.
    """

    tail: str
    engine: str | None
    weights: str | None
    half: bool = False


# CPUs get paired ranges: without VNNI they add two products in 16 bits, which saturates (docs/int8.md)
TARGETS = {
    "openvino": Target(tail="scores", engine="openvino", weights="pairs"),
    "onnx": Target(tail="mask", engine="onnxruntime", weights="pairs"),
    "tensorrt": Target(tail="mask", engine=None, weights="full", half=True),
    "tensorrt-rtx": Target(tail="mask", engine=None, weights="full", half=True),
    "torch-tensorrt": Target(tail="mask", engine=None, weights="full", half=True),
    "torchscript": Target(tail="scores", engine="torchscript", weights=None),
    "aoti": Target(tail="scores", engine="aoti", weights=None),
}
ORACLE = "onnxruntime"
ORACLE_OPTIONS = {"optimize": "off"}
