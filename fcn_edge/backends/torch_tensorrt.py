"""Torch-TensorRT: the TensorRT engine wrapped in a TorchScript module, for programs built on LibTorch.

Torch-TensorRT needs a CUDA build of PyTorch and TensorRT's libraries, so it is an optional extra, imported
only here; this project's tests do not run it. Its own INT8 quantizer is not used: the engine is built from
the same Q/DQ model.onnx as every other target's, and only wrapped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcn_edge.backends import tensorrt
from fcn_edge.ground.artifacts import atomic_write_bytes
from fcn_edge.ground.errors import FcnEdgeError

FILE = Path("torch-tensorrt") / "model.ts"
INSTALL = "on a machine with an NVIDIA GPU: pip install 'fcn-edge[torch-tensorrt]', then compile there again"


def available() -> bool:
    """Return False: the wrapped engine is for LibTorch programs, the oracle stands in here."""
    return False


def build(model_onnx: Path, out_dir: Path, options: dict[str, str]) -> dict[str, Any]:
    """Build the TensorRT engine and wrap it as `out_dir`/torch-tensorrt/model.ts; else say what to type."""
    try:
        torch_tensorrt = library()
    except FcnEdgeError as reason:
        return {"engine": "torch-tensorrt", "prebuilt": False, "why": reason.what, "next": INSTALL}
    built = tensorrt.build_on_device(model_onnx, out_dir, options)
    module = torch_tensorrt.ts.embed_engine_in_new_module(
        (out_dir / built["file"]).read_bytes(), input_binding_names=["frame"], output_binding_names=["mask"]
    )
    atomic_write_bytes(out_dir / FILE, module.save_to_buffer())
    return {**built, "engine": "torch-tensorrt", "file": FILE.as_posix()}


def open(model_onnx: Path, engines_dir: Path | None, options: dict[str, str]) -> Any:
    """Refuse: the module is for programs that load it with LibTorch."""
    raise FcnEdgeError(
        "a torch-tensorrt bundle is loaded by your own LibTorch program",
        hint=f"load engines/{FILE.as_posix()} with torch::jit::load; compile --target tensorrt to stream",
    )


def library() -> Any:
    """Return the torch_tensorrt module; without it, one sentence."""
    try:
        import torch_tensorrt
    except (ImportError, OSError) as error:
        raise FcnEdgeError("torch-tensorrt is not installed or finds no CUDA", hint=INSTALL) from error
    return torch_tensorrt
