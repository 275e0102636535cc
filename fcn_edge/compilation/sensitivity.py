"""Which layers INT8 hurts and which it speeds up: every layer measured alone, as a table and a picture."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx

from fcn_edge.backends import load_backend
from fcn_edge.backends.resize import resize_frame
from fcn_edge.compilation.gating import SENSITIVITY_FRAMES
from fcn_edge.compilation.operate import spread
from fcn_edge.data import open_dataset
from fcn_edge.evaluation.evaluate import check_classes, is_bundle
from fcn_edge.ground.apart import check_apart
from fcn_edge.ground.artifacts import atomic_write_bytes, atomic_write_json, check_folder
from fcn_edge.ground.config import CompileConfig
from fcn_edge.ground.errors import MisuseError, unknown_name
from fcn_edge.ground.folders import check_names, read_record
from fcn_edge.ground.targets import TARGETS
from fcn_edge.ground.turns import in_turns
from fcn_edge.network import open_named
from fcn_edge.quantize.calibration import choose_frames
from fcn_edge.quantize.placement import layer_names
from fcn_edge.quantize.qdq import measure, quantize_with
from fcn_edge.quantize.recipe import Recipe, recipe_for
from fcn_edge.quantize.sensitivity import rank_layers
from fcn_edge.quantize.table import RangeTable

Note = Callable[[str], None]
UNCACHED = {"cache": "off"}  # every layer makes an engine that nobody asks for again
ROUNDS = 12  # of one frame with the layer in INT8 and in float, in turns
ROW, NAME, BAR, EDGE = 18, 330, 420, 14  # pixels of the picture
BLUE, ORANGE, BLACK = (180, 119, 31), (14, 127, 255), (40, 40, 40)  # BGR


def sensitivity(
    config: CompileConfig, out: Path | None = None, *, latency: bool = True, progress: Note | None = None
) -> dict[str, Any]:
    """Return every layer, the noisiest first, as JSON; with `out` also write it there, with a picture.

    sqnr_db: of the class scores when this layer alone is INT8 (run by the oracle: the network's own, not this
    CPU's). saved_ms: how much longer a frame takes with this layer alone in float, where the target's engine
    runs here and `latency` asks for it.
    """
    note = progress or (lambda text: None)
    if config.target not in TARGETS:
        raise unknown_name("target", config.target, list(TARGETS))
    target = TARGETS[config.target]
    if target.weights is None or config.data is None:
        raise MisuseError(
            f"--target {config.target} is float only", hint="sensitivity is about INT8: openvino"
        )
    if out is not None:
        check_folder(out)
        names = ("sensitivity.json", "sensitivity.png")
        check_apart("--out", out, [config.checkpoint], data=[config.data], names=names)
        check_names(out, names, "sensitivity", {"layers", "recipe"} <= read_record(out / names[0]).keys())
    if is_bundle(config.checkpoint):
        raise MisuseError(
            f"{config.checkpoint} is a bundle, already quantized",
            hint="give the checkpoint it was compiled from: a run folder, a .safetensors file or zoo:NAME",
        )
    recipe = replace(recipe_for(config.recipe, target.weights), float_layers=(), float_scores=False)
    named = open_named(config.checkpoint)
    dataset = open_dataset(config.data, config.calibration_split, labelled=False)
    check_classes(config.checkpoint, named.classes.names, dataset)
    size = config.size or dataset[0].frame.shape[:2]
    resize = partial(resize_frame, size=size)
    calibration = choose_frames(dataset, config.calibration_count, config.seed, resize)
    with tempfile.TemporaryDirectory() as folder:
        exported = named.at(size).write(Path(folder) / "fp32.onnx", target.tail)
        note(f"measuring ranges on {len(calibration)} frames")
        fp32, table = measure(exported, calibration, recipe, Path(folder) / "equalized.onnx")
        frames = spread(calibration.frames, SENSITIVITY_FRAMES)
        ranked = rank_layers(fp32, table, recipe, frames, _every(10, note, "layers alone in INT8"))
        rows = [layer.to_json() for layer in ranked]
        if latency and target.engine is not None:
            saved = saved_times(fp32, table, recipe, target.engine, frames[0], note)
            rows = [{**row, "saved_ms": saved[row["name"]]} for row in rows]
    result = {
        "checkpoint": config.checkpoint, "target": config.target, "size": list(size),
        "recipe": recipe.to_json(), "frames": len(frames), "layers": rows,
    }  # fmt: skip
    if out is not None:
        atomic_write_json(out / "sensitivity.json", result)
        picture = cv2.imencode(".png", draw(rows))[1].tobytes()
        result["picture"] = str(atomic_write_bytes(out / "sensitivity.png", picture))
    return result


def saved_times(
    fp32: Path, table: RangeTable, recipe: Recipe, engine: str, frame: npt.NDArray[np.uint8], note: Note
) -> dict[str, float]:
    """Return layer -> milliseconds that a frame takes longer with this layer in float, all others INT8."""
    names = layer_names(onnx.load(fp32))
    tell = _every(10, note, "layers timed")
    saved = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantize_with(fp32, table, recipe, path)
        whole = load_backend(engine).open(path, None, UNCACHED)
        for number, name in enumerate(names, 1):
            quantize_with(fp32, table, replace(recipe, float_layers=(name,)), path)
            other = load_backend(engine).open(path, None, UNCACHED)
            int8, mixed = in_turns([whole.infer, other.infer], [frame], ROUNDS)
            saved[name] = round(float(np.median(mixed - int8)), 3)
            tell(number, len(names))
    return saved


def draw(rows: list[dict[str, Any]]) -> npt.NDArray[np.uint8]:
    """Return a bar chart (BGR): a row a layer; noise in blue, longer is worse; saved time in orange."""
    timed = "saved_ms" in rows[0]
    width = NAME + BAR + (BAR // 2 if timed else 0) + 4 * EDGE
    canvas = np.full((ROW * (len(rows) + 1) + 2 * EDGE, width, 3), 255, np.uint8)
    noise = [10 ** (-row["sqnr_db"] / 20) for row in rows]  # of the scores, as a share of their size
    times = [max(row.get("saved_ms", 0.0), 0.0) for row in rows]
    _write(
        canvas, "noise in the scores with this layer alone in INT8 (dB of signal to noise)", NAME, EDGE + 4
    )
    if timed:
        _write(canvas, "ms saved", NAME + BAR + 2 * EDGE, EDGE + 4)
    for number, row in enumerate(rows):
        y = EDGE + ROW * (number + 1)
        if number % 2:
            cv2.rectangle(canvas, (0, y - 4), (width, y + ROW - 5), (246, 246, 246), -1)
        _write(canvas, row["name"], EDGE, y + 8)
        _bar(canvas, NAME, y, noise[number] / max(noise) * (BAR - 60), BLUE, f"{row['sqnr_db']:.1f}")
        if timed:
            length = times[number] / max(*times, 1e-9) * (BAR / 2 - 60)
            _bar(canvas, NAME + BAR + 2 * EDGE, y, length, ORANGE, f"{row['saved_ms']:.2f}")
    return canvas


def _bar(
    canvas: npt.NDArray[np.uint8], x: int, y: int, length: float, color: tuple[int, int, int], text: str
) -> None:
    end = x + max(1, round(length))
    cv2.rectangle(canvas, (x, y), (end, y + ROW - 8), color, -1)
    _write(canvas, text, end + 5, y + 8)


def _write(canvas: npt.NDArray[np.uint8], text: str, x: int, y: int) -> None:
    cv2.putText(canvas, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.38, BLACK, 1, cv2.LINE_AA)


def _every(step: int, note: Note, what: str) -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        if done % step == 0 or done == total:
            note(f"{done}/{total} {what}")

    return tell
