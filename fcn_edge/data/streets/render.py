"""From a street and a camera to a frame and its mask."""

from __future__ import annotations

import math

import numpy as np

from fcn_edge.data.streets.camera import FAR, NEAR, Camera
from fcn_edge.data.streets.canvas import Canvas
from fcn_edge.data.streets.ground import cast_shadows, ground_rows, paint_ground
from fcn_edge.data.streets.houses import House
from fcn_edge.data.streets.ids import SKY
from fcn_edge.data.streets.layout import Street
from fcn_edge.data.streets.sensor import Sensor, expose
from fcn_edge.data.streets.sky import paint_sky, paint_skyline
from fcn_edge.data.streets.view import Footprint, View, shadow_outlines


def render(
    street: Street, camera: Camera, sensor: Sensor, time: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return frame uint8 (H, W, 3) BGR and mask uint8 (H, W) of class ids; every pixel has one."""
    canvas = Canvas(camera.size, SKY)
    view = View(canvas, camera, street.light, time)
    paint_sky(canvas, camera, street.light, street.skyline)
    paint_skyline(canvas, camera, street.light, street.skyline)
    rows = ground_rows(camera)
    if rows is not None:
        shade = cast_shadows(rows, camera, _shadows(street, camera, time))
        paint_ground(canvas, rows, street.roadway, street.light, shade)
    for thing in sorted(street.things, key=lambda thing: -thing.far(time)):
        thing.draw(view)
    return expose(canvas.image, sensor, seed), canvas.mask


def _shadows(street: Street, camera: Camera, time: float) -> np.ndarray:
    """Return the ground outlines (n, 8, 2) as (x, s) of every shadow ahead of the camera."""
    cast = [thing.footprint(time) for thing in street.things]
    near = [box for box in cast if box is not None and NEAR < box[1] - camera.s < 0.5 * FAR]
    outlines = shadow_outlines([*near, *map(_ground_of, street.houses)], street.light.direction)
    outlines[..., 1] = np.maximum(outlines[..., 1], camera.s + NEAR)
    return outlines[np.ptp(outlines[..., 1], axis=1) > 0]


def _ground_of(house: House) -> Footprint:
    half = house.depth / 2
    middle, length = (house.s0 + house.s1) / 2, house.s1 - house.s0
    return house.x + math.copysign(half, house.x), middle, half, length / 2, house.height
