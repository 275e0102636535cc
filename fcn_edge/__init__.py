"""fcn-edge: semantic segmentation that runs on the camera's own box, with an INT8 engine you can trust.

>>> import fcn_edge
>>> segmenter = fcn_edge.open("road.fcne")      # doctest: +SKIP
>>> mask = segmenter(frame)                     # doctest: +SKIP
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from fcn_edge.ground.errors import FcnEdgeError, MisuseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from fcn_edge.bundle import Segmenter
    from fcn_edge.runtime.mask_stream import StreamedMask

__version__ = "0.1.0"
__all__ = ["FcnEdgeError", "MisuseError", "__version__", "open", "read_masks"]


def open(path: str | PathLike[str], *, allow_ungated: bool = False) -> Segmenter:
    """Open a bundle (`NAME.fcne/`), verify it and return a callable `frame -> mask`.

    `frame` is uint8 (H, W, 3) BGR of any size; the mask is uint8 (h, w) of class ids at the bundle's size.
    Raises FcnEdgeError when the bundle is damaged, or when its INT8 gate did not pass and `allow_ungated`
    is False.
    """
    from fcn_edge.bundle import open_bundle  # heavy imports (OpenCV, OpenVINO) only when used

    return open_bundle(path, allow_ungated=allow_ungated)


def read_masks(stream: BinaryIO) -> Iterator[StreamedMask]:
    """Yield the class maps that `fcn-edge-stream --masks-stream raw|rle` writes to `stream`, as they come.

    Each has `mask` (uint8, H x W), `source`, `index`, `taken_ns` and `classes`; see
    fcn_edge/runtime/mask_stream.py.
    Raises FcnEdgeError when the stream is another or ends within a frame.
    """
    from fcn_edge.runtime.mask_stream import read_masks

    return read_masks(stream)
