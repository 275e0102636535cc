"""OpenVINO on the CPU: the default engine. The C++ runtime compiles with the same properties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.backends.cache import cache_folder
from fcn_edge.ground.errors import FcnEdgeError


def build(model_onnx: Path, out_dir: Path, options: dict[str, str]) -> dict[str, Any]:
    """Do nothing but say so: OpenVINO compiles at start and keeps a cache bound to the machine."""
    return {"engine": "openvino", "prebuilt": False, "why": "compiled at start, cached per machine"}


def open(model_onnx: Path, engines_dir: Path | None, options: dict[str, str]) -> OpenVinoEngine:
    """Compile `model_onnx` for the CPU. options: `threads` (default: all cores), `cache=off`."""
    return OpenVinoEngine(model_onnx, options)


class OpenVinoEngine:
    """A model compiled for the CPU; one request, not shared between threads."""

    def __init__(self, model_onnx: Path, options: dict[str, str]) -> None:
        import openvino as ov

        # f32 is asked for because a CPU with bf16 or f16 units would otherwise change the float layers'
        # results
        self._properties = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if "threads" in options:
            self._properties["INFERENCE_NUM_THREADS"] = options["threads"]
        if options.get("cache") != "off" and (cache := cache_folder("openvino")):
            self._properties["CACHE_DIR"] = str(cache)
        try:
            self._compiled = ov.Core().compile_model(str(model_onnx), "CPU", self._properties)
        except RuntimeError as error:
            raise FcnEdgeError(f"OpenVINO cannot compile {model_onnx}: {_last_line(error)}") from error
        self._request = self._compiled.create_infer_request()

    def infer(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return scores or mask of one frame (see backends.Engine)."""
        self._request.infer({0: frame[None]}, share_inputs=True)
        return np.array(self._request.get_output_tensor(0).data[0])

    def describe(self) -> dict[str, Any]:
        """Return engine, version, device name and properties."""
        import openvino as ov

        name = ov.Core().get_property("CPU", "FULL_DEVICE_NAME")
        properties = {key: value for key, value in self._properties.items() if key != "CACHE_DIR"}
        return {"engine": "openvino", "version": ov.__version__, "device": name, "properties": properties}


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
