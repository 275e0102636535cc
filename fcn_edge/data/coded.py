"""The bytes of a picture file: whether they are whole, the size they promise, how their EXIF tag turns it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from fcn_edge.ground.errors import FcnEdgeError

PNG, JPEG, TIFF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", (b"II*\0", b"MM\0*")
REPLACE = "restore the file from its source, or remove it and its partner"
UPRIGHT = 1  # EXIF's orientation of a picture whose rows are to be shown as they stand

_ORIENTATION, _WIDTH, _HEIGHT = 0x112, 256, 257  # TIFF tags
_START_OF_SCAN, _APP1 = 0xDA, 0xE1
_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def read_whole(path: Path) -> bytes:
    """Return a picture file's bytes; FcnEdgeError when it is missing, empty, or visibly cut short."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FcnEdgeError(f"cannot read {path}: {error.strerror or error}", hint=REPLACE) from error
    if not data:
        raise FcnEdgeError(f"{path} is an empty file", hint=REPLACE)
    if is_cut_short(data):
        raise FcnEdgeError(f"{path} is cut short", hint=REPLACE)
    return data


def decode(data: bytes, flags: int) -> np.ndarray | None:
    """Return the pixels of a picture file's bytes as cv2.imdecode gives them, None where it cannot."""
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # a header that promises more pixels than OpenCV decodes
        return None


def is_cut_short(data: bytes) -> bool:
    """Return True for a JPEG without its end marker or a PNG without its IEND chunk.

    OpenCV 4 fills the missing part of a JPEG with grey and only prints a warning. The end marker of a
    thumbnail lies in a segment before the picture's own data, and does not count.
    """
    if data.startswith(JPEG):
        scan = next((end for kind, _, end in jpeg_segments(data) if kind == _START_OF_SCAN), len(data))
        return data.find(b"\xff\xd9", scan) < 0
    if data.startswith(PNG[:4]):
        return not any(kind == b"IEND" for kind, _, _ in png_chunks(data))
    return False


def orientation(data: bytes) -> int:
    """Return the EXIF orientation 1..8 of a JPEG, PNG, WebP or TIFF file's bytes; 1 where it has none."""
    found = tiff_tags(_exif(data)).get(_ORIENTATION, [UPRIGHT])[0]
    return found if 1 <= found <= 8 else UPRIGHT


def turn(pixels: np.ndarray, tag: int) -> np.ndarray:
    """Return `pixels` (H, W, ...) as an EXIF orientation of `tag` is to be shown; 5..8 swap H and W."""
    if tag >= 5:
        pixels = pixels.swapaxes(0, 1)
    rows = -1 if tag in (3, 4, 7, 8) else 1
    columns = -1 if tag in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(pixels[::rows, ::columns])


def size_on_disk(data: bytes) -> tuple[int, int] | None:
    """Return (height, width) of a JPEG, PNG or TIFF before any turn, or None for another or a broken file."""
    try:
        if data.startswith(JPEG):
            starts = (start for kind, start, _ in jpeg_segments(data) if kind in _START_OF_FRAME)
            height, width = struct.unpack_from(">HH", data, next(starts) + 1)
        elif data.startswith(PNG):
            width, height = struct.unpack_from(">II", data, 16)
        else:
            tags = tiff_tags(data)
            height, width = tags[_HEIGHT][0], tags[_WIDTH][0]
    except (StopIteration, struct.error, KeyError):
        return None
    return height, width


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of the whole segments up to the start of the first scan."""
    at = data.find(b"\xff", 2)
    while 0 <= at <= len(data) - 4:
        marker = data[at + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD7:  # filling, and markers without content
            at = data.find(b"\xff", at + 1)
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(data):
            return
        yield marker, at + 4, end
        if marker == _START_OF_SCAN:
            return
        at = data.find(b"\xff", end)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start, end) of the content of the whole chunks of a PNG file's bytes."""
    at = len(PNG)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            return
        yield data[at + 4 : at + 8], at + 8, end - 4
        at = end


def png_content(data: bytes, wanted: bytes) -> bytes:
    """Return the content of a PNG file's first chunk of the kind `wanted`, b"" where it has none."""
    return next((data[start:end] for kind, start, end in png_chunks(data) if kind == wanted), b"")


def tiff_tags(data: bytes) -> dict[int, list[int]]:
    """Return the whole numbers in the first directory of a TIFF file, or of an EXIF block; {} for others."""
    if not data.startswith(TIFF):
        return {}
    order = "<" if data.startswith(b"II") else ">"
    tags: dict[int, list[int]] = {}
    try:
        (at,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, at)
        for place in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind, length = struct.unpack_from(f"{order}HHI", data, place)
            letter = {1: "B", 3: "H", 4: "I"}.get(kind)
            if letter is None or not 0 < length <= 256:
                continue
            form = f"{order}{length}{letter}"
            inside = struct.calcsize(form) <= 4
            start = place + 8 if inside else struct.unpack_from(f"{order}I", data, place + 8)[0]
            tags[tag] = list(struct.unpack_from(form, data, start))
    except struct.error:
        pass  # cut or broken: what was read so far
    return tags


def _exif(data: bytes) -> bytes:
    if data.startswith(JPEG):
        for kind, start, end in jpeg_segments(data):
            if kind == _APP1 and data[start : start + 6] == b"Exif\0\0":
                return data[start + 6 : end]
    elif data.startswith(PNG):
        return png_content(data, b"eXIf")
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_exif(data)
    return data if data.startswith(TIFF) else b""


def _webp_exif(data: bytes) -> bytes:
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"EXIF":
            return data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0")
        at += 8 + length + length % 2
    return b""
