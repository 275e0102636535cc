"""Read frames and masks from files, refusing what would silently train on rubbish."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np

from fcn_edge.data.dataset import IGNORE
from fcn_edge.ground.errors import FcnEdgeError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff")
MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".pgm")  # lossless only: JPEG would invent class ids

_REPLACE = "restore the file from its source, or remove it and its partner"


def read_frame(path: Path) -> np.ndarray:
    """Return an image file as uint8 (H, W, 3) BGR; FcnEdgeError when it is missing, corrupt or cut short."""
    frame = cv2.imdecode(_bytes(path), cv2.IMREAD_COLOR)
    if frame is None:
        raise FcnEdgeError(f"{path} is not a readable image", hint=_REPLACE)
    return frame


def read_index_mask(path: Path) -> np.ndarray:
    """Return the class ids of a mask file as uint8 (H, W), as they are on disk (void not yet mapped).

    Grey files hold ids as grey values. Palette PNGs (PASCAL VOC's form) hold ids as palette indices: OpenCV
    expands them to colours, so the palette is read from the file and the colours are turned back.
    """
    data = _bytes(path)
    pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise FcnEdgeError(f"{path} is not a readable mask", hint=_REPLACE)
    if pixels.dtype != np.uint8:
        raise FcnEdgeError(f"{path} has {pixels.dtype} pixels", hint="write masks as 8-bit PNG of class ids")
    if pixels.ndim == 2:
        return pixels
    palette = png_palette(data)
    if palette is not None:
        return colors_to_ids(pixels, palette, path)
    bgr = pixels[..., :3]
    if (bgr[..., 0] == bgr[..., 1]).all() and (bgr[..., 0] == bgr[..., 2]).all():
        return np.ascontiguousarray(bgr[..., 0])  # grey written as three equal channels
    raise FcnEdgeError(
        f"{path} is a colour picture, not class ids", hint="write masks as 8-bit PNG of class ids"
    )


def colors_to_ids(pixels: np.ndarray, palette: np.ndarray, path: Path) -> np.ndarray:
    """Return uint8 (H, W) ids of BGR(A) `pixels` whose colours are rows of `palette` (n, 3) RGB.

    Of equal rows the first is taken. Raises FcnEdgeError naming the first colour that is not in the palette.
    """
    keys = palette.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    known, first = np.unique(keys, return_index=True)
    wanted = pixels[..., :3].astype(np.uint32) @ np.array([1, 1 << 8, 1 << 16], np.uint32)
    place = np.searchsorted(known, wanted).clip(0, len(known) - 1)
    wrong = known[place] != wanted
    if wrong.any():
        key = int(wanted[wrong][0])
        rgb = (key >> 16, key >> 8 & 255, key & 255)
        raise FcnEdgeError(
            f"{path} has the colour RGB {rgb}, which is no class's", hint="fix the mask or the palette"
        )
    return first[place].astype(np.uint8)


def png_palette(data: np.ndarray) -> np.ndarray | None:
    """Return the palette (n, 3) RGB of a PNG file's bytes (PLTE chunk), or None where it has none."""
    raw = data.tobytes()
    if not raw.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    at = 8
    while at + 8 <= len(raw):
        (length,) = struct.unpack(">I", raw[at : at + 4])
        kind = raw[at + 4 : at + 8]
        if kind == b"PLTE":
            return np.frombuffer(raw, np.uint8, length, at + 8).reshape(-1, 3)
        if kind == b"IDAT":
            return None
        at += 12 + length
    return None


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


def check_same_size(frame: np.ndarray, mask: np.ndarray, frame_path: Path, mask_path: Path) -> None:
    """Raise FcnEdgeError when frame and mask differ in size."""
    if frame.shape[:2] != mask.shape[:2]:
        (fh, fw), (mh, mw) = frame.shape[:2], mask.shape[:2]
        raise FcnEdgeError(
            f"{frame_path} is {fw}x{fh} but its mask {mask_path.name} is {mw}x{mh}",
            hint="give both the same width and height",
        )


def _bytes(path: Path) -> np.ndarray:
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise FcnEdgeError(f"cannot read {path}: {error.strerror or error}", hint=_REPLACE) from error
    if data.size == 0:
        raise FcnEdgeError(f"{path} is an empty file", hint=_REPLACE)
    if _cut_short(data):
        raise FcnEdgeError(f"{path} is cut short", hint=_REPLACE)
    return data


def _cut_short(data: np.ndarray) -> bool:
    """Return True for a JPEG without its end marker or a PNG without its IEND chunk.

    OpenCV 4 fills the missing part with grey and only prints a warning. A JPEG's end marker can also stand
    in the EXIF thumbnail, which lies near the start: only the second half of the file counts.
    """
    if data[:2].tobytes() == b"\xff\xd8":
        return b"\xff\xd9" not in data[data.size // 2 :].tobytes()
    if data[:4].tobytes() == b"\x89PNG":
        return b"IEND" not in data[-4096:].tobytes()
    return False
