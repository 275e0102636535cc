"""Draw one object finely on its own small sheet, then lay it over the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

import cv2
import numpy as np

from fcn_edge.data.streets.canvas import SUBPIXEL, Canvas, Color, clipped_box, fixed_point

_LARGEST = 420  # pixels a side before a sheet is no longer drawn finer than the picture

Points = np.ndarray | Sequence[Sequence[float]]

_TURN = np.linspace(0, 2 * np.pi, 25)[:-1]
ELLIPSE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)  # the unit circle, to be scaled and moved


class Sketch:
    """A transparent sheet over a box of the picture, finer than the picture by `fine`.

    Strokes are collected and drawn by `paste`: turning all their points into pixels at once is many times
    faster than stroke by stroke. Averaging the sheet down gives every edge its true coverage: the picture is
    blended by it, the mask takes what is more than half covered.

    outline: pixels (n, 2) around the object. place: turns the points of strokes (n, d) into pixels (n, 2);
    without it they are pixels.
    """

    def __init__(
        self, canvas: Canvas, outline: np.ndarray, place: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> None:
        self._canvas, self._place = canvas, place
        self._strokes: list[tuple[Points, float, Color]] = []  # points, width (0: filled), colour
        box = clipped_box(outline, canvas.size)
        self.visible = box is not None  # False: the box lies outside the picture, nothing need be drawn
        left, top, right, bottom = box or (0, 0, 1, 1)
        self.corner, self.size = (left, top), (right - left, bottom - top)
        side = max(self.size)
        self.fine = 4 if side < 40 else 3 if side < 110 else 2 if side < _LARGEST else 1

    def polygon(self, points: Points, color: Color) -> None:
        """Fill a polygon (n, d)."""
        self._strokes.append((points, 0.0, color))

    def line(self, points: Points, width: float, color: Color) -> None:
        """Draw a line through `points` (n, d), `width` pixels of the picture thick."""
        self._strokes.append((points, width, color))

    def paste(self, class_id: int) -> None:
        """Draw the strokes in order, lay the sheet over the picture and label it."""
        patch = self._drawn()
        if self.fine > 1:
            patch = np.asarray(cv2.resize(patch, self.size, interpolation=cv2.INTER_AREA))
        self._canvas.paste(patch, *self.corner, class_id)

    def _drawn(self) -> np.ndarray:
        sheet = np.zeros((self.size[1] * self.fine, self.size[0] * self.fine, 4), np.uint8)
        vertices, start = self._vertices(), 0
        for points, width, color in self._strokes:
            part, start = vertices[start : start + len(points)], start + len(points)
            if width:
                thick = max(1, round(width * self.fine))
                cv2.polylines(sheet, [part], False, (*color, 255), thick, cv2.LINE_8, SUBPIXEL)
            else:
                cv2.fillPoly(sheet, [part], (*color, 255), cv2.LINE_8, SUBPIXEL)
        return sheet

    def _vertices(self) -> np.ndarray:
        """Return all points of all strokes on the sheet, as OpenCV's fixed-point integers."""
        points = np.array(list(chain.from_iterable(points for points, _, _ in self._strokes)))
        pixels = points if self._place is None else self._place(points)
        return fixed_point((pixels - self.corner + 0.5) * self.fine - 0.5)
