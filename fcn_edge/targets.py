"""What a bundle can be compiled for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """How a target takes the network.

    tail: which graph it gets. engine: the backend that runs it in Python, or stands in for it where the
    target's own cannot run. weight_bits: of INT8 weights, unless a recipe says otherwise.
    """

    tail: str
    engine: str
    weight_bits: int


# 7 bits on CPUs: without VNNI they add products of 8-bit weights in 16 bits, which saturates (docs/int8.md)
TARGETS = {
    "openvino": Target(tail="scores", engine="openvino", weight_bits=7),
    "onnx": Target(tail="mask", engine="onnxruntime", weight_bits=7),
}
