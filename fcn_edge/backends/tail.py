"""The fused tail: bilinear upsampling and argmax of class scores, the reference definition in numpy.

Bilinear interpolation is a convex combination of a cell's four corners, so a class that is the argmax at
all four corners is the argmax everywhere in the cell: such a cell is filled, and only the pixels of the
others are interpolated. The C++ runtime repeats these float32 operations in this order, so the masks are
equal bit for bit (cpp_runtime reads the same golden files).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fcn_edge.ground.errors import FcnEdgeError

Scores = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.intp]
Taps = tuple[
    Indices, Indices, npt.NDArray[np.float32]
]  # of each pixel: two score cells, weight of the second


def mask_from_scores(scores: Scores, stride: int, size: tuple[int, int]) -> Mask:
    """Return the class map of the scores upsampled `stride` times, cropped bottom and right to `size`.

    scores: float32 (C, h, w) with 1 <= C <= 255; size: (H, W) with H <= stride * h and W <= stride * w.
    Pixel x samples the scores at clamp((x + 0.5) / stride - 0.5, 0, w - 1): half-pixel centres, the
    convention of torch.nn.functional.interpolate(mode="bilinear", align_corners=False). Ties go to the
    lowest class id. Returns uint8 (H, W). Scores that are NaN or infinite have no largest class and no
    interpolation: FcnEdgeError, as in C++.
    """
    height, width = size
    check_finite(scores)
    labels = scores.argmax(axis=0).astype(np.uint8)
    if stride == 1:
        return np.ascontiguousarray(labels[:height, :width])
    vertical, horizontal = _taps(height, stride, scores.shape[1]), _taps(width, stride, scores.shape[2])
    cells = vertical[0][:, None], horizontal[0]
    mask = labels[cells]
    rows, columns = np.nonzero(_corners_disagree(labels)[cells])
    if rows.size:
        mask[rows, columns] = _interpolated_argmax(scores, vertical, horizontal, rows, columns)
    return mask


def check_finite(scores: Scores) -> None:
    """Raise FcnEdgeError naming the first class with a score that is NaN or infinite; scores: (C, h, w)."""
    finite = np.isfinite(scores)
    if not finite.all():
        index = int(np.flatnonzero(~finite.all(axis=(1, 2)))[0])
        raise FcnEdgeError(
            f"the network gives scores that are not finite (NaN or infinite), first in class {index}",
            hint="its weights or its ranges are broken: compile from another checkpoint",
        )


def _taps(length: int, stride: int, count: int) -> Taps:
    """Return for every pixel of an axis its two score cells and the weight of the second.

    `stride` is a power of two, so every value here is exact in float32.
    """
    source = np.clip((np.arange(length, dtype=np.float32) + 0.5) / stride - 0.5, 0, count - 1)
    first = source.astype(np.intp)
    return first, np.minimum(first + 1, count - 1), (source - first).astype(np.float32)


def _corners_disagree(labels: Mask) -> npt.NDArray[np.bool_]:
    """Return for every score cell whether its label differs from its right, lower or diagonal neighbour's."""
    right = np.concatenate([labels[:, 1:], labels[:, -1:]], axis=1)
    below = np.concatenate([labels[1:], labels[-1:]], axis=0)
    diagonal = np.concatenate([right[1:], right[-1:]], axis=0)
    return (labels != right) | (labels != below) | (labels != diagonal)


def _interpolated_argmax(
    scores: Scores, vertical: Taps, horizontal: Taps, rows: Indices, columns: Indices
) -> Mask:
    """Return the argmax of the interpolated scores at the pixels (rows, columns); the first maximum wins."""
    (y0, y1, fy), (x0, x1, fx) = vertical, horizontal
    across = scores[:, :, x0] * (np.float32(1) - fx) + scores[:, :, x1] * fx  # (C, h, W)
    width = across.shape[2]
    top, bottom = y0[rows] * width + columns, y1[rows] * width + columns
    below = fy[rows]
    above = np.float32(1) - below
    best = np.full(rows.shape, -np.inf, np.float32)
    label = np.zeros(rows.shape, np.uint8)
    for index, plane in enumerate(across.reshape(len(across), -1)):
        value = plane.take(top) * above + plane.take(bottom) * below
        better = value > best
        np.copyto(best, value, where=better)
        label[better] = index
    return label
