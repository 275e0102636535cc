"""Which layer costs how much: one layer at a time in INT8, ranked by the noise in the class scores."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from fcn_edge.network.run import tensor_values
from fcn_edge.quantize.placement import layer_names, score_tensor
from fcn_edge.quantize.qdq import float_layers, quantize_with
from fcn_edge.quantize.ranges import Progress
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.quantize.table import RangeTable
from fcn_edge.quantize.weights import sqnr_db

Frame = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LayerNoise:
    """A layer, and the SQNR in dB of the class scores when it alone is INT8: the lower, the worse."""

    name: str
    sqnr_db: float

    def to_json(self) -> dict[str, Any]:
        """Return the row for evidence/sensitivity.json."""
        return {"name": self.name, "sqnr_db": round(self.sqnr_db, 2)}


def rank_layers(
    fp32_onnx: Path,
    table: RangeTable,
    recipe: Recipe,
    frames: list[Frame],
    progress: Progress | None = None,
) -> list[LayerNoise]:
    """Return the layers that `recipe` makes INT8, the noisiest first, on a few uint8 (H, W, 3) frames.

    Run by the oracle, node by node as the standard defines them: the ranking is the network's, not the CPU's.
    """
    model = onnx.load(fp32_onnx)
    scores = score_tensor(model)
    layers, kept = layer_names(model), float_layers(model, recipe)
    names = [name for name in layers if name not in kept]
    wanted = _scores(model, scores, frames)
    ranked = []
    for index, name in enumerate(names):
        others = tuple(other for other in layers if other != name)
        with tempfile.TemporaryDirectory() as folder:
            one = Path(folder) / "one.onnx"
            quantize_with(fp32_onnx, table, replace(recipe, float_layers=others, float_scores=False), one)
            found = _scores(onnx.load(one), scores, frames)
        ranked.append(LayerNoise(name, sqnr_db(wanted, found)))
        if progress:
            progress(index + 1, len(names))
    return sorted(ranked, key=lambda layer: layer.sqnr_db)


def fewest_float_layers(
    ranked: list[LayerNoise], most: int, passes: Callable[[tuple[str, ...]], bool]
) -> tuple[str, ...] | None:
    """Return the shortest prefix of `ranked` that, kept in float, passes; None if `most` layers do not.

    Bisection: keeping one more noisy layer in float is taken never to make the network worse.
    """
    names = [layer.name for layer in ranked[:most]]
    if not names or not passes(tuple(names)):
        return None
    low, high = 0, len(names)  # `low` layers are too few, `high` are enough
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(tuple(names[:middle])) else (middle, high)
    return tuple(names[:high])


def _scores(model: onnx.ModelProto, name: str, frames: list[Frame]) -> npt.NDArray[np.float32]:
    values = tensor_values(model, [name], frames, exact=True)
    return np.concatenate([value[name] for value in values])
