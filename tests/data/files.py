"""Tiny data sets in the layouts that the adapters read."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

NAMES = ("road", "car", "sky")
SIZE = (12, 16)


def write_image(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return path


def random_frame(rng: np.random.Generator, size: tuple[int, int] = SIZE) -> np.ndarray:
    return rng.integers(0, 256, (*size, 3), dtype=np.uint8)


def random_mask(rng: np.random.Generator, size: tuple[int, int] = SIZE) -> np.ndarray:
    return rng.integers(0, len(NAMES), size, dtype=np.uint8)


def write_classes(root: Path, void_id: int = 255) -> None:
    content = {"classes": [{"name": name} for name in NAMES], "void_id": void_id}
    (root / "classes.json").write_text(json.dumps(content))


def camvid_tree(root: Path, splits: dict[str, int], void_id: int = 255) -> Path:
    """Write SPLIT/ and SPLITannot/ with the given number of frames each."""
    rng = np.random.default_rng(0)
    for split, count in splits.items():
        for i in range(count):
            write_image(root / split / f"f{i:02d}.png", random_frame(rng))
            write_image(root / f"{split}annot" / f"f{i:02d}.png", random_mask(rng))
    write_classes(root, void_id)
    return root


def folder_tree(root: Path, count: int, split: str = "") -> Path:
    """Write images/[split/] and masks/[split/] with `count` frames."""
    rng = np.random.default_rng(1)
    for i in range(count):
        write_image(root / "images" / split / f"f{i:02d}.png", random_frame(rng))
        write_image(root / "masks" / split / f"f{i:02d}.png", random_mask(rng))
    write_classes(root)
    return root
