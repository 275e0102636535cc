"""Write the procedural set to a folder laid out as CamVid is, with a clip as a video."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fcn_edge.data.camvid import CAMVID_11
from fcn_edge.data.dataset import ClassFile, Sample
from fcn_edge.data.streets.clip import FPS, drive
from fcn_edge.data.streets.dataset import SIZE, StreetsDataset
from fcn_edge.data.video import count_frames
from fcn_edge.ground.artifacts import atomic_directory, atomic_write_bytes, atomic_write_json
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.ground.folders import Kind

STREETS = Kind("streets set")
_JPEG_QUALITY = 95


def write_folder(
    out: Path,
    *,
    size: tuple[int, int] = SIZE,
    train: int = 200,
    val: int = 40,
    seconds: float = 8.0,
    seed: int = 0,
) -> dict[str, Any]:
    """Render train/, val/ and clip/ with their masks, classes.json and clip.mp4 into `out`; atomic.

    size: (height, width). `out` can be opened as camvid:OUT with the splits train, val and clip. Returns what
    was written. FcnEdgeError when the disk or the video encoder refuses; MisuseError where `out` holds
    anything but an earlier streets set.
    """
    with atomic_directory(out, STREETS) as work:
        for split, count in (("train", train), ("val", val)):
            _write_split(work, split, StreetsDataset(split, size, count, seed))
        ride = drive(seconds, size=size, seed=seed)
        frames = _write_split(work, "clip", _filmed(work / "clip.mp4", ride, size, FPS))
        atomic_write_json(work / "classes.json", ClassFile(CAMVID_11, name="streets").to_json())
    return {
        "out": str(out),
        "size": list(size),
        "train": train,
        "val": val,
        "clip": {"video": str(out / "clip.mp4"), "frames": frames, "fps": FPS},
        "seed": seed,
    }


def render_clip(
    path: Path, *, seconds: float, size: tuple[int, int] = SIZE, fps: float = FPS, seed: int = 0
) -> int:
    """Render a drive of `seconds` as the video `path` (.mp4); return the number of frames. See `drive`."""
    with tempfile.TemporaryDirectory(prefix="fcn-edge-") as folder:
        work = Path(folder) / f"clip{path.suffix}"
        frames = sum(1 for _ in _filmed(work, drive(seconds, size=size, fps=fps, seed=seed), size, fps))
        atomic_write_bytes(path, work.read_bytes())
    return frames


def _write_split(root: Path, split: str, samples: Iterable[Sample]) -> int:
    frames, masks = root / split, root / f"{split}annot"
    frames.mkdir()
    masks.mkdir()
    count = 0
    for sample in samples:
        _write_image(frames / f"{sample.stem}.jpg", sample.frame, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        if sample.mask is not None:
            _write_image(masks / f"{sample.stem}.png", sample.mask, [])
        count += 1
    return count


def _filmed(path: Path, samples: Iterable[Sample], size: tuple[int, int], fps: float) -> Iterator[Sample]:
    """Pass samples on and write their frames as a video on the way.

    It is made under a plain name and then moved: OpenCV crashes on a path that is no UTF-8.
    """
    height, width = size
    with tempfile.TemporaryDirectory(prefix="fcn-edge-") as folder:
        film = Path(folder) / f"clip{path.suffix}"
        writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height))
        if not writer.isOpened():
            raise FcnEdgeError(f"cannot write a {width}x{height} video", hint="choose another --size")
        written = 0
        for sample in samples:
            writer.write(sample.frame)
            written += 1
            yield sample
        writer.release()
        if count_frames(film) != written:  # OpenCV's writer does not say when it fails
            raise FcnEdgeError(f"not all frames of {path.name} were written", hint="is the disk full?")
        shutil.move(film, path)


def _write_image(path: Path, pixels: np.ndarray, options: list[int]) -> None:
    done, data = cv2.imencode(path.suffix, pixels, options)
    if not done:
        raise FcnEdgeError(f"cannot encode {path.name}")
    path.write_bytes(data.tobytes())
