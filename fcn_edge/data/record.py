"""Frames of a live camera, kept as a folder that a calibration set is then picked from."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import cv2

from fcn_edge.data.capture import open_capture
from fcn_edge.data.shown_source import shown
from fcn_edge.ground.artifacts import atomic_directory, check_folder
from fcn_edge.ground.errors import FcnEdgeError, MisuseError


def record_frames(
    source: str, folder: Path, count: int, seconds: float, note: Callable[[str], None] = lambda text: None
) -> int:
    """Write up to `count` frames, evenly spread over `seconds`, as PNG files 00000.png ... into a new folder.

    source: the number of a camera, its device (/dev/video0), or an address that OpenCV opens (rtsp://,
    http://). The camera is read all the time, so that a frame is never older than the driver's queue. Stops
    early, with what there is, when the camera ends or at Ctrl-C; returns the number of frames written.
    """
    if not seconds > 0:
        raise MisuseError(f"--seconds is {seconds:g}", hint="type how long to watch, e.g. 60")
    check_folder(folder, "--record")
    if folder.exists() and any(folder.iterdir()):
        raise MisuseError(f"--record {folder} is not empty", hint="name a new folder")
    capture = open_camera(source)
    note(f"recording {count} frames of camera {shown(source)} in {seconds:g} s")
    with atomic_directory(folder) as work:
        written = _record(capture, work, count, seconds)
        if not written:
            raise FcnEdgeError(f"camera {shown(source)} gave no frame", hint="is another program using it?")
    return written


def open_camera(source: str) -> cv2.VideoCapture:
    """Return an open capture; one sentence where the camera cannot be opened."""
    if not source:
        raise MisuseError("--data camera names no camera", hint="type --data camera:0 or camera:rtsp://...")
    if Path(source).is_file():
        raise MisuseError(f"camera:{source} is a file", hint=f"type --data video:{source}")
    capture = open_capture(int(source) if source.isdigit() else source)
    if capture is None:
        what = f"cannot open camera {shown(source)}"
        raise FcnEdgeError(what, hint="list cameras: fcn-edge-stream --list-cameras")
    return capture


def _record(capture: cv2.VideoCapture, folder: Path, count: int, seconds: float) -> int:
    """Return how many frames were written."""
    written, start = 0, time.monotonic()
    try:
        while written < count and capture.grab():
            if time.monotonic() - start < written * seconds / count:
                continue
            done, frame = capture.retrieve()
            if done and cv2.imwrite(str(folder / f"{written:05d}.png"), frame):
                written += 1
    except KeyboardInterrupt:
        pass  # enough, says the user
    finally:
        capture.release()
    return written
