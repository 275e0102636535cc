"""ONNX Runtime on the CPU: the oracle that other engines are compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.ground.errors import FcnEdgeError


def build(model_onnx: Path, out_dir: Path, options: dict[str, str]) -> dict[str, Any]:
    """Do nothing but say so: ONNX Runtime reads model.onnx itself."""
    return {"engine": "onnxruntime", "prebuilt": False, "why": "reads model.onnx"}


def open(model_onnx: Path, engines_dir: Path | None, options: dict[str, str]) -> OnnxRuntimeEngine:
    """Load `model_onnx`. options: `threads`; `optimize=off` runs every node as the standard defines it."""
    return OnnxRuntimeEngine(model_onnx, options)


class OnnxRuntimeEngine:
    """A session on the CPU."""

    def __init__(self, model_onnx: Path, options: dict[str, str]) -> None:
        import onnxruntime as ort

        settings = ort.SessionOptions()
        settings.log_severity_level = 3  # errors only
        settings.intra_op_num_threads = int(options.get("threads", 0))
        self._optimize = options.get("optimize", "on")
        if self._optimize == "off":
            settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session = ort.InferenceSession(
                str(model_onnx), settings, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime has its own exception types, all private
            raise FcnEdgeError(f"ONNX Runtime cannot load {model_onnx}: {error}") from error
        self._input = self._session.get_inputs()[0].name

    def infer(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return scores or mask of one frame (see backends.Engine)."""
        return np.asarray(self._session.run(None, {self._input: frame[None]})[0])[0]

    def describe(self) -> dict[str, Any]:
        """Return engine, version, device and options."""
        import onnxruntime as ort

        return {
            "engine": "onnxruntime",
            "version": ort.__version__,
            "device": "CPU",
            "optimize": self._optimize,
        }
