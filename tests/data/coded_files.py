"""Picture files of kinds that OpenCV reads but cannot write, by the letter of their specifications."""

from __future__ import annotations

import struct
import zlib

import numpy as np

PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def pack(ids: np.ndarray, depth: int) -> np.ndarray:
    """Return uint8 rows of `ids` (H, W), `depth` bits each, the leftmost pixel in the highest bits."""
    bits = np.unpackbits(ids[..., None], axis=-1)[..., 8 - depth :]
    return np.packbits(bits.reshape(len(ids), -1), axis=1)


def png(
    ids: np.ndarray,
    depth: int = 8,
    kind: int = 0,
    chunks: tuple[tuple[bytes, bytes], ...] = (),
    *,
    interlaced: bool = False,
) -> bytes:
    """Return a PNG of colour type `kind` (0 grey, 3 palette) with `chunks` before the pixels."""
    height, width = ids.shape
    passes = [ids[y::dy, x::dx] for y, x, dy, dx in PASSES] if interlaced else [ids]
    rows = b"".join(b"\0" + row.tobytes() for part in passes if part.size for row in pack(part, depth))
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    found = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, content) for name, content in found)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bmp(ids: np.ndarray, depth: int, palette: list[tuple[int, int, int]], *, top_down: bool = False) -> bytes:
    """Return an uncompressed BMP with a palette of RGB colours."""
    rows = pack(ids, depth)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    colors = b"".join(bytes((b, g, r, 0)) for r, g, b in palette)
    first, height = 54 + len(colors), len(ids) * (-1 if top_down else 1)
    head = struct.pack("<2sIHHI", b"BM", first + rows.size, 0, 0, first)
    info = struct.pack(
        "<IiiHHIIiiII", 40, ids.shape[1], height, 1, depth, 0, rows.size, 0, 0, len(palette), 0
    )
    return head + info + colors + (rows if top_down else rows[::-1]).tobytes()


def tiff(ids: np.ndarray, photometric: int, depth: int = 8, palette: list[int] | None = None) -> bytes:
    """Return an uncompressed little-endian TIFF of one strip."""
    raw = pack(ids, depth).tobytes()
    raw += bytes(len(raw) % 2)
    entries = [
        (256, 4, 1, ids.shape[1]), (257, 4, 1, ids.shape[0]), (258, 3, 1, depth),
        (259, 3, 1, 1), (262, 3, 1, photometric), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, len(ids)),
        (279, 4, 1, len(raw)),
    ]  # fmt: skip
    directory = 8 + len(raw)
    if palette is not None:
        entries.append((320, 3, len(palette), directory + 2 + 12 * (len(entries) + 1) + 4))
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    after = b"" if palette is None else struct.pack(f"<{len(palette)}H", *palette)
    count = struct.pack("<H", len(entries))
    return struct.pack("<2sHI", b"II", 42, directory) + raw + count + packed + bytes(4) + after


def exif(orientation: int, order: str = "<") -> bytes:
    """Return an EXIF block (a TIFF file without a picture) that holds an orientation alone."""
    mark = b"II" if order == "<" else b"MM"
    return struct.pack(f"{order}2sHIHHHIHHI", mark, 42, 8, 1, 0x112, 3, 1, orientation, 0, 0)


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_exif(data: bytes, orientation: int, order: str = "<", thumbnail: bytes = b"") -> bytes:
    """Return a JPEG's or PNG's bytes with an EXIF block, which may hold a thumbnail."""
    block = exif(orientation, order)
    if data.startswith(b"\x89PNG"):
        return data[:33] + chunk(b"eXIf", block) + data[33:]
    return data[:2] + segment(0xE1, b"Exif\0\0" + block + thumbnail) + data[2:]
