"""The few calls of the CUDA runtime that running an engine takes, through ctypes: no CUDA package is needed.

JetPack and the CUDA toolkit install libcudart.so; nothing here is loaded before a GPU is asked for.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.ground.errors import FcnEdgeError

LIBRARIES = ("libcudart.so", "libcudart.so.13", "libcudart.so.12")
_TO_DEVICE, _TO_HOST = 1, 2  # cudaMemcpyKind
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76  # cudaDeviceAttr


@dataclass(frozen=True)
class Device:
    """A GPU: its name as the driver gives it, and its compute capability (87 means 8.7)."""

    name: str
    sm: int

    def __str__(self) -> str:
        return f"{self.name}, sm{self.sm}"


class Cuda:
    """The CUDA runtime library; every failed call is an error with CUDA's own words."""

    def __init__(self, library: Any) -> None:
        self._library = library
        library.cudaGetErrorString.restype = ctypes.c_char_p

    def device_count(self) -> int:
        """Return the number of GPUs; 0 also when there is no driver (CUDA calls that an error)."""
        count = ctypes.c_int(0)
        return count.value if self._library.cudaGetDeviceCount(ctypes.byref(count)) == 0 else 0

    def device(self) -> Device:
        """Return GPU 0; none is an error."""
        if self.device_count() == 0:
            raise FcnEdgeError("no NVIDIA GPU here (CUDA finds no device)", hint="check it with nvidia-smi")
        major, minor = (self._attribute(code) for code in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR))
        # the name is the first field, 256 bytes, of a struct whose rest differs between CUDA versions
        properties = ctypes.create_string_buffer(1 << 16)
        newest = getattr(self._library, "cudaGetDeviceProperties_v2", None)
        self._check((newest or self._library.cudaGetDeviceProperties)(properties, 0))
        return Device(properties.value.decode("ascii", "replace"), 10 * major + minor)

    def allocate(self, size: int) -> int:
        """Return the address of `size` bytes of device memory."""
        address = ctypes.c_void_p()
        self._check(self._library.cudaMalloc(ctypes.byref(address), ctypes.c_size_t(size)))
        return address.value or 0

    def free(self, address: int) -> None:
        """Give device memory back."""
        self._library.cudaFree(ctypes.c_void_p(address))

    def stream(self) -> int:
        """Return a new stream."""
        handle = ctypes.c_void_p()
        self._check(self._library.cudaStreamCreate(ctypes.byref(handle)))
        return handle.value or 0

    def copy_in(self, address: int, array: npt.NDArray[Any]) -> None:
        """Copy a contiguous array to device memory."""
        self._copy(address, array.ctypes.data, array.nbytes, _TO_DEVICE)

    def copy_out(self, array: npt.NDArray[Any], address: int) -> None:
        """Copy device memory to a contiguous array."""
        self._copy(array.ctypes.data, address, array.nbytes, _TO_HOST)

    def synchronize(self, stream: int) -> None:
        """Wait for everything on the stream."""
        self._check(self._library.cudaStreamSynchronize(ctypes.c_void_p(stream)))

    def _copy(self, to: int, source: int, size: int, kind: int) -> None:
        parameters = (ctypes.c_void_p(to), ctypes.c_void_p(source), ctypes.c_size_t(size), kind)
        self._check(self._library.cudaMemcpy(*parameters))

    def _attribute(self, code: int) -> int:
        value = ctypes.c_int(0)
        self._check(self._library.cudaDeviceGetAttribute(ctypes.byref(value), code, 0))
        return value.value

    def _check(self, status: int) -> None:
        if status != 0:
            text = self._library.cudaGetErrorString(status) or b"unknown"
            raise FcnEdgeError(f"CUDA error {status}: {text.decode('ascii', 'replace')}")


@cache
def cuda() -> Cuda:
    """Return the CUDA runtime of this machine; without one, a sentence that says what is missing."""
    for name in LIBRARIES:
        try:
            return Cuda(ctypes.CDLL(name))
        except OSError:
            continue
    raise FcnEdgeError(
        "no CUDA runtime library here (libcudart.so)", hint="on a Jetson: sudo apt install nvidia-jetpack"
    )


class DeviceArray:
    """Device memory of one tensor, freed with the object."""

    def __init__(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self.host = np.zeros(shape, dtype)
        self._cuda = cuda()
        self.address = self._cuda.allocate(self.host.nbytes)

    def __del__(self) -> None:
        if address := getattr(self, "address", 0):
            self._cuda.free(address)

    def upload(self, value: npt.NDArray[Any]) -> None:
        """Copy `value` (same shape and dtype) to the device."""
        array = np.ascontiguousarray(value, self.host.dtype)
        if array.size != self.host.size:
            raise FcnEdgeError(f"the engine takes {self.host.shape}, not {array.shape}")
        self._cuda.copy_in(self.address, array)

    def download(self) -> npt.NDArray[Any]:
        """Return the device's content; the array is used again by the next call."""
        self._cuda.copy_out(self.host, self.address)
        return self.host
