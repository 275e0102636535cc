"""A drive along one street: consecutive frames with their masks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fcn_edge.data.dataset import Sample
from fcn_edge.data.streets.dataset import SIZE, draw_camera, moved
from fcn_edge.data.streets.layout import draw_street
from fcn_edge.data.streets.looks import LOOKS
from fcn_edge.data.streets.render import render

FPS = 15.0
SPEED = 7.0  # metres a second, about 25 km/h
VIEW = 130.0  # metres of street laid out ahead of the last frame

_CLIP_SEED = 2  # train is 0 and val is 1: the clip's street is in neither


def drive(
    seconds: float, *, size: tuple[int, int] = SIZE, fps: float = FPS, seed: int = 0
) -> Iterator[Sample]:
    """Yield the frames (H, W) of a drive: the camera moves, cars keep up or come towards it, people walk.

    The street is drawn with the looks of the val split. The same arguments give the same pixels.
    """
    rng = np.random.default_rng([_CLIP_SEED, seed])
    looks = LOOKS["val"]
    street = draw_street(rng, looks, SPEED * seconds + VIEW, speed=SPEED)
    camera, sensor = draw_camera(rng, looks, street, size)
    for index in range(max(1, round(seconds * fps))):
        time = index / fps
        frame, mask = render(street, moved(camera, SPEED * time, time), sensor, time, seed=index)
        yield Sample(f"{index:05d}", frame, mask)
