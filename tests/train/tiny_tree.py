"""A tiny data set whose colours say the class."""

from pathlib import Path

import cv2
import numpy as np

from fcn_edge.ground.artifacts import atomic_write_json

CLASSES = {
    "classes": [
        {"id": 0, "name": "sky", "color": [90, 160, 250]},
        {"id": 1, "name": "road", "color": [90, 90, 90]},
        {"id": 2, "name": "car", "color": [200, 30, 30]},
    ],
    "void_id": 255,
}


def draw(rng, size=(64, 80)):
    """Sky over road with a car somewhere: a frame (BGR) whose colours say the class, and its mask."""
    mask = np.zeros(size, np.uint8)
    mask[rng.integers(20, 40) :] = 1
    top, left = rng.integers(20, 44), rng.integers(0, 56)
    mask[top : top + 16, left : left + 24] = 2
    palette = np.array([entry["color"][::-1] for entry in CLASSES["classes"]])
    frame = palette[mask] + rng.normal(0, 12, (*size, 3))
    mask[0, :5] = 255
    return frame.clip(0, 255).astype(np.uint8), mask


def write_tree(root: Path, train: int = 6, val: int = 3, seed: int = 0) -> Path:
    """Write a tiny data set laid out as CamVid is."""
    rng = np.random.default_rng(seed)
    for split, count in (("train", train), ("val", val)):
        for i in range(count):
            frame, mask = draw(rng)
            for folder, image in ((split, frame), (f"{split}annot", mask)):
                (root / folder).mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(root / folder / f"{i:03d}.png"), image)
    atomic_write_json(root / "classes.json", CLASSES)
    return root
