"""Streets as a data set: frame i of a split is always the same, and no file is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from fcn_edge.data.camvid import CAMVID_11
from fcn_edge.data.dataset import Classes, Sample
from fcn_edge.data.splits import unknown_split
from fcn_edge.data.streets.camera import Camera
from fcn_edge.data.streets.layout import Street, draw_street
from fcn_edge.data.streets.looks import LOOKS, Looks
from fcn_edge.data.streets.render import render
from fcn_edge.data.streets.sensor import Sensor, draw_sensor
from fcn_edge.ground.artifacts import hash_json
from fcn_edge.ground.errors import MisuseError

VERSION = 4  # raise it when the same seed gives other pixels
SIZE = (360, 480)
COUNTS = {"train": 400, "val": 80}
_SMALLEST, _LARGEST = 16, 8192  # pixels a side
_SPLIT_SEED = {"train": 0, "val": 1}
_STREET_METRES = 130.0


@dataclass(frozen=True)
class StreetsDataset:
    """Rendered on access (see fcn_edge.data.dataset.Dataset): every frame shows a street of its own.

    Train and val share neither seeds nor looks: see fcn_edge.data.streets.looks.
    """

    split: str
    size: tuple[int, int] = SIZE  # (height, width)
    count: int = 0  # 0: the split's usual count
    seed: int = 0
    labelled: bool = True
    name: str = "streets"
    classes: Classes = CAMVID_11

    def __post_init__(self) -> None:
        if self.split not in LOOKS:
            raise unknown_split(self.split, list(LOOKS), "streets")
        if not _SMALLEST <= min(self.size) <= max(self.size) <= _LARGEST:
            raise MisuseError(
                f"streets of {self.size[0]}x{self.size[1]} pixels",
                hint=f"use {_SMALLEST}x{_SMALLEST} to {_LARGEST}x{_LARGEST}",
            )

    def __len__(self) -> int:
        return self.count or COUNTS[self.split]

    def __getitem__(self, index: int) -> Sample:
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        index %= len(self)
        rng = np.random.default_rng([_SPLIT_SEED[self.split], self.seed, index])
        looks = LOOKS[self.split]
        street = draw_street(rng, looks, _STREET_METRES)
        camera, sensor = draw_camera(rng, looks, street, self.size)
        frame, mask = render(street, camera, sensor, seed=index)
        return Sample(self.stem(index), frame, mask if self.labelled else None)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def stem(self, index: int) -> str:
        """Return the name of sample `index` without rendering it."""
        return f"{self.split}_{self.seed:03d}_{index:05d}"

    def digest(self) -> str:
        """Return a SHA-256 over the generator's version and parameters."""
        return hash_json(["streets", VERSION, self.split, self.size, len(self), self.seed])


def open_streets(where: str, split: str, *, labelled: bool = True) -> StreetsDataset:
    """Open the procedural set; `where` is "" or HEIGHTxWIDTH, e.g. "256x512"."""
    size = re.fullmatch(r"(\d+)x(\d+)", where.lower())
    if size:
        return StreetsDataset(split, (int(size[1]), int(size[2])), labelled=labelled)
    if not where:
        return StreetsDataset(split, labelled=labelled)
    if where[0].isdigit():
        hint = "type for example --data streets:360x480, height first"
    else:
        hint = f"streets is rendered, not read; type --data camvid:{where} for a set written to a folder"
    raise MisuseError(f"streets:{where} is not streets:HEIGHTxWIDTH", hint=hint)


def draw_camera(
    rng: np.random.Generator, looks: Looks, street: Street, size: tuple[int, int]
) -> tuple[Camera, Sensor]:
    """Draw a camera in the right lane of `street`, looking ahead."""
    camera = Camera(
        size, s=0.0, x=street.keep * rng.uniform(1.2, 2.2), y=rng.uniform(*looks.camera_height),
        focal=rng.uniform(*looks.focal), pitch=rng.normal(0, 0.02), yaw=rng.normal(0, 0.05), bend=street.bend,
    )  # fmt: skip
    return camera, draw_sensor(rng, dark=street.light.lamps > 0)


def moved(camera: Camera, s: float, time: float) -> Camera:
    """Return the camera at s, rocking a little as a car does."""
    pitch = camera.pitch + 0.0025 * np.sin(2 * np.pi * 1.1 * time) + 0.0015 * np.sin(2 * np.pi * 2.7 * time)
    return replace(
        camera, s=s, pitch=float(pitch), yaw=camera.yaw + 0.004 * float(np.sin(2 * np.pi * 0.23 * time))
    )
