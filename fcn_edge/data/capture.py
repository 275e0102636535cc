"""Opening videos and cameras with OpenCV, without the lines that it and FFmpeg print when that fails."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from cv2.utils import logging


class _Mirrored:
    """A capture of a recording that is to be mirrored: OpenCV turns pictures as asked, but mirrors none."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture  # not a base class: OpenCV's type frees its subclasses wrongly

    def __getattr__(self, name: str) -> Any:
        return getattr(self._capture, name)

    def read(self) -> tuple[bool, np.ndarray]:
        done, frame = self._capture.read()
        if not done:
            return done, frame
        lying = round(self._capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 180 == 90
        return True, cv2.flip(frame, 1 if lying else 0)


def open_capture(source: str | int) -> cv2.VideoCapture | None:
    """Return an open capture of a file, an address or the camera of a number; None if it cannot be opened.

    Frames of a recording that is to be turned or mirrored come as players show them.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read when FFmpeg is first used
    mirrored = False
    if isinstance(source, str) and Path(source).is_file():
        mirrored = is_mirrored(Path(source))
        source = str(Path(source).absolute())  # FFmpeg takes what stands before a colon for a protocol
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        capture = cv2.VideoCapture(source)
    finally:
        logging.setLogLevel(level)
    if not capture.isOpened():
        return None
    return cast(cv2.VideoCapture, _Mirrored(capture)) if mirrored else capture


def is_mirrored(path: Path) -> bool:
    """Return whether the display matrix of an MP4 or MOV's first video track mirrors; False for others."""
    with path.open("rb") as file:
        if file.read(12)[4:8] != b"ftyp":
            return False
        size, at = path.stat().st_size, 0
        while at + 8 <= size:
            file.seek(at)
            head = file.read(16).ljust(16, b"\0")
            length, kind = struct.unpack(">I4s", head[:8])
            length = struct.unpack(">Q", head[8:])[0] if length == 1 else length or size - at
            if kind == b"moov":
                file.seek(at + 8)
                return _movie_is_mirrored(file.read(length - 8))
            at += max(length, 8)
    return False


def _movie_is_mirrored(movie: bytes) -> bool:
    for track in _boxes(movie, b"trak"):
        media = b"".join(body for body in _boxes(track, b"mdia"))
        handlers = [body[8:12] for body in _boxes(media, b"hdlr")]
        header = next((body for body in _boxes(track, b"tkhd")), b"")
        if b"vide" not in handlers or not header:
            continue
        at = 52 if header[0] == 1 else 40  # version 1 has longer times
        if len(header) < at + 20:
            return False
        a, b, _, c, d = struct.unpack_from(">5i", header, at)
        return a * d - b * c < 0
    return False


def _boxes(data: bytes, wanted: bytes) -> Iterator[bytes]:
    """Yield the content of the boxes of the kind `wanted`, not of those inside others."""
    at = 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if length < 8:
            return
        if kind == wanted:
            yield data[at + 8 : at + length]
        at += length
