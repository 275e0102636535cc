"""TensorRT-RTX: engines for NVIDIA desktop GPUs, built ahead of time on a machine that has none.

The wheels are an optional extra under NVIDIA's own licence: `pip install 'fcn-edge[tensorrt-rtx]'`. An engine
runs on the compute capabilities it was built for; Jetson is not among them (see backends/tensorrt.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcn_edge.artifacts import sha256_file
from fcn_edge.backends.nvidia_builder import build_engine
from fcn_edge.backends.nvidia_cuda import cuda
from fcn_edge.backends.nvidia_engine import NvidiaEngine
from fcn_edge.backends.nvidia_key import EngineKey, find_engine_of, release, store_engine
from fcn_edge.backends.nvidia_layers import precision_report, read_listing, require_int8
from fcn_edge.errors import FcnEdgeError, unknown_name

INSTALL = "pip install 'fcn-edge[tensorrt-rtx]'"
CAPABILITIES = "80+86+89+120"  # Ampere to Blackwell; 75 (Turing) would turn every convolution to float


def build(model_onnx: Path, out_dir: Path, options: dict[str, str]) -> dict[str, Any]:
    """Build the engine under `out_dir`/tensorrt-rtx and return its key, file and measured precisions.

    options: `compute_capabilities`, joined by "+", e.g. "86+89". The convolutions that were quantized must
    come out as INT8 kernels, else this is an error; see nvidia_layers.
    """
    import onnx

    trt = library()
    capabilities = parse_capabilities(trt, options.get("compute_capabilities", CAPABILITIES))
    model = onnx.load(model_onnx)
    plan, log = build_engine(trt, model_onnx, lambda config: _aim(trt, config, capabilities))
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


def open(model_onnx: Path, engines_dir: Path | None, options: dict[str, str]) -> NvidiaEngine:
    """Load the bundle's engine on this machine's RTX GPU."""
    trt, device = library(), cuda().device()
    plan = find_engine_of(engines_dir, "tensorrt-rtx", sha256_file(model_onnx), release(trt.__version__))
    if plan is None:
        raise FcnEdgeError(
            f"the bundle has no engine of TensorRT-RTX {trt.__version__} for its model.onnx",
            hint="type fcn-edge build-engine BUNDLE",
        )
    return NvidiaEngine("tensorrt-rtx", trt, plan, device)


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
