"""A bundle at work: frame in, mask out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.backends import Engine, load_backend
from fcn_edge.backends.resize import resize_frame
from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.bundle.manifest import DRIFT
from fcn_edge.bundle.reader import Bundle, read_bundle
from fcn_edge.ground.artifacts import PathLike
from fcn_edge.ground.errors import FcnEdgeError, unknown_name
from fcn_edge.ground.targets import ORACLE, ORACLE_OPTIONS, TARGETS
from fcn_edge.quantize.drift import DriftMonitor, read_statistics


class Segmenter:
    """Turns frames of any size into class maps of the bundle's size. Not to be shared between threads."""

    def __init__(self, engine: Engine, size: tuple[int, int], stride: int | None) -> None:
        """stride: of the engine's scores; None when the engine gives masks."""
        self.engine, self.size, self._stride = engine, size, stride
        self.monitor: DriftMonitor | None = None  # set by open_bundle where the bundle can tell drift

    def __call__(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the uint8 (H, W) class ids at the bundle's size for a uint8 (h, w, 3) BGR frame."""
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            raise FcnEdgeError(
                f"frame is {frame.dtype} {frame.shape}",
                hint="pass a uint8 array (height, width, 3) in BGR order",
            )
        resized = np.ascontiguousarray(resize_frame(frame, self.size))
        output = self.engine.infer(resized)
        if self.monitor is not None:
            self.monitor.update(resized)
        if self._stride is None:
            return output
        return mask_from_scores(output, self._stride, self.size)

    @property
    def drift(self) -> dict[str, Any] | None:
        """How far the frames so far are from those calibrated on (docs/drift.md), or None: it cannot tell."""
        return self.monitor.to_json() if self.monitor else None

    def describe(self) -> dict[str, Any]:
        """Return the engine's name, version and device."""
        return self.engine.describe()


def open_bundle(path: PathLike, *, allow_ungated: bool = False, self_test: bool = True) -> Segmenter:
    """Verify a bundle, load its engine, run the golden frames and return the Segmenter.

    Raises FcnEdgeError when the gate did not pass (unless `allow_ungated`), or when this machine's engine
    does not give the golden masks.
    """
    bundle = read_bundle(path)
    if bundle.verdict != "pass" and not allow_ungated:
        raise FcnEdgeError(
            f"the INT8 gate of {bundle.path} says '{bundle.verdict}'",
            hint="compile it with data that it passes on, or allow ungated bundles (--allow-ungated)",
        )
    output = bundle.manifest["output"]
    target = bundle.manifest["target"]
    if target not in TARGETS:
        raise unknown_name(f"target in {bundle.path}", target, list(TARGETS))
    runs = TARGETS[target].engine or _device_engine(target)
    engine = load_backend(runs or ORACLE).open(
        bundle.model, bundle.path / "engines", {} if runs else ORACLE_OPTIONS
    )
    segmenter = Segmenter(engine, bundle.size, output["stride"] if output["tail"] == "scores" else None)
    if self_test:
        run_self_test(segmenter, bundle)
    segmenter.monitor = _monitor(bundle)
    return segmenter


def _monitor(bundle: Bundle) -> DriftMonitor | None:
    statistics = read_statistics(bundle.path / DRIFT) if DRIFT in bundle.manifest["files"] else None
    return DriftMonitor(statistics) if statistics else None


def _device_engine(target: str) -> str | None:
    """Return the target's own backend where this machine has the device for it."""
    backend: Any = load_backend(target)
    return target if backend.available() else None


def run_self_test(segmenter: Segmenter, bundle: Bundle) -> float:
    """Return the smallest agreement with a golden mask; below the bundle's limit it is an error."""
    limit = bundle.manifest["golden"]["min_agreement"]
    lowest = 1.0
    for frame, mask in bundle.golden():
        lowest = min(lowest, float((segmenter(frame) == mask).mean()))
    if lowest < limit:
        raise FcnEdgeError(
            f"{bundle.path}: the engine here gives {lowest:.2%} of the golden pixels, not {limit:.0%}",
            hint="compile the bundle on this machine",
        )
    return lowest
