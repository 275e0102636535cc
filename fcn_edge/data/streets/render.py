"""From a street and a camera to a frame and its mask."""

from __future__ import annotations

import numpy as np

from fcn_edge.data.streets.camera import FAR, NEAR, Camera
from fcn_edge.data.streets.canvas import Canvas
from fcn_edge.data.streets.ground import cast_shadows, ground_rows, paint_ground
from fcn_edge.data.streets.ids import SKY
from fcn_edge.data.streets.layout import Street
from fcn_edge.data.streets.sensor import Sensor, expose
from fcn_edge.data.streets.sky import paint_sky, paint_skyline
from fcn_edge.data.streets.view import View, shadow_outline


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
        shade = cast_shadows(
            rows, camera, _shadows(street, camera, time), blur=max(0.8, camera.size[1] / 400)
        )
        paint_ground(canvas, rows, street.roadway, street.light, shade)
    for thing in sorted(street.things, key=lambda thing: -thing.far(time)):
        thing.draw(view)
    return expose(canvas.image, sensor, seed), canvas.mask


def _shadows(street: Street, camera: Camera, time: float) -> list[np.ndarray]:
    """Return the ground outlines of every shadow ahead of the camera."""
    sun = street.light.direction
    outlines = []
    for thing in street.things:
        footprint = thing.footprint(time)
        if footprint is None or not NEAR < footprint[1] - camera.s < 0.5 * FAR:
            continue
        outlines.append(shadow_outline(footprint, sun))
    for house in street.houses:
        depth, middle = abs(house.depth) / 2, (house.s0 + house.s1) / 2
        x = house.x + np.sign(house.x) * depth
        outlines.append(shadow_outline((x, middle, depth, (house.s1 - house.s0) / 2, house.height), sun))
    ahead = [np.maximum(outline, (-np.inf, 0, camera.s + NEAR)) for outline in outlines]
    return [outline for outline in ahead if np.ptp(outline[:, 2]) > 0]
