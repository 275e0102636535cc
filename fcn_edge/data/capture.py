"""Opening videos and cameras with OpenCV, without the lines that it and FFmpeg print when that fails."""

from __future__ import annotations

import os

import cv2
from cv2.utils import logging


def open_capture(source: str | int) -> cv2.VideoCapture | None:
    """Return an open capture of a file, an address or the camera of a number; None if it cannot be opened."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read when FFmpeg is first used
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        capture = cv2.VideoCapture(source)
    finally:
        logging.setLogLevel(level)
    return capture if capture.isOpened() else None
