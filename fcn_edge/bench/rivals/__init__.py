"""Other runtimes on the same network, for `fcn-edge bench --against` and benchmarks/race.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

from fcn_edge.bench.rivals import predictors
from fcn_edge.bench.rivals.context import RivalContext

__all__ = ["RIVALS", "Rival", "RivalContext"]


@dataclass(frozen=True)
class Rival:
    """One way to run a network, the package it needs and how to get that."""

    prepare: Callable[[RivalContext], predictors.Predict]
    package: str
    pip: str

    @property
    def settings(self) -> str:
        """How it is set up, in words."""
        return (self.prepare.__doc__ or "").strip()

    @property
    def version(self) -> str:
        """The first package that pip installs for it, and which version of it is here."""
        name = self.pip.split()[0]
        try:
            return f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            return name


RIVALS: dict[str, Rival] = {
    "torch": Rival(predictors.torch_eager, "torch", "torch"),
    "torch-compile": Rival(predictors.torch_compile, "torch", "torch"),
    "onnxruntime": Rival(predictors.onnxruntime_int8, "onnxruntime", "onnxruntime"),
    "onnxruntime-fp32": Rival(predictors.onnxruntime_fp32, "onnxruntime", "onnxruntime"),
    "openvino-graph": Rival(predictors.openvino_nncf, "nncf", "nncf"),
    "openvino-fp32": Rival(predictors.openvino_fp32, "openvino", "openvino"),
    "opencv-dnn": Rival(predictors.opencv_dnn, "cv2", "opencv-python-headless"),
    "litert": Rival(predictors.litert_int8, "litert_torch", "litert-torch"),
    "ncnn": Rival(predictors.ncnn_fp32, "ncnn", "ncnn pnnx"),
}
