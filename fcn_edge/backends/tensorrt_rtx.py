"""TensorRT-RTX: engines for NVIDIA desktop GPUs, built ahead of time on a machine that has none.

The wheels are an optional extra under NVIDIA's own licence: `pip install 'fcn-edge[tensorrt-rtx]'`. An engine
runs on the compute capabilities it was built for; Jetson is not among them (see backends/tensorrt.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcn_edge.backends.cache import cache_folder
from fcn_edge.backends.nvidia_builder import build_engine
from fcn_edge.backends.nvidia_cuda import cuda
from fcn_edge.backends.nvidia_engine import NvidiaEngine
from fcn_edge.backends.nvidia_key import EngineKey, find_engine, release, store_engine
from fcn_edge.backends.nvidia_layers import precision_report, read_listing, require_int8
from fcn_edge.ground.artifacts import sha256_file
from fcn_edge.ground.errors import FcnEdgeError, unknown_name

OPTIONS = ("base", "compute_capabilities")  # `base` has done its work by then, see quantize/half.py
INSTALL = "pip install 'fcn-edge[tensorrt-rtx]'"
CAPABILITIES = "80+86+89+120"  # Ampere to Blackwell; 75 (Turing) would turn every convolution to float


def build(model_onnx: Path, out_dir: Path, options: dict[str, str]) -> dict[str, Any]:
    """Build the engine under `out_dir`/tensorrt-rtx and return its key, file and measured precisions.

    options: `compute_capabilities`, joined by "+", e.g. "86+89". The convolutions that were quantized must
    come out as INT8 kernels, else this is an error; see nvidia_layers.
    """
    import onnx

    for name in options:
        if name not in OPTIONS:
            raise unknown_name("engine option", name, OPTIONS)
    trt = library()
    capabilities = parse_capabilities(trt, options.get("compute_capabilities", CAPABILITIES))
    plan, log = build_engine(trt, model_onnx, lambda config: _aim(trt, config, capabilities))
    model = onnx.load(model_onnx)
    precision = precision_report(read_listing(log), model)
    require_int8(precision, model, "TensorRT-RTX")
    device = "+".join(f"sm{number}" for number in capabilities)
    key = EngineKey(sha256_file(model_onnx), "tensorrt-rtx", release(trt.__version__), device)
    path = store_engine(out_dir, key, plan, {"precision": precision.to_json()})
    return {
        "engine": "tensorrt-rtx",
        "prebuilt": True,
        "file": path.relative_to(out_dir).as_posix(),
        "key": key.to_json(),
        "layers": {"int8": len(precision.int8), "float": len(precision.float)},
        "float_layers": list(precision.float),
        "kernels": precision.kernels,
    }


def build_on_device(model_onnx: Path, out_dir: Path, options: dict[str, str]) -> dict[str, Any]:
    """Build the engine of this machine's GPU under `out_dir`/tensorrt-rtx; no GPU is an error."""
    return build(model_onnx, out_dir, {"compute_capabilities": str(cuda().device().sm)})


def available() -> bool:
    """Return whether this machine can run engines from Python."""
    try:
        library(), cuda().device()
    except FcnEdgeError:
        return False
    return True


def open(model_onnx: Path, engines_dir: Path | None, options: dict[str, str]) -> NvidiaEngine:
    """Load an engine for this machine's RTX GPU from the bundle or the cache."""
    trt, device = library(), cuda().device()
    key = EngineKey(sha256_file(model_onnx), "tensorrt-rtx", release(trt.__version__), f"sm{device.sm}")
    cache = cache_folder("tensorrt-rtx")
    for folder in (engines_dir, cache and cache.parent):
        if plan := find_engine(folder, key, device.sm):
            return NvidiaEngine("tensorrt-rtx", trt, plan, device)
    raise FcnEdgeError(
        f"the bundle has no engine of TensorRT-RTX {key.version} for sm{device.sm}",
        hint="type fcn-edge build-engine BUNDLE",
    )


def library() -> Any:
    """Return the module of the optional wheel; without it, one sentence that says how to get it."""
    try:
        import tensorrt_rtx_bindings as trt
    except (ImportError, OSError) as error:
        raise FcnEdgeError("the TensorRT-RTX wheels are not installed", hint=INSTALL) from error
    return trt


def parse_capabilities(trt: Any, text: str) -> tuple[int, ...]:
    """Return the compute capabilities of "80+86" in rising order; unknown ones list what the wheel offers."""
    offered = [name[2:] for name in trt.ComputeCapability.__members__ if name.startswith("SM")]
    wanted = [part.strip().lower().removeprefix("sm") for part in text.split("+")]
    for number in wanted:
        if number not in offered:
            raise unknown_name("compute capability", number, sorted(offered, key=int))
    return tuple(sorted({int(number) for number in wanted}))


def _aim(trt: Any, config: Any, capabilities: tuple[int, ...]) -> None:
    config.num_compute_capabilities = len(capabilities)
    for index, number in enumerate(capabilities):
        config.set_compute_capability(getattr(trt.ComputeCapability, f"SM{number}"), index)
