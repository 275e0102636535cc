"""Engines that run model.onnx. One file each, all with the same two functions:

`build(model_onnx, out_dir, options) -> dict` prepares what can be built ahead of time and says what it did;
`open(model_onnx, engines_dir, options) -> Engine` returns something that infers one frame.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from fcn_edge.ground.errors import unknown_name

# engine name -> module; imported only when used, so that a missing engine hurts nobody else
BACKENDS = {
    "openvino": "fcn_edge.backends.openvino",
    "onnxruntime": "fcn_edge.backends.onnxruntime",
    "tensorrt": "fcn_edge.backends.tensorrt",
    "tensorrt-rtx": "fcn_edge.backends.tensorrt_rtx",
    "torch-tensorrt": "fcn_edge.backends.torch_tensorrt",
    "torchscript": "fcn_edge.backends.torchscript",
    "aoti": "fcn_edge.backends.aoti",
}


class Engine(Protocol):
    """A loaded network."""

    def infer(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return the output for a uint8 (H, W, 3) BGR frame of the network's own size.

        float32 (C, h, w) class scores, or uint8 (H, W) class ids, as the graph's tail says.
        """

    def describe(self) -> dict[str, Any]:
        """Return engine name, version, device and options, for reports."""


class Backend(Protocol):
    """What each module of BACKENDS offers."""

    def build(self, model_onnx: Path, out_dir: Path, options: dict[str, str]) -> dict[str, Any]:
        """Prepare the engine under `out_dir`; return what was done, for the manifest."""

    def open(self, model_onnx: Path, engines_dir: Path | None, options: dict[str, str]) -> Engine:
        """Load the model."""


def load_backend(name: str) -> Backend:
    """Return the module of an engine; an unknown name lists the valid ones."""
    if name not in BACKENDS:
        raise unknown_name("engine", name, list(BACKENDS))
    return cast(Backend, import_module(BACKENDS[name]))
