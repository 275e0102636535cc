"""The bundle under the clock: what its manifest says, and the frames to feed it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcn_edge.data.class_names import difference
from fcn_edge.data.listing import IMAGE_SUFFIXES, list_pictures
from fcn_edge.ground.artifacts import read_json
from fcn_edge.ground.errors import FcnEdgeError, MisuseError


@dataclass(frozen=True)
class Subject:
    """A bundle folder and its manifest. The C++ runtime verifies every hash when it opens the bundle."""

    path: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's name without the .fcne ending."""
        return self.path.name.removesuffix(".fcne")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames that the network sees."""
        return int(self.manifest["input"]["height"]), int(self.manifest["input"]["width"])

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, in order of their ids."""
        return [str(one["name"]) for one in self.manifest["classes"]]

    def evidence(self, name: str) -> Any | None:
        """Return evidence/NAME.json, or None when the bundle has none."""
        path = self.path / "evidence" / f"{name}.json"
        return read_json(path) if path.is_file() else None

    def golden_frames(self) -> list[Path]:
        """Return the paths of the golden frames."""
        return [self.path / one["frame"] for one in self.manifest.get("golden", {}).get("frames", [])]


def open_subject(path: Path) -> Subject:
    """Read a bundle's manifest; anything else at `path` is one sentence."""
    path = Path(path).absolute()
    if not path.is_dir():
        raise FcnEdgeError(f"no bundle at {path}", hint="`fcn-edge compile` makes one: a folder NAME.fcne")
    if not (path / "manifest.json").is_file():
        raise FcnEdgeError(
            f"{path} is not a bundle: it has no manifest.json",
            hint="name a folder NAME.fcne of `fcn-edge compile`",
        )
    manifest = read_json(path / "manifest.json")
    if not isinstance(manifest, dict) or manifest.get("magic") != "fcn-edge-bundle":
        raise FcnEdgeError(f"{path / 'manifest.json'} is not the manifest of a bundle")
    return Subject(path, manifest)


def open_subjects(paths: list[Path]) -> list[Subject]:
    """Read several bundles that are to be compared: they must tell apart the same classes."""
    if not paths:
        raise MisuseError("no bundle to measure", hint="type fcn-edge bench NAME.fcne")
    subjects = [open_subject(path) for path in paths]
    first = subjects[0]
    for other in subjects[1:]:
        if other.class_names != first.class_names:
            how = difference(other.path.name, other.class_names, first.path.name, first.class_names)
            raise MisuseError(
                f"{other.path.name} has other classes than {first.path.name}: {how}",
                hint="compare bundles of the same classes, or bench them one by one",
            )
    return _with_distinct_names(subjects)


def check_same_size(subjects: list[Subject], why: str, hint: str) -> None:
    """Raise MisuseError when two of the bundles take frames of different sizes."""
    first = subjects[0]
    ours = f"{first.path.name} {_side(first.size)}"
    for other in subjects[1:]:
        if other.size != first.size:
            theirs = f"{other.path.name} takes frames of {_side(other.size)}"
            raise MisuseError(f"{theirs} and {ours}: {why}", hint=hint)


def _side(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _with_distinct_names(subjects: list[Subject]) -> list[Subject]:
    names = [subject.name for subject in subjects]
    for name in names:
        if names.count(name) > 1:
            raise MisuseError(f"two bundles are called {name}", hint="rename one")
    return subjects


def check_source(source: Path) -> None:
    """Raise FcnEdgeError where there is no clip, or a folder without one image; the runtime judges clips."""
    if not source.exists():
        raise FcnEdgeError(
            f"no such clip or folder: {source}",
            hint="check the path, or leave --source out for the golden frames",
        )
    if source.is_dir() and not list_pictures(source):
        raise FcnEdgeError(
            f"{source} holds no image", hint=f"name a clip, or a folder of {' '.join(IMAGE_SUFFIXES)} files"
        )


def write_frames(subject: Subject, folder: Path) -> Path:
    """Write the golden frames as uncompressed BMP images, so that decoding them costs next to nothing.

    BMP is lossless: the network sees exactly the golden pixels.
    """
    import cv2

    frames = subject.golden_frames()
    if not frames:
        raise FcnEdgeError(f"{subject.path.name} has no golden frames", hint="name a clip with --source")
    for index, path in enumerate(frames):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise FcnEdgeError(f"golden frame {path} cannot be read")
        cv2.imwrite(str(folder / f"{index:03d}.bmp"), image)
    return folder
