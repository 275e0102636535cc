"""Small networks and stand-ins for what a test machine lacks."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "golden"))

SIZE = (45, 61)  # odd on purpose


def random_frames(count: int, seed: int) -> list[npt.NDArray[np.uint8]]:
    """Smooth colour noise: neighbouring pixels are alike, as in photographs."""
    import cv2

    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 5, 7, 3), dtype=np.uint8)
    return [cv2.resize(image, SIZE[::-1], interpolation=cv2.INTER_CUBIC) for image in coarse]


@pytest.fixture(scope="session")
def tiny_fcn():
    from tiny_fcn import TinyFCN

    return TinyFCN()


@pytest.fixture(scope="session")
def models(tiny_fcn, tmp_path_factory) -> dict[str, Path]:
    """fp32 and INT8 graphs of the tiny network with the mask tail, and fp32 with scores."""
    from fcn_edge.network.onnx_export import export_onnx
    from fcn_edge.quantize.calibration import CalibrationSet
    from fcn_edge.quantize.qdq import quantize_onnx
    from fcn_edge.quantize.recipe import Recipe

    folder = tmp_path_factory.mktemp("models")
    paths = {name: folder / f"{name}.onnx" for name in ("fp32", "int8", "scores")}
    export_onnx(tiny_fcn, SIZE, "mask", paths["fp32"])
    export_onnx(tiny_fcn, SIZE, "scores", paths["scores"])
    frames = random_frames(8, seed=0)
    calibration = CalibrationSet(frames, [str(i) for i in range(8)], "noise", 0, "")
    quantize_onnx(paths["fp32"], calibration, Recipe(), paths["int8"])
    return paths


@pytest.fixture(scope="session")
def cuda_library(tmp_path_factory) -> ctypes.CDLL:
    """The CUDA stand-in of the C++ tests as a shared library: real ctypes calls, no GPU."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++ to compile the CUDA stand-in with")
    sources = ROOT / "cpp_runtime" / "tests" / "nvinfer_double"
    library = tmp_path_factory.mktemp("cuda") / "libcudart.so"
    files = [str(sources / name) for name in ("cuda_double.cpp", "nvinfer_double.cpp")]
    command = [compiler, "-std=c++17", "-shared", "-fPIC", f"-I{sources}", *files, "-o", str(library)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


@pytest.fixture
def gpu(cuda_library, monkeypatch):
    """A machine whose CUDA runtime is the stand-in: one GPU called "Test GPU", sm87."""
    from fcn_edge.backends import nvidia_cuda

    runtime = nvidia_cuda.Cuda(cuda_library)
    for name in ("nvidia_cuda", "nvidia_engine", "tensorrt", "tensorrt_rtx"):
        monkeypatch.setattr(f"fcn_edge.backends.{name}.cuda", lambda: runtime)
    return runtime


@pytest.fixture
def trt(gpu, monkeypatch, tmp_path):
    """A machine with TensorRT 10.3 and an empty cache."""
    from . import tensorrt_stand_in

    monkeypatch.setitem(sys.modules, "tensorrt", tensorrt_stand_in)
    monkeypatch.setenv("FCN_EDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tensorrt_stand_in, "refuse_engines", 0)
    tensorrt_stand_in.Builder.configs.clear()
    return tensorrt_stand_in
