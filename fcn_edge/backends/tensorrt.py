"""TensorRT 10.3 and later, 11 included: INT8 engines on Jetson and on data-centre GPUs.

An engine is bound to the library's version and to the GPU, so it is built on the device that runs it: at
compile time where that is this machine, else later by `fcn-edge build-engine`. Networks are strongly typed
(the only kind TensorRT 11 has), so the Q/DQ graph alone decides what is INT8.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fcn_edge.backends.cache import cache_folder
from fcn_edge.backends.nvidia_builder import build_engine
from fcn_edge.backends.nvidia_cuda import Device, cuda
from fcn_edge.backends.nvidia_engine import NvidiaEngine
from fcn_edge.backends.nvidia_key import EngineKey, find_engine, release, store_engine
from fcn_edge.backends.nvidia_layers import precision_report, read_listing, require_int8
from fcn_edge.ground.artifacts import atomic_write_bytes, sha256_file
from fcn_edge.ground.errors import FcnEdgeError, MisuseError, unknown_name

OLDEST = (10, 3)
OPTIONS = ("base", "level", "workspace_mb")  # `base` has done its work by then, see quantize/half.py
NEXT = "fcn-edge build-engine {bundle}"  # where there is no Python: fcn-edge-stream {bundle} --build-engine


@dataclass(frozen=True)
class BuildOptions:
    """What changes the engine.

    workspace_mb: scratch memory the builder may plan with, None for all there is. level: how long the builder
    searches, 0 (fast build) to 5 (thorough).
    """

    workspace_mb: int | None = None
    level: int = 3

    def to_key(self) -> dict[str, str]:
        """Return the options as they enter the engine's key."""
        workspace = "all" if self.workspace_mb is None else str(self.workspace_mb)
        return {"level": str(self.level), "workspace_mb": workspace}


def parse_options(options: dict[str, str]) -> BuildOptions:
    """Return the options of this backend; an unknown one, or a number out of range, is misuse."""
    for name in options:
        if name not in OPTIONS:
            raise unknown_name("engine option", name, OPTIONS)
    workspace = options.get("workspace_mb")
    return BuildOptions(
        None if workspace is None else _number("workspace_mb", workspace, 1, 1 << 20),
        _number("level", options.get("level", "3"), 0, 5),
    )


def _number(name: str, text: str, low: int, high: int) -> int:
    if not text.isdigit() or not low <= int(text) <= high:
        raise MisuseError(f"{name}={text}", hint=f"give a whole number from {low} to {high}")
    return int(text)


def build(model_onnx: Path, out_dir: Path, options: dict[str, str]) -> dict[str, Any]:
    """Build the engine under `out_dir`/tensorrt where there is a GPU and TensorRT; else say what to type.

    options: `workspace_mb`, `level`. Returns the engine's file, key and measured precisions, or `next`.
    """
    parsed = parse_options(options)
    try:
        trt, device = library(), cuda().device()
    except FcnEdgeError as reason:
        return {"engine": "tensorrt", "prebuilt": False, "why": reason.what, "next": NEXT}
    return build_here(trt, device, model_onnx, out_dir, parsed)


def build_here(
    trt: Any, device: Device, model_onnx: Path, out_dir: Path, options: BuildOptions
) -> dict[str, Any]:
    """Build the engine of this GPU, store it under `out_dir`/tensorrt and return what it is.

    The builder's timings of kernels are kept per machine, so that the next build is faster; the C++ runtime
    uses the same file.
    """
    folder = cache_folder("tensorrt")
    timings = folder / f"timing-{release(trt.__version__)}-sm{device.sm}.cache" if folder else None

    def configure(config: Any) -> None:
        config.builder_optimization_level = options.level
        if options.workspace_mb is not None:
            config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mb << 20)
        known = timings.read_bytes() if timings and timings.is_file() else b""
        _use_timings(config, known)

    def keep_timings(config: Any) -> None:
        if timings and (cache := config.get_timing_cache()):
            atomic_write_bytes(timings, bytes(cache.serialize()))

    plan, log = build_engine(trt, model_onnx, configure, keep_timings)
    facts = _precision(log, model_onnx)
    key = engine_key(trt, device, model_onnx, options)
    path = store_engine(out_dir, key, plan, facts)
    return {
        "engine": "tensorrt", "prebuilt": True, "file": path.relative_to(out_dir).as_posix(),
        "key": key.to_json(), **facts,
    }  # fmt: skip


def _use_timings(config: Any, known: bytes) -> None:
    """Start from earlier timings; what the library does not take (damaged, another GPU) is measured anew."""
    cache = config.create_timing_cache(known)
    if cache is None or not config.set_timing_cache(cache, False):
        config.set_timing_cache(config.create_timing_cache(b""), False)


def engine_key(trt: Any, device: Device, model_onnx: Path, options: BuildOptions) -> EngineKey:
    """Return the identity of the engine of this model on this machine; the C++ runtime computes the same."""
    return EngineKey(
        sha256_file(model_onnx), "tensorrt", release(trt.__version__), str(device), options.to_key()
    )


def _precision(log: str, model_onnx: Path) -> dict[str, Any]:
    """Return the layers' measured precisions; a quantized convolution that came out float is an error.

    A listing in another format than those known is said to be unread: the engine may still be right, and the
    golden self-test decides about its masks.
    """
    import onnx

    model = onnx.load(model_onnx)
    try:
        precision = precision_report(read_listing(log), model)
    except FcnEdgeError as error:
        return {"precision_unread": error.what}
    require_int8(precision, model, "TensorRT")
    layers = {"int8": len(precision.int8), "float": len(precision.float)}
    return {"layers": layers, "float_layers": list(precision.float), "kernels": precision.kernels}


def library() -> Any:
    """Return the tensorrt module, 10.3 or later; missing or older is one sentence."""
    try:
        import tensorrt as trt
    except (ImportError, OSError) as error:
        raise FcnEdgeError(
            "the tensorrt Python package is not installed",
            hint="on a Jetson: sudo apt install python3-libnvinfer; elsewhere: pip install tensorrt",
        ) from error
    if _release(trt.__version__) < OLDEST:
        raise FcnEdgeError(
            f"TensorRT {trt.__version__} is too old", hint="10.3 or later is needed (JetPack 6.1 or later)"
        )
    return trt


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def available() -> bool:
    """Return whether this machine can run engines from Python."""
    try:
        library(), cuda().device()
    except FcnEdgeError:
        return False
    return True


def build_on_device(model_onnx: Path, out_dir: Path, options: dict[str, str]) -> dict[str, Any]:
    """Build the engine of this machine's GPU under `out_dir`/tensorrt; no TensorRT or no GPU is an error."""
    return build_here(library(), cuda().device(), model_onnx, out_dir, parse_options(options))


def open(model_onnx: Path, engines_dir: Path | None, options: dict[str, str]) -> NvidiaEngine:
    """Load the engine of this machine: from the bundle, else from the cache, else built now and cached.

    Without `options` any engine of this model, library and GPU will do, the newest first.
    """
    parsed = parse_options(options)
    trt, device = library(), cuda().device()
    key = engine_key(trt, device, model_onnx, parsed)
    asked = replace(key, options={name: key.options[name] for name in key.options if name in options})
    cache = cache_folder("tensorrt")
    for folder in (engines_dir, cache and cache.parent):
        if plan := find_engine(folder, asked, device.sm):
            with contextlib.suppress(FcnEdgeError):  # of another build of the same version: build it again
                return NvidiaEngine("tensorrt", trt, plan, device)
    with tempfile.TemporaryDirectory() as temporary:
        out_dir = cache.parent if cache else Path(temporary)
        built = build_here(trt, device, model_onnx, out_dir, parsed)
        return NvidiaEngine("tensorrt", trt, (out_dir / built["file"]).read_bytes(), device)
