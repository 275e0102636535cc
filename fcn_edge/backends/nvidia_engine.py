"""Running a built engine on the GPU from Python. TensorRT and TensorRT-RTX have the same calls for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.backends.nvidia_builder import build_log
from fcn_edge.backends.nvidia_cuda import Device, DeviceArray, cuda
from fcn_edge.ground.errors import FcnEdgeError


class NvidiaEngine:
    """A deserialized engine on GPU 0; one frame at a time."""

    def __init__(self, name: str, trt: Any, plan: bytes, device: Device) -> None:
        self._name, self._trt, self._device = name, trt, device
        log = build_log(trt)
        self._runtime = trt.Runtime(log)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise FcnEdgeError(f"TensorRT refuses the engine: {log.complaint()}")
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise FcnEdgeError(f"TensorRT cannot run the engine: {log.complaint()}")
        self._input, self._output = self._tensor("INPUT"), self._tensor("OUTPUT")
        self._stream = cuda().stream()

    def _tensor(self, mode: str) -> DeviceArray:
        """Return the device memory of the one uint8 tensor of a mode, bound to the context."""
        engine, wanted = self._engine, getattr(self._trt.TensorIOMode, mode)
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        names = [name for name in names if engine.get_tensor_mode(name) == wanted]
        if len(names) != 1 or engine.get_tensor_dtype(names[0]) != self._trt.DataType.UINT8:
            raise FcnEdgeError(f"the engine's {mode.lower()} is not one uint8 tensor: {names}")
        array = DeviceArray(tuple(engine.get_tensor_shape(names[0])), np.uint8)
        self._context.set_tensor_address(names[0], array.address)
        return array

    def infer(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return the uint8 (H, W) mask of one frame (see backends.Engine)."""
        self._input.upload(frame)
        if not self._context.execute_async_v3(self._stream):
            raise FcnEdgeError(f"TensorRT failed on a frame: {build_log(self._trt).complaint()}")
        cuda().synchronize(self._stream)
        return self._output.download()[0].copy()

    def describe(self) -> dict[str, Any]:
        """Return engine, version and device."""
        return {"engine": self._name, "version": self._trt.__version__, "device": str(self._device)}
