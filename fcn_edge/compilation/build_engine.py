"""`fcn-edge build-engine`: on the device, a bundle's engine from its model.onnx, self-tested again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcn_edge.backends import load_backend, nvidia_cuda
from fcn_edge.backends.cache import cache_folder
from fcn_edge.bundle import Bundle, Segmenter, read_bundle
from fcn_edge.bundle.segmenter import run_self_test
from fcn_edge.ground.errors import FcnEdgeError, MisuseError

Note = Callable[[str], None]
TARGETS = ("tensorrt", "tensorrt-rtx")


@dataclass(frozen=True)
class BuiltEngine:
    """An engine of this machine. agreement: smallest share of golden pixels it reproduces, 0..1."""

    bundle: Path
    file: Path
    seconds: float
    agreement: float
    engine: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what `fcn-edge build-engine --json` prints."""
        return {
            "bundle": str(self.bundle), "file": str(self.file), "seconds": round(self.seconds, 1),
            "agreement": self.agreement, **self.engine,
        }  # fmt: skip


def build_engine(path: Path, options: dict[str, str], progress: Note | None = None) -> BuiltEngine:
    """Build the engine of the bundle at `path` for this machine's GPU, keep it in the cache, self-test it.

    options: those of the bundle's backend (backends/tensorrt.py). The bundle itself is not changed: its
    hashes stay valid, and a read-only bundle works too. Raises FcnEdgeError without a GPU or its library,
    when a quantized layer comes out float, or when the engine does not reproduce the golden masks.
    """
    note = progress or (lambda text: None)
    bundle = read_bundle(path)
    target = bundle.manifest["target"]
    if target not in TARGETS:
        raise MisuseError(
            f"{path} is for {target}, which has no engine to build on the device",
            hint=f"only {' and '.join(TARGETS)} bundles do; stream this one as it is",
        )
    cache = cache_folder(target)
    if cache is None:
        raise FcnEdgeError("no cache folder can be written", hint="point FCN_EDGE_CACHE at one that can")
    backend: Any = load_backend(target)
    backend.library(), nvidia_cuda.cuda().device()  # say now what is missing, not after an announcement
    note(f"building the {target} engine of {bundle.name}; this takes minutes on a small device")
    start = time.perf_counter()
    facts = backend.build_on_device(bundle.model, cache.parent, options)
    seconds = time.perf_counter() - start
    note(f"built in {seconds:.0f} s; running the golden frames")
    agreement = self_test(bundle, backend, options)
    return BuiltEngine(path, cache.parent / facts.pop("file"), seconds, agreement, facts)


def self_test(bundle: Bundle, backend: Any, options: dict[str, str]) -> float:
    """Return the smallest agreement of the device's engine with a golden mask; too little is an error."""
    engine = backend.open(bundle.model, bundle.path / "engines", options)
    output = bundle.manifest["output"]
    stride = output["stride"] if output["tail"] == "scores" else None
    return run_self_test(Segmenter(engine, bundle.size, stride), bundle)
