"""The range table: what a network's activations did on a calibration set, bound to both by their hashes."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from pathlib import Path

import onnx

from fcn_edge.ground.artifacts import sha256_file
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.placement import activations_to_quantize, tidy
from fcn_edge.quantize.ranges import Measurements, Observed, Progress


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
    fp32_onnx: Path,
    calibration: CalibrationSet,
    *,
    histograms: bool = True,
    progress: Progress | None = None,
    known: Measurements | None = None,
) -> RangeTable:
    """Run the network over the calibration frames (twice with histograms) and return what its tensors did.

    known: measurements of other networks on these very frames, which may share layers with this one: only
    what differs is run, and what it does is remembered too.
    """
    known = known or Measurements(calibration.frames)
    same = map(operator.is_, known.frames, calibration.frames)
    if len(known.frames) != len(calibration) or not all(same):
        raise ValueError("`known` was measured on other frames than the calibration set's")
    model = tidy(onnx.load(fp32_onnx))
    seen = known.observe(model, activations_to_quantize(model), histograms, progress)
    return RangeTable(sha256_file(fp32_onnx), calibration.sha256, seen)
