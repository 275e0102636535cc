"""A mask file gives the ids that were written, whatever its bits a pixel and palette, or is refused."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from data.coded_files import bmp, png, tiff

from fcn_edge.data.masks import read_index_mask
from fcn_edge.ground.errors import FcnEdgeError


def drawn(seed: int, depth: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    size = tuple(int(n) for n in rng.integers(1, 40, 2))
    print("seed", seed, "size", size, "depth", depth)
    return rng.integers(0, 2**depth, size).astype(np.uint8)


def read(tmp_path: Path, data: bytes, name: str = "mask.png") -> np.ndarray:
    path = tmp_path / name
    path.write_bytes(data)
    return read_index_mask(path)


def refused(tmp_path: Path, data: bytes, says: str, name: str = "mask.png") -> str:
    with pytest.raises(FcnEdgeError, match=re.escape(says)) as caught:
        read(tmp_path, data, name)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("seed", range(3))
def test_grey_png_of_few_bits_is_not_stretched(
    tmp_path: Path, seed: int, depth: int, interlaced: bool
) -> None:
    ids = drawn(seed, depth)
    assert read(tmp_path, png(ids, depth, interlaced=interlaced)).tolist() == ids.tolist()


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("palette", ["one colour", "short", "grey backwards"])
def test_palette_png_gives_indices_whatever_the_colours(
    tmp_path: Path, depth: int, palette: str, interlaced: bool
) -> None:
    ids = drawn(depth, depth)
    colors = {
        "one colour": bytes((128, 64, 128)) * 2**depth,  # two classes may be drawn alike
        "short": bytes(range(3)),  # indices beyond it mean nothing to a viewer, and are ids all the same
        "grey backwards": bytes(np.repeat(np.arange(2**depth)[::-1], 3).astype(np.uint8)),
    }[palette]
    data = png(ids, depth, 3, ((b"PLTE", colors), (b"tRNS", b"\0")), interlaced=interlaced)
    assert read(tmp_path, data).tolist() == ids.tolist()


def test_palette_png_with_filtered_rows_gives_indices(tmp_path: Path) -> None:
    """Rows as an optimizer writes them: OpenCV filters a grey PNG, whose rows get a palette."""
    ids = cv2.GaussianBlur(drawn(3, 8), (0, 0), 2)
    grey = cv2.imencode(".png", ids)[1].tobytes()
    at, pixels = 33, b""
    while at < len(grey):
        (length,) = struct.unpack(">I", grey[at : at + 4])
        pixels += grey[at + 8 : at + 8 + length] if grey[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + length
    assert zlib.decompress(pixels)[:: ids.shape[1] + 1].strip(b"\0"), "no row is filtered"
    plain = png(ids, 8, 3, ((b"PLTE", bytes(768)), (b"IDAT", pixels)))
    end = plain.rindex(b"IDAT") - 4
    assert read(tmp_path, plain[:end] + plain[-12:]).tolist() == ids.tolist()


@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize("depth", [1, 4, 8])
@pytest.mark.parametrize("seed", range(3))
def test_palette_bmp_gives_indices(tmp_path: Path, seed: int, depth: int, top_down: bool) -> None:
    ids = drawn(seed, depth)
    colors = [(255, 255, 255), (0, 0, 0)] * 2 ** (depth - 1)
    assert read(tmp_path, bmp(ids, depth, colors, top_down=top_down), "m.bmp").tolist() == ids.tolist()


def test_a_bmp_in_three_equal_channels_is_grey(tmp_path: Path) -> None:
    ids = drawn(1, 8)
    data = cv2.imencode(".bmp", np.repeat(ids[..., None], 3, axis=2))[1].tobytes()
    assert read(tmp_path, data, "m.bmp").tolist() == ids.tolist()


def test_a_cut_or_packed_bmp_is_refused(tmp_path: Path) -> None:
    data = bytearray(bmp(np.zeros((5, 9), np.uint8), 8, [(0, 0, 0)] * 256))
    refused(tmp_path, bytes(data[:-1]), "m.bmp is cut short", "m.bmp")
    refused(tmp_path, bytes(data[:20]), "m.bmp is cut short", "m.bmp")
    data[30] = 1
    assert "PNG" in refused(tmp_path, bytes(data), "run-length coded", "m.bmp")


def test_a_tiff_of_grey_bytes_is_read_and_others_refused(tmp_path: Path) -> None:
    ids = drawn(2, 8)
    assert read(tmp_path, tiff(ids, 1), "m.tif").tolist() == ids.tolist()
    palette = tiff(ids, 3, palette=[0] * 768)
    assert "PNG" in refused(tmp_path, palette, "m.tif is a TIFF with a palette", "m.tif")
    assert "PNG" in refused(tmp_path, tiff(ids, 0), "white is zero", "m.tif")
    for depth in (1, 2, 4):
        assert "PNG" in refused(tmp_path, tiff(ids, 1, depth), f"a TIFF of {depth} bits", "m.tif")


def test_pgm_is_read_unless_its_text_is_stretched(tmp_path: Path) -> None:
    assert read(tmp_path, b"P5\n# a\n4 1\n15\n\0\1\2\17", "m.pgm").tolist() == [[0, 1, 2, 15]]
    assert read(tmp_path, b"P2\n4 1\n255\n0 1 2 15\n", "m.pgm").tolist() == [[0, 1, 2, 15]]
    assert "PNG" in refused(tmp_path, b"P2\n4 1\n15\n0 1 2 15\n", "values up to 15", "m.pgm")


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_transparent_grey_value_is_no_id(tmp_path: Path, depth: int) -> None:
    ids = np.array([[0, 1, 1]], np.uint8)
    refused(tmp_path, png(ids, depth, 0, ((b"tRNS", b"\0\1"),)), "has transparent pixels (2 of 3)")
    unused = png(ids * 0, depth, 0, ((b"tRNS", b"\0\1"),))
    assert read(tmp_path, unused).tolist() == [[0, 0, 0]]


def test_an_alpha_channel_must_be_opaque(tmp_path: Path) -> None:
    ids = np.array([[0, 1, 2]], np.uint8)
    alpha = np.array([[255, 0, 255]], np.uint8)
    encoded = [cv2.imencode(".png", cv2.merge([ids] * 3 + [a]))[1].tobytes() for a in (alpha, alpha | 255)]
    refused(tmp_path, encoded[0], "has transparent pixels (1 of 3)")
    assert read(tmp_path, encoded[1]).tolist() == ids.tolist()


def test_a_jpeg_called_png_is_refused(tmp_path: Path) -> None:
    data = cv2.imencode(".jpg", np.zeros((8, 8), np.uint8))[1].tobytes()
    refused(tmp_path, data, "blurs class ids")
