"""Class ids of a mask file, exactly as they were written: a decoder would stretch, colour or blend them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

from fcn_edge.data.coded import (
    JPEG,
    PNG,
    REPLACE,
    TIFF,
    UPRIGHT,
    decode,
    orientation,
    png_chunks,
    png_content,
    read_whole,
    tiff_tags,
    turn,
)
from fcn_edge.ground.errors import FcnEdgeError

_AS_PNG = "write masks as 8-bit PNG of class ids"
_GREY, _RGB, _PALETTE = 0, 2, 3  # colour types of PNG
_BITS, _PHOTOMETRIC = 258, 262  # TIFF tags
_WHITE_IS_ZERO, _PALETTE_TIFF = 0, 3  # values of the second


def read_index_mask(path: Path) -> np.ndarray:
    """Return the class ids of a mask file as uint8 (H, W), as they are on disk (void not yet mapped).

    Grey files hold ids as grey values, of 1, 2, 4 or 8 bits. Files with a palette (PASCAL VOC's form) hold
    ids as indices; their colours mean nothing. Raises FcnEdgeError for colour pictures, 16 bits, transparent
    pixels, and whatever cannot be read exactly.
    """
    data = read_whole(path)
    if data.startswith(PNG):
        return _of_png(data, path)
    if data.startswith(b"BM"):
        return _of_bmp(data, path)
    if data.startswith(TIFF):
        return _of_tiff(data, path)
    if data[:2] in (b"P2", b"P5"):
        return _of_pgm(data, path)
    if data.startswith(JPEG) or data[8:12] == b"WEBP":
        raise FcnEdgeError(f"{path} is a JPEG or WebP picture, which blurs class ids", hint=_AS_PNG)
    raise FcnEdgeError(f"{path} is not a readable mask", hint=REPLACE)


def _of_png(data: bytes, path: Path) -> np.ndarray:
    """OpenCV decodes; where it would expand a palette, it is handed the same pixels as grey ones."""
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise FcnEdgeError(f"{path} is not a readable mask", hint=REPLACE)
    depth, kind = data[24], data[25]
    pixels = _decoded(_without_palette(data) if kind == _PALETTE else data, path)
    ids = _one_channel(pixels, path)
    if depth < 8:
        ids = ids // (255 // (2**depth - 1))  # decoders stretch 0..2^depth-1 to 0..255, exactly
    if kind in (_GREY, _RGB):
        _refuse_transparent_level(data, ids, path)
    tag = orientation(data)
    return ids if tag == UPRIGHT else turn(ids, tag)


def _without_palette(data: bytes) -> bytes:
    """Return a palette PNG as a grey PNG whose grey values are the indices: another header, the same data."""
    header = bytearray(data[16:29])
    header[9] = _GREY
    chunks = [(b"IHDR", bytes(header))]
    chunks += [(kind, data[a:b]) for kind, a, b in png_chunks(data) if kind in (b"IDAT", b"IEND")]
    return PNG + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _refuse_transparent_level(data: bytes, ids: np.ndarray, path: Path) -> None:
    """Refuse a PNG without an alpha channel that declares one of its grey values transparent (tRNS)."""
    level = png_content(data, b"tRNS")
    if len(level) in (2, 6) and len({level[i : i + 2] for i in range(0, len(level), 2)}) == 1:
        _refuse_transparent(ids == int.from_bytes(level[:2], "big"), path)


def _of_bmp(data: bytes, path: Path) -> np.ndarray:
    """Read indices of 1, 4 or 8 bits here: OpenCV gives colours."""
    try:
        first, header = struct.unpack_from("<II", data, 10)
        if header < 40:
            raise FcnEdgeError(f"{path} is a BMP of the oldest kind", hint=_AS_PNG)
        width, height, _, depth, packing = struct.unpack_from("<iiHHI", data, 18)
    except struct.error as error:
        raise FcnEdgeError(f"{path} is cut short", hint=REPLACE) from error
    if depth > 8:
        return _one_channel(_decoded(data, path)[..., :3], path)  # the fourth byte is not an alpha channel
    if packing != 0:
        raise FcnEdgeError(f"{path} is a run-length coded BMP, which is not read", hint=_AS_PNG)
    if depth not in (1, 4, 8) or width <= 0 or height == 0:
        raise FcnEdgeError(f"{path} is not a readable mask", hint=REPLACE)
    stride = (width * depth + 31) // 32 * 4
    if first + stride * abs(height) > len(data):
        raise FcnEdgeError(f"{path} is cut short", hint=REPLACE)
    rows = np.frombuffer(data, np.uint8, stride * abs(height), first).reshape(abs(height), stride)
    if height > 0:
        rows = rows[::-1]  # the last row comes first
    if depth < 8:
        bits = np.unpackbits(rows, axis=1).reshape(abs(height), -1, depth)
        rows = np.packbits(bits, axis=2)[..., 0] >> (8 - depth)
    return np.ascontiguousarray(rows[:, :width])


def _of_tiff(data: bytes, path: Path) -> np.ndarray:
    """OpenCV decodes grey of 8 bits; it colours indices, stretches fewer bits and inverts white-is-zero."""
    tags = tiff_tags(data)
    bits, meaning = tags.get(_BITS, [1]), tags.get(_PHOTOMETRIC, [None])[0]
    if meaning == _PALETTE_TIFF:
        raise FcnEdgeError(
            f"{path} is a TIFF with a palette, which is not read", hint="write it as PNG with a palette"
        )
    if min(bits) < 8:
        raise FcnEdgeError(f"{path} is a TIFF of {min(bits)} bits a pixel, which is not read", hint=_AS_PNG)
    if meaning == _WHITE_IS_ZERO:
        raise FcnEdgeError(f"{path} is a TIFF whose ids are inverted (white is zero)", hint=_AS_PNG)
    return _one_channel(_decoded(data, path), path)


def _of_pgm(data: bytes, path: Path) -> np.ndarray:
    words = [line.split(b"#")[0] for line in data[:4096].split(b"\n")[:64]]
    fields = b" ".join(words).split()[:4]
    highest = fields[3] if len(fields) == 4 else b""
    if data.startswith(b"P2") and highest != b"255":
        what = f"{path} is a text PGM of values up to {highest.decode('ascii', 'replace')}"
        raise FcnEdgeError(what, hint=_AS_PNG)  # OpenCV stretches them to 0..255
    return _one_channel(_decoded(data, path), path)


def _decoded(data: bytes, path: Path) -> np.ndarray:
    pixels = decode(data, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise FcnEdgeError(f"{path} is not a readable mask", hint=REPLACE)
    if pixels.dtype != np.uint8:
        raise FcnEdgeError(f"{path} has {pixels.dtype} pixels", hint=_AS_PNG)
    return np.asarray(pixels)


def _one_channel(pixels: np.ndarray, path: Path) -> np.ndarray:
    """Return uint8 (H, W): grey, or grey written as three equal channels, opaque everywhere."""
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] in (2, 4):
        _refuse_transparent(pixels[..., -1] < 255, path)
    first = pixels[..., 0]
    if pixels.shape[2] >= 3 and not ((first == pixels[..., 1]).all() and (first == pixels[..., 2]).all()):
        raise FcnEdgeError(f"{path} is a colour picture, not class ids", hint=_AS_PNG)
    return np.ascontiguousarray(first)


def _refuse_transparent(clear: np.ndarray, path: Path) -> None:
    if clear.any():
        raise FcnEdgeError(
            f"{path} has transparent pixels ({clear.sum()} of {clear.size}), which are no class id",
            hint="write void as its id, and leave transparency out",
        )
