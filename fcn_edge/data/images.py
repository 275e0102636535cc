"""Read frames and masks from files, refusing what would silently train on rubbish."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from fcn_edge.data.coded import REPLACE, UPRIGHT, decode, orientation, read_whole, size_on_disk
from fcn_edge.data.dataset import IGNORE
from fcn_edge.data.masks import read_index_mask
from fcn_edge.ground.errors import FcnEdgeError

__all__ = ["check_aligned", "check_ids", "frame_shape", "read_frame", "read_index_mask", "read_turned"]


def read_frame(path: Path) -> np.ndarray:
    """Return an image file as uint8 (H, W, 3) BGR, turned as its EXIF tag says.

    Raises FcnEdgeError when it is missing, corrupt or cut short.
    """
    return read_turned(path)[0]


def read_turned(path: Path) -> tuple[np.ndarray, int]:
    """Return `read_frame(path)` and the EXIF orientation 1..8 that turned it."""
    data = read_whole(path)
    return _pixels(data, path), orientation(data)


def frame_shape(path: Path) -> tuple[tuple[int, int], int]:
    """Return (height, width) of the frame in `path`, and its EXIF orientation; decodes only if it must.

    Raises FcnEdgeError as read_frame does for a file that is missing, empty or cut short.
    """
    data = read_whole(path)
    tag, size = orientation(data), size_on_disk(data)
    if size is None:
        height, width = _pixels(data, path).shape[:2]
        return (height, width), tag
    return (size[::-1] if tag >= 5 else size), tag


def _pixels(data: bytes, path: Path) -> np.ndarray:
    frame = decode(data, cv2.IMREAD_COLOR)
    if frame is None:
        raise FcnEdgeError(f"{path} is not a readable image", hint=REPLACE)
    return frame


def check_ids(mask: np.ndarray, num_classes: int, void_id: int, path: Path) -> np.ndarray:
    """Return `mask` with void as 255; FcnEdgeError naming the file and the id when an id is no class's."""
    table = np.full(256, IGNORE, np.uint8)
    table[:num_classes] = np.arange(num_classes)
    valid = np.zeros(256, np.uint8)
    valid[:num_classes] = 1
    valid[[void_id, IGNORE]] = 1
    if not cv2.LUT(mask, valid).all():
        wrong = sorted(set(np.unique(mask).tolist()) - set(np.flatnonzero(valid).tolist()))
        raise FcnEdgeError(
            f"{path} has the id {wrong[0]}, but the classes are 0..{num_classes - 1} and void is {void_id}",
            hint="fix the mask, or add the class to classes.json",
        )
    return cv2.LUT(mask, table)


def check_aligned(
    frame: tuple[int, ...], tag: int, mask: np.ndarray, frame_path: Path, mask_path: Path
) -> None:
    """Raise FcnEdgeError unless a mask (H, W) lies on its frame: of shape `frame`, turned by EXIF's `tag`.

    Where a turn leaves the size as it is, nobody can say whether the mask was drawn before or after it: such
    a pair is refused, unless the mask carries the same tag.
    """
    (height, width), (rows, columns) = frame[:2], mask.shape
    turned = tag != UPRIGHT and orientation(read_whole(mask_path)) == UPRIGHT
    hint = "give both the same width and height"
    if turned and (rows, columns) in ((height, width), (width, height)):
        sure = tag >= 5 and height != width
        if sure and rows == height:
            return
        what = "its mask is not" if sure else "nobody can say whether its mask is"
        raise FcnEdgeError(
            f"{frame_path} is turned by its EXIF tag (orientation {tag}), and {what}",
            hint="turn the pixels where the mask was drawn on the turned picture (mogrify -auto-orient), "
            "else delete the tag (exiftool -Orientation=)",
        )
    if (rows, columns) != (height, width):
        raise FcnEdgeError(
            f"{frame_path} is {width}x{height} but its mask {mask_path.name} is {columns}x{rows}", hint=hint
        )
