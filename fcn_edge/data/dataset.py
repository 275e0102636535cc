"""What every adapter hands out: classes, samples, and the protocol of a dataset."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fcn_edge.ground.artifacts import read_json
from fcn_edge.ground.errors import FcnEdgeError

IGNORE = 255  # mask value of a pixel that is neither learned nor scored, whatever the void id on disk
MAX_CLASSES = 254  # ids 0..253: a mask is one byte a pixel, and 255 is void


@dataclass(frozen=True)
class Classes:
    """Names of the class ids 0..C-1 and the RGB colour each is drawn in."""

    names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.palette):
            raise FcnEdgeError(f"{len(self.names)} class names but {len(self.palette)} colours")
        if len(set(self.names)) != len(self.names):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise FcnEdgeError(
                f"class name '{twice[0]}' is given twice", hint="give every class its own name"
            )
        if len(self.names) > MAX_CLASSES:
            raise FcnEdgeError(f"{len(self.names)} classes", hint=f"at most {MAX_CLASSES} fit in a byte mask")

    def __len__(self) -> int:
        return len(self.names)

    def to_json(self) -> list[dict[str, Any]]:
        """Return [{"id", "name", "color" (RGB)}, ...]."""
        pairs = zip(self.names, self.palette, strict=True)
        return [{"id": i, "name": name, "color": list(color)} for i, (name, color) in enumerate(pairs)]

    @classmethod
    def from_json(cls, value: Any, source: str = "classes") -> Classes:
        """Read what `to_json` wrote; `id` may be left out (list order), `color` too (the VOC colour map).

        Raises FcnEdgeError naming `source` for anything else.
        """
        if not isinstance(value, list) or not value:
            raise FcnEdgeError(f"{source}: 'classes' is not a list of classes", hint=_CLASSES_HINT)
        names: dict[int, str] = {}
        colors: dict[int, tuple[int, int, int]] = {}
        for position, entry in enumerate(value):
            if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
                raise FcnEdgeError(f"{source}: class {position} has no name", hint=_CLASSES_HINT)
            i = entry.get("id", position)
            if not _is_whole(i) or i in names:
                raise FcnEdgeError(
                    f"{source}: class '{entry['name']}' has the id {i!r}", hint="number them 0, 1, 2, ..."
                )
            names[i] = unicodedata.normalize("NFC", entry["name"])  # macOS may write accents in parts (NFD)
            colors[i] = _color(entry.get("color", voc_color(i)), entry["name"], source)
        if sorted(names) != list(range(len(names))):
            raise FcnEdgeError(
                f"{source}: class ids are {sorted(names)}", hint="number them 0, 1, 2, ... without gaps"
            )
        order = range(len(names))
        return cls(tuple(names[i] for i in order), tuple(colors[i] for i in order))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)  # JSON's true is an int to Python


NO_CLASSES = Classes((), ())  # of frames without labels

_CLASSES_HINT = 'write {"classes": [{"name": "road", "color": [128, 64, 128]}, ...], "void_id": 255}'


def _color(value: Any, name: str, source: str) -> tuple[int, int, int]:
    is_rgb = isinstance(value, (list, tuple)) and len(value) == 3
    if not is_rgb or not all(_is_whole(v) and 0 <= v <= 255 for v in value):
        raise FcnEdgeError(
            f"{source}: color of '{name}' is {value!r}", hint="give three integers 0..255, RGB"
        )
    return int(value[0]), int(value[1]), int(value[2])


def voc_color(index: int) -> tuple[int, int, int]:
    """Return colour `index` of the PASCAL VOC colour map, RGB: its bits spread over the three channels."""
    rgb = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            rgb[channel] |= ((index >> channel) & 1) << (7 - bit)
        index >>= 3
    return rgb[0], rgb[1], rgb[2]


@dataclass(frozen=True)
class ClassFile:
    """A `classes.json`: the classes, and the id that means void in the masks on disk.

    name: how gates and reports call the data; None: by its adapter.
    """

    classes: Classes
    void_id: int = IGNORE
    name: str | None = None

    @classmethod
    def read(cls, path: Path) -> ClassFile:
        """Read `path`; a missing or broken file is one sentence that names it."""
        if not path.exists():
            raise FcnEdgeError(f"no such file: {path}", hint=_CLASSES_HINT)
        value = read_json(path)
        if not isinstance(value, dict):
            raise FcnEdgeError(f"{path}: not a JSON object", hint=_CLASSES_HINT)
        classes = Classes.from_json(value.get("classes"), str(path))
        void_id = value.get("void_id", IGNORE)
        if not _is_whole(void_id) or not len(classes) <= void_id <= 255:
            raise FcnEdgeError(
                f"{path}: void_id is {void_id!r}", hint=f"give an id from {len(classes)} to 255"
            )
        name = value.get("name")
        if name is not None and not (isinstance(name, str) and name):
            raise FcnEdgeError(f"{path}: name is {name!r}", hint="give a text, or leave it out")
        return cls(classes, void_id, name)

    def to_json(self) -> dict[str, Any]:
        """Return the content of a `classes.json`."""
        named = {"name": self.name} if self.name else {}
        return {**named, "classes": self.classes.to_json(), "void_id": self.void_id}


@dataclass(frozen=True)
class Sample:
    """One frame and its mask.

    stem: name without folder or suffix. frame: uint8 (H, W, 3) BGR. mask: uint8 (H, W) class ids with
    255 = void, or None where the frame has no labels.
    """

    stem: str
    frame: np.ndarray = field(repr=False)
    mask: np.ndarray | None = field(repr=False)


class Dataset(Protocol):
    """An ordered, indexable set of samples; reading one sample twice gives the same arrays."""

    @property
    def name(self) -> str:
        """What reports call the data: the name in its `classes.json`, else its adapter, e.g. "camvid"."""
        ...

    @property
    def split(self) -> str:
        """Name of the part: "train", "val", ..."""
        ...

    @property
    def classes(self) -> Classes:
        """What the ids of the masks mean."""
        ...

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __getitem__(self, index: int) -> Sample:
        """Read sample `index`; IndexError past the end, FcnEdgeError for a file that cannot be used."""
        ...

    def __iter__(self) -> Iterator[Sample]:
        """Yield the samples in order."""
        ...

    def stem(self, index: int) -> str:
        """Return the name of sample `index` without reading it."""
        ...

    def digest(self) -> str:
        """Return a SHA-256 over what the samples are: files by name and size, or a generator's parameters."""
        ...
