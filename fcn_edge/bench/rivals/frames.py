"""The first frames of a clip or folder, for rivals that run in Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fcn_edge.bench.rivals.context import Frame
from fcn_edge.data.listing import list_pictures
from fcn_edge.ground.errors import FcnEdgeError


def first_frames(source: Path, size: tuple[int, int], count: int) -> list[Frame]:
    """Return at most `count` frames of a clip or a folder of images, uint8 (H, W, 3) BGR at `size` (H, W)."""
    from fcn_edge.backends.resize import resize_frame

    found = _of_folder(source, count) if source.is_dir() else _of_clip(source, count)
    if not found:
        raise FcnEdgeError(f"{source} has no frame that can be read", hint="name another --source")
    return [resize_frame(frame, size) for frame in found]


def _of_folder(folder: Path, count: int) -> list[Frame]:
    from fcn_edge.data.images import read_frame

    return [read_frame(path) for path in list_pictures(folder)[:count]]


def _of_clip(clip: Path, count: int) -> list[Frame]:
    import cv2

    capture = cv2.VideoCapture(str(clip))
    found: list[Frame] = []
    while len(found) < count:
        read, image = capture.read()
        if not read:
            break
        found.append(np.asarray(image, np.uint8))
    capture.release()
    return found
