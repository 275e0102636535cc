"""PNG files with a palette, which OpenCV reads but cannot write."""

from __future__ import annotations

import struct
import zlib

import numpy as np


def palette_png(indices: np.ndarray, palette: list[tuple[int, int, int]]) -> bytes:
    """Return an 8-bit palette PNG, by the letter of the PNG specification."""
    height, width = indices.shape
    rows = b"".join(b"\0" + row.tobytes() for row in indices)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    colors = np.array(palette, np.uint8).tobytes()
    chunks = [(b"IHDR", header), (b"PLTE", colors), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
