"""`--recipe auto`: try every range method and keep the one that holds best on frames it has not seen."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.qdq import quantize_with
from fcn_edge.quantize.recipe import METHODS, Recipe
from fcn_edge.quantize.table import measure_ranges

Frame = npt.NDArray[np.uint8]
HELD_OUT = 4  # every fourth calibration frame judges instead of setting ranges


@dataclass(frozen=True)
class Trial:
    """A recipe and the share of held-out pixels on which it gives fp32's class."""

    recipe: Recipe
    agreement: float

    def to_json(self) -> dict[str, Any]:
        """Return the row for evidence/recipes.json."""
        return {"method": self.recipe.method, "agreement": round(self.agreement, 6)}


def try_methods(
    fp32_onnx: Path,
    calibration: CalibrationSet,
    base: Recipe,
    agreement: Callable[[Path, list[Frame]], float],
) -> list[Trial]:
    """Return a trial of every range method with the rest of `base`, best first (min-max wins a tie).

    fp32_onnx: equalized already, if it is to be.

    agreement: runs an INT8 file on the target's engine over uint8 (H, W, 3) frames and compares with fp32.
    """
    held = calibration.frames[HELD_OUT - 1 :: HELD_OUT]
    fitted = [frame for index, frame in enumerate(calibration.frames) if index % HELD_OUT != HELD_OUT - 1]
    table = measure_ranges(fp32_onnx, replace(calibration, frames=fitted))
    trials = []
    for method in METHODS:
        recipe = replace(base, method=method)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trial.onnx"
            quantize_with(fp32_onnx, table, recipe, path)
            trials.append(Trial(recipe, agreement(path, held)))
    return sorted(trials, key=lambda trial: -trial.agreement)
