"""Read the class maps that `fcn-edge-stream --masks-stream raw|rle` writes to its standard output.

>>> import subprocess, fcn_edge
>>> command = ["fcn-edge-stream", "road.fcne", "--source", "0", "--masks-stream", "rle"]
>>> with subprocess.Popen(command, stdout=subprocess.PIPE) as stream:          # doctest: +SKIP
...     for one in fcn_edge.read_masks(stream.stdout):
...         print(one.index, one.mask.shape)

The format is in docs/runtime.md, the writer in cpp_runtime/apps/fcn-edge-stream/sinks/mask_stream.cpp.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from fcn_edge.ground.errors import FcnEdgeError

if TYPE_CHECKING:
    import numpy as np

HEADER = struct.Struct("<4sIQqI")  # magic, source, index, nanoseconds since 1970, bytes of payload
LONGEST_LINE = 1 << 20


@dataclass(frozen=True)
class StreamedMask:
    """One frame's class map."""

    mask: np.ndarray  # uint8 (H, W) class ids, at the bundle's size
    source: int  # which --source it is from, counted from 0
    index: int  # position of the frame in its source, dropped frames included
    taken_ns: int  # when the frame was taken: nanoseconds since 1970
    classes: tuple[str, ...]  # name of every id


def read_masks(stream: BinaryIO) -> Iterator[StreamedMask]:
    """Yield the masks of a stream as they come, to its end.

    `stream` is binary, such as `Popen.stdout`. Raises FcnEdgeError when it is no such stream or ends within a
    frame.
    """
    import numpy as np

    head = _read_head(stream)
    height, width, classes = head["height"], head["width"], tuple(head["classes"])
    while header := _read_exactly(stream, HEADER.size, may_end=True):
        magic, source, index, taken_ns, size = HEADER.unpack(header)
        if magic != b"MASK" or size > 3 * height * width:
            raise FcnEdgeError("the mask stream is damaged", hint="does anything else write to that stdout?")
        payload = _read_exactly(stream, size)
        if head["encoding"] == "rle":
            runs = np.frombuffer(payload, dtype=[("id", "u1"), ("length", "<u2")])
            ids = np.repeat(runs["id"], runs["length"])
        else:
            ids = np.frombuffer(payload, dtype=np.uint8)
        if ids.size != height * width:
            raise FcnEdgeError(f"the mask of frame {index} has {ids.size} pixels, not {height}x{width}")
        yield StreamedMask(ids.reshape(height, width), source, index, taken_ns, classes)


def _read_head(stream: BinaryIO) -> dict[str, Any]:
    try:
        head = json.loads(stream.readline(LONGEST_LINE))
        known = head["format"] == "fcn-edge-masks" and head["version"] == 1
        known = known and head["encoding"] in ("raw", "rle")
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise FcnEdgeError(
            "this is not a mask stream of version 1",
            hint="it is written by fcn-edge-stream BUNDLE --source SOURCE --masks-stream rle",
        )
    return dict(head)


def _read_exactly(stream: BinaryIO, size: int, *, may_end: bool = False) -> bytes:
    data = b""
    while len(data) < size:
        part = stream.read(size - len(data))
        if not part:
            if may_end and not data:
                return b""
            raise FcnEdgeError("the mask stream ended within a frame", hint="did fcn-edge-stream fail?")
        data = data + part if data else part
    return data
