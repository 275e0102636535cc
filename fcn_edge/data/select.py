"""Choose few frames that stand for many: every class is there, and no two are more alike than need be."""

from __future__ import annotations

import cv2
import numpy as np

GRID = (6, 8)  # cells (rows, columns) of the colour layout
ENOUGH_PIXELS = 0.001  # share of a frame that a class must fill to count as shown by it


def colour_layout(frame: np.ndarray) -> np.ndarray:
    """Return float32 (192,): mean colour (CIE L*a*b*) and contrast of 6x8 cells of a frame (H, W, 3) BGR.

    The idea of MPEG-7's colour layout descriptor: what is where, roughly. The unit is one step of L*, a*, b*.
    """
    small = cv2.resize(frame, (8 * GRID[1], 8 * GRID[0]), interpolation=cv2.INTER_AREA)
    lab = np.asarray(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_BGR2Lab))
    cells = lab.reshape(GRID[0], 8, GRID[1], 8, 3)
    colour, contrast = cells.mean(axis=(1, 3)), cells[..., 0].std(axis=(1, 3))
    return np.concatenate([colour.ravel(), contrast.ravel()]).astype(np.float32)


def class_shares(mask: np.ndarray, num_classes: int) -> np.ndarray:
    """Return float64 (C,): the share of a mask's pixels that each class fills; void counts in the total."""
    return np.bincount(mask.ravel(), minlength=256)[:num_classes] / mask.size


def choose_diverse(features: np.ndarray, count: int, shares: np.ndarray | None = None) -> list[int]:
    """Return `count` row numbers of `features` (n, D), in the order chosen; there is no chance in it.

    First, for each class that no frame chosen so far shows, rarest first, the frame that shows most of it, by
    `shares` (n, C). Then farthest points: always the frame least like all those chosen, which leaves no frame
    farther from the choice than twice the best possible (Gonzalez, TCS 38, 1985).
    """
    count = min(count, len(features))
    chosen = cover_classes(shares, count) if shares is not None else []
    return farthest_points(features, count, chosen)


def cover_classes(shares: np.ndarray, count: int) -> list[int]:
    """Return at most `count` rows of `shares` (n, C) that together show every class that any row shows."""
    shown = shares >= ENOUGH_PIXELS
    chosen: list[int] = []
    for class_id in np.argsort(shown.sum(axis=0), kind="stable"):
        covered = shown[chosen, class_id].any()
        if len(chosen) < count and not covered and shown[:, class_id].any():
            chosen.append(int(shares[:, class_id].argmax()))
    return chosen


def farthest_points(features: np.ndarray, count: int, chosen: list[int]) -> list[int]:
    """Return `chosen` with farthest points of `features` (n, D) added up to `count` (at most n)."""
    features = np.asarray(features, np.float64)
    order = list(chosen)
    if count and not order:
        order.append(int(_distance(features, features.mean(axis=0)).argmin()))  # the most ordinary frame
    nearest = np.full(len(features), np.inf)
    for index in order:
        nearest = np.minimum(nearest, _distance(features, features[index]))
    nearest[order] = -1.0
    while len(order) < min(count, len(features)):
        farthest = int(nearest.argmax())
        order.append(farthest)
        nearest = np.minimum(nearest, _distance(features, features[farthest]))
        nearest[farthest] = -1.0
    return order


def _distance(features: np.ndarray, point: np.ndarray) -> np.ndarray:
    return np.linalg.norm(features - point, axis=1)
