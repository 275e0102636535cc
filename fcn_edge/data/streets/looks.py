"""What the train streets and the val streets look like: two towns with their own builders, cars and light.

A net that scores well on val has learned streets, not this town's wallpaper.
"""

from __future__ import annotations

from dataclasses import dataclass

from fcn_edge.data.streets.canvas import Color
from fcn_edge.data.streets.facades import Style

_WHITE: Color = (228.0, 232.0, 234.0)
_CREAM: Color = (176.0, 206.0, 218.0)
_DARK: Color = (52.0, 50.0, 48.0)
_SLATE: Color = (92.0, 82.0, 78.0)
_TILE: Color = (62.0, 84.0, 140.0)


@dataclass(frozen=True)
class Looks:
    """The distributions a street is drawn from."""

    styles: tuple[Style, ...]
    paints: tuple[Color, ...]
    moods: dict[str, float]  # light: weight
    leaves: tuple[Color, ...]
    asphalt: tuple[float, float]  # grey levels, from .. to
    camera_height: tuple[float, float]  # metres
    focal: tuple[float, float]  # frame widths


TRAIN = Looks(
    styles=(
        Style((72, 92, 158), _WHITE, "brick", (0.42, 0.55), (2, 2), "house", _SLATE, 11),
        Style((88, 104, 140), _CREAM, "brick", (0.50, 0.50), (3, 2), "shop", _SLATE, 12),
        Style((170, 196, 206), _WHITE, "plaster", (0.40, 0.58), (2, 3), "house", _TILE, 13),
        Style((196, 202, 206), _DARK, "plaster", (0.48, 0.52), (2, 1), "shop", None, 14),
        Style((120, 160, 190), _WHITE, "brick", (0.40, 0.56), (2, 2), "shop", _SLATE, 15),
        Style((150, 152, 150), _WHITE, "panel", (0.74, 0.50), (4, 1), "shop", None, 16),
        Style((60, 76, 122), _CREAM, "brick", (0.38, 0.52), (2, 4), "house", _TILE, 17),
    ),
    paints=(
        (38, 38, 40), (205, 205, 208), (232, 232, 232), (110, 112, 115), (40, 36, 150),
        (120, 62, 28), (70, 74, 60), (152, 150, 146), (30, 26, 92),
    ),
    moods={"noon": 0.42, "overcast": 0.30, "morning": 0.18, "dusk": 0.10},
    leaves=((48, 118, 84), (42, 104, 96), (58, 130, 108), (40, 92, 66)),
    asphalt=(96, 138),
    camera_height=(1.2, 1.6),
    focal=(0.80, 0.95),
)  # fmt: skip

VAL = Looks(
    styles=(
        Style((112, 150, 178), _WHITE, "brick", (0.46, 0.50), (2, 2), "house", _TILE, 21),
        Style((98, 100, 112), _WHITE, "brick", (0.40, 0.60), (2, 3), "shop", _SLATE, 22),
        Style((178, 186, 172), _DARK, "plaster", (0.52, 0.54), (3, 2), "shop", None, 23),
        Style((142, 172, 204), _WHITE, "plaster", (0.38, 0.58), (2, 2), "house", _SLATE, 24),
        Style((128, 120, 116), _DARK, "panel", (0.80, 0.56), (3, 1), "shop", None, 25),
    ),
    paints=(
        (54, 50, 46), (188, 192, 196), (60, 44, 128), (140, 92, 40), (52, 96, 60), (70, 150, 196),
        (222, 226, 224),
    ),
    moods={"noon": 0.25, "overcast": 0.30, "morning": 0.25, "dusk": 0.20},
    leaves=((52, 124, 116), (40, 110, 76), (44, 98, 112)),
    asphalt=(84, 124),
    camera_height=(1.3, 1.8),
    focal=(0.84, 1.00),
)  # fmt: skip

LOOKS = {"train": TRAIN, "val": VAL}
