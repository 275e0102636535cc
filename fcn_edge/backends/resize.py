"""The one operation outside the graph: the resize of a camera frame to the network's size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]


def resize_frame(frame: Frame, size: tuple[int, int]) -> Frame:
    """Return a uint8 (H, W, 3) BGR frame at `size` = (height, width) with OpenCV's INTER_LINEAR.

    A frame that already has the size is returned as it is. The C++ runtime makes the same call.
    """
    import cv2

    if frame.shape[:2] == tuple(size):
        return frame
    return np.asarray(cv2.resize(frame, (size[1], size[0]), interpolation=cv2.INTER_LINEAR), np.uint8)


def resize_mask(mask: Frame, size: tuple[int, int]) -> Frame:
    """Return a uint8 (H, W) mask at `size` = (height, width), nearest neighbour."""
    import cv2

    if mask.shape == tuple(size):
        return mask
    return np.asarray(cv2.resize(mask, (size[1], size[0]), interpolation=cv2.INTER_NEAREST), np.uint8)
