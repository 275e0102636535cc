"""All labels of a set, read before long work: a bad one is found in seconds, not after the first epoch."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from fcn_edge.data.dataset import IGNORE, Dataset
from fcn_edge.ground.errors import FcnEdgeError

MOST_THREADS = 8  # decoding leaves the interpreter's lock; more threads wait for the disk


def check_labels(dataset: Dataset, limit: int | None = None) -> np.ndarray | None:
    """Return int64 (256,): how many pixels of each id the first `limit` masks hold (None: all), void as 255.

    Frames are opened, not decoded: sizes and whole files are checked too. Raises FcnEdgeError for the first
    pair, in order, that cannot be used. None for a rendered set, whose labels are right by construction.
    """
    read = getattr(dataset, "label", None)
    if read is None:
        return None
    count = len(dataset) if limit is None else min(limit, len(dataset))

    def pixels(index: int) -> np.ndarray:
        mask = read(index)
        return np.zeros(256, np.int64) if mask is None else np.bincount(mask.ravel(), minlength=256)

    total = np.zeros(256, np.int64)
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        for one in pool.map(pixels, range(count)):
            total += one
    return total


def require_every_class(dataset: Dataset, pixels: np.ndarray, classes_from: Path | str) -> None:
    """Raise FcnEdgeError where a class has none of `pixels` (256,): it cannot be learned, nor scored.

    classes_from: what the user named, for the message.
    """
    names = dataset.classes.names
    absent = [i for i in range(len(names)) if pixels[i] == 0]
    if not absent:
        return
    first, more = absent[0], f" (nor of {len(absent) - 1} more)" if len(absent) > 1 else ""
    void = pixels[IGNORE] / max(1, int(pixels.sum()))
    what = f"no mask of {classes_from} {dataset.split} has a pixel of '{names[first]}', id {first}{more}"
    if void > 0:
        what += f"; {void:.0%} of the pixels are void"
    raise FcnEdgeError(
        what,
        hint=f"write classes as the ids 0..{len(names) - 1} (255 is always void), "
        "or take the class out of classes.json",
    )
