"""The picture and its mask, drawn together so that they cannot disagree."""

from __future__ import annotations

import math

import cv2
import numpy as np

SUBPIXEL = 4  # OpenCV takes vertices in 1/16 pixel

Color = tuple[float, float, float]  # BGR, 0..255


def bgr(color: Color) -> np.ndarray:
    """Return a colour as float32 (3,)."""
    return np.asarray(color, np.float32)


def scaled(color: Color, factor: float) -> Color:
    """Return a colour darker or brighter by `factor`."""
    return color[0] * factor, color[1] * factor, color[2] * factor


def times(color: Color, factor: Color) -> Color:
    """Return a colour with each channel multiplied by its own factor."""
    return color[0] * factor[0], color[1] * factor[1], color[2] * factor[2]


def draw_color(rng: np.random.Generator, low: float, high: float) -> Color:
    """Draw a colour whose channels lie in low .. high."""
    return rng.uniform(low, high), rng.uniform(low, high), rng.uniform(low, high)


class Canvas:
    """A BGR picture and a class mask of one size. Later drawing covers earlier."""

    def __init__(self, size: tuple[int, int], class_id: int) -> None:
        self.size = size
        self.image = np.zeros((*size, 3), np.uint8)
        self.mask = np.full(size, class_id, np.uint8)

    def polygon(self, points: np.ndarray, color: Color, class_id: int) -> None:
        """Fill the convex polygon with vertices (n, 2) as (u, v)."""
        vertices = fixed_point(points)
        cv2.fillConvexPoly(self.image, vertices, color, cv2.LINE_8, SUBPIXEL)
        cv2.fillConvexPoly(self.mask, vertices, class_id, cv2.LINE_8, SUBPIXEL)

    def texture(self, quad: np.ndarray, texture: np.ndarray, class_id: int) -> None:
        """Stretch `texture` (h, w, 3) over `quad` (4, 2): top-left, top-right, bottom-right, bottom-left."""
        box = clipped_box(quad, self.size)
        if box is None:
            return
        left, top, right, bottom = box
        height, width = texture.shape[:2]
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
        local = (quad - (left, top)).astype(np.float32)
        warp = cv2.getPerspectiveTransform(corners, local)
        inside = np.zeros((bottom - top, right - left), np.uint8)
        vertices = fixed_point(local)
        cv2.fillConvexPoly(inside, vertices, 255, cv2.LINE_8, SUBPIXEL)
        patch = cv2.warpPerspective(texture, warp, inside.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        cv2.copyTo(patch, inside, self.image[top:bottom, left:right])
        cv2.fillConvexPoly(self.mask[top:bottom, left:right], vertices, class_id, cv2.LINE_8, SUBPIXEL)

    def paste(self, patch: np.ndarray, left: int, top: int, class_id: int) -> None:
        """Lay a BGRA patch, its colour already multiplied by alpha, over the picture.

        Pixels more than half covered take the label.
        """
        height, width = self.size
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + patch.shape[1], width), min(top + patch.shape[0], height)
        if x0 >= x1 or y0 >= y1:
            return
        patch = patch[y0 - top : y1 - top, x0 - left : x1 - left]
        alpha = patch[..., 3]
        under = self.image[y0:y1, x0:x1]
        keep = cv2.cvtColor(255 - alpha, cv2.COLOR_GRAY2BGR)
        self.image[y0:y1, x0:x1] = cv2.add(cv2.multiply(under, keep, scale=1 / 255), patch[..., :3])
        self.mask[y0:y1, x0:x1][alpha > 127] = class_id


def fixed_point(points: np.ndarray) -> np.ndarray:
    """Return vertices as OpenCV's integers of 1/16 pixel."""
    near = np.minimum(np.maximum(points, -8000.0), 8000.0)
    return np.rint(near * (1 << SUBPIXEL)).astype(np.int32)


def clipped_box(points: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return (left, top, right, bottom) of `points` within the picture, or None when they lie outside."""
    across, down = zip(*points.tolist(), strict=True)
    left, top = max(math.floor(min(across)), 0), max(math.floor(min(down)), 0)
    right, bottom = min(math.ceil(max(across)) + 1, size[1]), min(math.ceil(max(down)) + 1, size[0])
    return (left, top, right, bottom) if left < right and top < bottom else None
