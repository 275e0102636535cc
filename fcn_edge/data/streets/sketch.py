"""Draw one object finely on its own small sheet, then lay it over the picture."""

from __future__ import annotations

import cv2
import numpy as np

from fcn_edge.data.streets.canvas import Canvas, Color, clipped_box, fixed_point

_LARGEST = 420  # pixels a side before a sheet is no longer drawn finer than the picture


class Sketch:
    """A transparent sheet over a box of the picture, finer than the picture by `fine`.

    Averaging it down gives every edge its true coverage: the picture is blended by it, the mask takes what is
    more than half covered.
    """

    def __init__(self, canvas: Canvas, outline: np.ndarray) -> None:
        self._canvas = canvas
        box = clipped_box(outline, canvas.size)
        self.visible = box is not None  # False: the box lies outside the picture, nothing need be drawn
        left, top, right, bottom = box or (0, 0, 1, 1)
        self.corner, self.size = (left, top), (right - left, bottom - top)
        side = max(self.size)
        self.fine = 4 if side < 40 else 3 if side < 110 else 2 if side < _LARGEST else 1
        self.sheet: np.ndarray = np.zeros((self.size[1] * self.fine, self.size[0] * self.fine, 4), np.uint8)

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        return fixed_point((points - self.corner + 0.5) * self.fine - 0.5)

    def polygon(self, points: np.ndarray, color: Color) -> None:
        """Fill a polygon given in pixels (n, 2) of the picture."""
        cv2.fillPoly(self.sheet, [self._fixed(points)], (*color, 255), cv2.LINE_8, 4)

    def line(self, points: np.ndarray, width: float, color: Color) -> None:
        """Draw a line through `points` (n, 2), `width` pixels of the picture thick."""
        thick = max(1, round(width * self.fine))
        cv2.polylines(self.sheet, [self._fixed(points)], False, (*color, 255), thick, cv2.LINE_8, 4)

    def ellipse(self, center: tuple[float, float], axes: tuple[float, float], color: Color) -> None:
        """Fill an upright ellipse with half-axes in pixels of the picture."""
        turn = np.linspace(0, 2 * np.pi, 17)[:-1]
        self.polygon(
            np.asarray(center) + np.stack([np.cos(turn) * axes[0], np.sin(turn) * axes[1]], 1), color
        )

    def paste(self, class_id: int) -> None:
        """Lay the sheet over the picture and label it."""
        patch = self.sheet
        if self.fine > 1:
            patch = cv2.resize(patch, self.size, interpolation=cv2.INTER_AREA)
        self._canvas.paste(patch, *self.corner, class_id)
