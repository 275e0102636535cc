"""The range table: what a network's activations did on a calibration set, bound to both by their hashes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from fcn_edge.artifacts import atomic_write_json, read_json, sha256_file
from fcn_edge.errors import FcnEdgeError
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.placement import activations_to_quantize
from fcn_edge.quantize.ranges import Observed, Progress, observe


@dataclass(frozen=True)
class RangeTable:
    """Per tensor what it did; valid for one ONNX file and one calibration set only."""

    model_sha256: str
    calibration_sha256: str
    seen: dict[str, Observed]

    def check(self, fp32_onnx: Path) -> None:
        """Raise FcnEdgeError unless the table was measured on this very network."""
        if self.model_sha256 != sha256_file(fp32_onnx):
            raise FcnEdgeError(
                f"the range table is stale: measured on network {self.model_sha256[:12]}, "
                f"this is {sha256_file(fp32_onnx)[:12]}",
                hint="measure it again: ranges of other weights or another size mean nothing",
            )


def measure_ranges(
    fp32_onnx: Path, calibration: CalibrationSet, *, histograms: bool = True, progress: Progress | None = None
) -> RangeTable:
    """Run the network over the calibration frames (twice with histograms) and return what its tensors did."""
    model = onnx.load(fp32_onnx)
    seen = observe(model, activations_to_quantize(model), calibration.frames, histograms, progress)
    return RangeTable(sha256_file(fp32_onnx), calibration.sha256, seen)


def write_table(path: Path, table: RangeTable) -> Path:
    """Write a table as JSON, atomically."""
    tensors = {
        name: {
            "peak": one.peak,
            "peaks": one.peaks.tolist(),
            "mean": one.mean.tolist(),
            "size": list(one.size),
            "histogram": one.histogram.tolist(),
        }
        for name, one in table.seen.items()
    }
    about = {"model_sha256": table.model_sha256, "calibration_sha256": table.calibration_sha256}
    return atomic_write_json(path, {**about, "tensors": tensors})


def read_table(path: Path, fp32_onnx: Path) -> RangeTable:
    """Return the table of a file; a stale one (another network) or a broken one is an error."""
    value = read_json(path)
    try:
        seen = {name: _observed(entry) for name, entry in value["tensors"].items()}
        table = RangeTable(value["model_sha256"], value["calibration_sha256"], seen)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise FcnEdgeError(f"{path} is not a range table ({type(error).__name__}: {error})") from error
    table.check(fp32_onnx)
    return table


def _observed(entry: dict[str, Any]) -> Observed:
    return Observed(
        float(entry["peak"]),
        np.asarray(entry["mean"], np.float64),
        tuple(entry["size"]),
        np.asarray(entry["histogram"], np.int64),
        np.asarray(entry["peaks"], np.float32),
    )
