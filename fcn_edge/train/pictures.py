"""Two pictures at the end of a run: the learning curve, and what the model makes of some frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fcn_edge.data import Classes, Dataset
from fcn_edge.ground.artifacts import atomic_write_bytes
from fcn_edge.train.evaluate import Predictor

WHITE, GREY, BLACK = (255, 255, 255), (200, 200, 200), (0, 0, 0)
BLUE, ORANGE = (180, 119, 31), (14, 127, 255)  # BGR
LEFT, TOP, WIDTH, HEIGHT = 60, 30, 640, 300  # the plot area, pixels


def draw_curve(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Draw loss (blue, left axis) and mean IU on val (orange, right axis, 0..1) by epoch, as a PNG."""
    canvas = np.full((TOP + HEIGHT + 50, LEFT + WIDTH + 60, 3), 255, np.uint8)
    last = max(row["epoch"] for row in rows)
    highest = max(row["loss"] for row in rows) * 1.05 or 1.0
    for tenth in range(0, 11, 2):
        y = round(TOP + HEIGHT * (1 - tenth / 10))
        cv2.line(canvas, (LEFT, y), (LEFT + WIDTH, y), GREY, 1)
        _write(canvas, f"{highest * tenth / 10:.2f}", (10, y + 4), BLUE)
        _write(canvas, f"{tenth / 10:.1f}", (LEFT + WIDTH + 10, y + 4), ORANGE)
    for epoch in sorted({1, (1 + last) // 2, last}):
        _write(canvas, str(epoch), (_x(epoch, last) - 4, TOP + HEIGHT + 18), BLACK)
    _write(canvas, "epoch", (LEFT + WIDTH // 2 - 20, TOP + HEIGHT + 38), BLACK)
    _write(canvas, "loss", (10, 18), BLUE)
    _write(canvas, "mean IU on val", (LEFT + WIDTH - 100, 18), ORANGE)
    _polyline(canvas, [(row["epoch"], row["loss"] / highest) for row in rows], last, BLUE)
    scored = [(row["epoch"], row["miou"]) for row in rows if row.get("miou") is not None]
    _polyline(canvas, scored, last, ORANGE)
    _save(path, canvas)


def draw_contact_sheet(path: Path, predict: Predictor, dataset: Dataset, count: int = 6) -> None:
    """Write a PNG with a row for each of `count` evenly spaced frames: frame, truth, prediction."""
    rows = []
    for i in np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int)):
        sample = dataset[int(i)]
        truth = sample.mask if sample.mask is not None else np.full(sample.frame.shape[:2], 255, np.uint8)
        masks = [_paint(mask, dataset.classes) for mask in (truth, predict(sample.frame))]
        rows.append(np.hstack([sample.frame, *masks]))
    width = max(row.shape[1] for row in rows)
    sheet = np.vstack([np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0))) for row in rows])
    _save(path, sheet)


def _paint(mask: np.ndarray, classes: Classes) -> np.ndarray:
    table = np.zeros((256, 3), np.uint8)
    table[: len(classes)] = np.array(classes.palette, np.uint8)[:, ::-1]
    return table[mask]


def _x(epoch: int, last: int) -> int:
    return LEFT + round(WIDTH * (epoch - 1) / max(1, last - 1))


def _polyline(
    canvas: np.ndarray, points: list[tuple[int, float]], last: int, color: tuple[int, int, int]
) -> None:
    places = [(_x(epoch, last), round(TOP + HEIGHT * (1 - value))) for epoch, value in points]
    for place in places:
        cv2.circle(canvas, place, 2, color, -1, cv2.LINE_AA)
    if len(places) > 1:
        cv2.polylines(canvas, [np.array(places, np.int32)], False, color, 2, cv2.LINE_AA)


def _write(canvas: np.ndarray, text: str, place: tuple[int, int], color: tuple[int, int, int]) -> None:
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, color, 1, cv2.LINE_AA)


def _save(path: Path, image: np.ndarray) -> None:
    atomic_write_bytes(path, cv2.imencode(".png", image)[1].tobytes())
