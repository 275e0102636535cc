from __future__ import annotations

import numpy as np
import pytest

from fcn_edge.backends.nvidia_cuda import Cuda
from fcn_edge.ground.errors import FcnEdgeError


class NoDriver:
    """A CUDA runtime on a machine without a driver: cudaErrorInsufficientDriver."""

    class cudaGetErrorString:  # noqa: N801 - CUDA's own name
        restype = None

    def cudaGetDeviceCount(self, count) -> int:  # noqa: N802 - CUDA's own name
        return 35


def test_device_has_the_name_and_compute_capability_of_the_driver(gpu) -> None:
    assert str(gpu.device()) == "Test GPU, sm87"


def test_a_machine_without_a_driver_has_no_gpu() -> None:
    cuda = Cuda(NoDriver())
    assert cuda.device_count() == 0
    with pytest.raises(FcnEdgeError, match="no NVIDIA GPU"):
        cuda.device()


def test_memory_goes_to_the_device_and_comes_back(gpu) -> None:
    sent = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    address = gpu.allocate(sent.nbytes)
    gpu.copy_in(address, sent)
    received = np.zeros_like(sent)
    gpu.copy_out(received, address)
    gpu.free(address)
    assert np.array_equal(sent, received)


def test_too_large_an_allocation_says_so_in_the_words_of_cuda(gpu) -> None:
    with pytest.raises(FcnEdgeError, match="CUDA error 2: out of memory"):
        gpu.allocate(1 << 40)
