"""Frames of a video, evenly spaced, without labels: what a camera has seen, to calibrate on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from fcn_edge.data.capture import open_capture
from fcn_edge.data.dataset import NO_CLASSES, Classes, Sample
from fcn_edge.data.folder import FLAT_SPLITS, flat_split
from fcn_edge.data.splits import unknown_split
from fcn_edge.ground.artifacts import hash_json, sha256_file
from fcn_edge.ground.errors import FcnEdgeError, MisuseError

LARGEST_COUNT = 300  # frames taken from a long video


class Reader:
    """Gives frames of one video by number: by a seek where the file has an index, else in order.

    A stream without an index (.ts, .mpg, raw MJPEG) can only guess where a frame lies, and OpenCV then gives
    another one, or none, without a word. Asked for in ascending order, its frames are each decoded once.
    """

    def __init__(self) -> None:
        self._capture: cv2.VideoCapture | None = None  # of a file without an index, kept open
        self._next = 0  # number of the frame that it gives next

    def __reduce__(self) -> tuple[type[Reader], tuple[()]]:
        return Reader, ()  # an open file does not travel to another process; it is opened anew there

    def frame(self, path: Path, number: int) -> np.ndarray:
        """Return frame `number` as uint8 (H, W, 3) BGR; FcnEdgeError where it cannot be decoded."""
        if has_index(path):
            capture = _open(path)
            capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        else:
            capture = self._in_order(path, number)
        done, frame = capture.read()
        self._next += 1
        if not done:
            self._capture = None
            raise FcnEdgeError(f"frame {number} of {path} cannot be decoded", hint=_REPAIR)
        return np.asarray(frame, np.uint8)

    def _in_order(self, path: Path, number: int) -> cv2.VideoCapture:
        if self._capture is None or number < self._next:
            self._capture, self._next = _open(path), 0
        while self._next < number and self._capture.grab():
            self._next += 1
        return self._capture


def has_index(path: Path) -> bool:
    """Return whether a video file says where its frames lie: MP4 and MOV, Matroska and WebM, AVI."""
    with path.open("rb") as file:
        head = file.read(12)
    avi = head[:4] == b"RIFF" and head[8:] == b"AVI "
    return avi or head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3"


@dataclass(frozen=True)
class VideoDataset:
    """Some frames of a video file (see fcn_edge.data.dataset.Dataset); masks are None, classes empty."""

    path: Path
    split: str
    frames: tuple[int, ...]  # numbers of the frames taken, ascending
    name: str = "video"
    classes: Classes = NO_CLASSES
    reader: Reader = field(default_factory=Reader, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self.stem(index), self.reader.frame(self.path, self.frames[index]), None)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def stem(self, index: int) -> str:
        """Return the name of the video with the number of the frame."""
        return f"{self.path.stem}_{self.frames[index]:06d}"

    def digest(self) -> str:
        """Return the SHA-256 over the file's bytes and the frames taken."""
        return hash_json([sha256_file(self.path), self.split, self.frames])


_REPAIR = "re-encode the video, for example with ffmpeg -i IN -c:v libx264 OUT.mp4"


def open_video(where: str, split: str, *, labelled: bool = True) -> VideoDataset:
    """Open the video file `where`; `train` is its first four fifths, `val` the last fifth, `all` everything.

    At most LARGEST_COUNT frames, evenly spaced. Raises MisuseError where masks are wanted.
    """
    if not where:
        raise MisuseError("--data video names no file", hint="type --data video:FILE")
    if labelled:
        raise MisuseError(
            f"video:{where} has no masks", hint="give labelled data, or go without masks: compile --no-labels"
        )
    if split not in FLAT_SPLITS:
        raise unknown_split(split, list(FLAT_SPLITS), where)
    path = Path(where).expanduser()
    if not path.is_file():
        raise FcnEdgeError(f"no such file: {path} (video)", hint="check the path after --data video:")
    numbers = evenly_spaced(count_frames(path), LARGEST_COUNT)
    return VideoDataset(path, split, flat_split(numbers, split))


def evenly_spaced(available: int, wanted: int) -> tuple[int, ...]:
    """Return the middles of `wanted` equal stretches of 0..available-1, or all where there are fewer."""
    count = min(available, wanted)
    return tuple((2 * i + 1) * available // (2 * count) for i in range(count))


def count_frames(path: Path) -> int:
    """Return the number of frames that can be decoded; FcnEdgeError when there is none.

    The header's count is a claim: if the last frame it promises is not there, or the file has no index,
    frames are counted one by one.
    """
    capture = _open(path)
    claimed = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    if claimed > 0 and has_index(path):
        capture.set(cv2.CAP_PROP_POS_FRAMES, claimed - 1)
        if capture.grab():
            return claimed
    capture = _open(path)
    count = 0
    while capture.grab():
        count += 1
    if count == 0:
        raise FcnEdgeError(f"{path} holds no frame that can be decoded", hint=_REPAIR)
    return count


def _open(path: Path) -> cv2.VideoCapture:
    capture = open_capture(str(path))
    if capture is None:
        raise FcnEdgeError(f"{path} is not a readable video", hint=_REPAIR)
    return capture
