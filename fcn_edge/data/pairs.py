"""Datasets of files: frames paired with masks by stem."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fcn_edge.data.dataset import IGNORE, Classes, Sample
from fcn_edge.data.images import (
    IMAGE_SUFFIXES,
    MASK_SUFFIXES,
    check_ids,
    check_same_size,
    read_frame,
    read_index_mask,
)
from fcn_edge.ground.errors import FcnEdgeError, MisuseError


@dataclass(frozen=True)
class Pair:
    """A frame file and its mask file (None: unlabelled)."""

    stem: str
    frame: Path
    mask: Path | None


@dataclass(frozen=True)
class PairDataset:
    """Frames and masks read from files on access (see fcn_edge.data.dataset.Dataset).

    decode turns a mask file into ids on disk; void_id is the id that means void there.
    """

    name: str
    split: str
    classes: Classes
    pairs: tuple[Pair, ...]
    void_id: int = IGNORE
    decode: Callable[[Path], np.ndarray] = read_index_mask

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        pair = self.pairs[index]
        frame = read_frame(pair.frame)
        if pair.mask is None:
            return Sample(pair.stem, frame, None)
        mask = self.decode(pair.mask)
        check_same_size(frame, mask, pair.frame, pair.mask)
        return Sample(pair.stem, frame, check_ids(mask, len(self.classes), self.void_id, pair.mask))

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def stem(self, index: int) -> str:
        """Return the name of sample `index` without reading it."""
        return self.pairs[index].stem

    def digest(self) -> str:
        """Return the SHA-256 over classes, stems, file sizes and file ends.

        Cheap, since no picture is decoded; and the end of a PNG holds a checksum over its pixels.
        """
        hasher = hashlib.sha256(repr((self.classes.names, self.void_id)).encode())
        for pair in self.pairs:
            hasher.update(f"\0{pair.stem}".encode())
            for path in filter(None, (pair.frame, pair.mask)):
                hasher.update(_size_and_end(path))
        return hasher.hexdigest()


def _size_and_end(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(max(0, size - 64))
            return f"\0{size}\0".encode() + file.read()
    except OSError as error:
        raise FcnEdgeError(f"cannot read {path}: {error.strerror or error}") from error


def data_root(adapter: str, where: str) -> Path:
    """Return the folder that `ADAPTER:WHERE` names; one sentence when it is left out, missing or empty."""
    if not where:
        raise MisuseError(f"--data {adapter} names no folder", hint=f"type --data {adapter}:FOLDER")
    root = require_folder(Path(where).expanduser(), "data set")
    if not any(root.iterdir()):
        raise FcnEdgeError(
            f"{root} is empty", hint=f"type --data {adapter}:FOLDER with the folder that holds the data"
        )
    return root


def require_folder(path: Path, what: str) -> Path:
    """Return `path` if it is a folder, else raise one sentence saying what is missing."""
    if not path.exists():
        raise FcnEdgeError(f"no such folder: {path} ({what})", hint="check the path after --data NAME:")
    if not path.is_dir():
        raise FcnEdgeError(
            f"{path} is a file, not a folder ({what})", hint="check the path after --data NAME:"
        )
    return path


def files_by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Return the files of `folder` with one of `suffixes` by stem, in name order.

    Two files of one stem are refused: which of them a mask belongs to cannot be known.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith(".") or not path.is_file():
            continue
        if path.stem in found:
            raise FcnEdgeError(
                f"{folder} has both {found[path.stem].name} and {path.name}", hint="keep one of them"
            )
        found[path.stem] = path
    return found


def pair_by_stem(frames: Path, masks: Path | None) -> tuple[Pair, ...]:
    """Pair every image in `frames` with the mask of the same stem in `masks` (None: unlabelled).

    Raises FcnEdgeError when there are no images, or images without a mask (named).
    """
    images = files_by_stem(require_folder(frames, "images"), IMAGE_SUFFIXES)
    if not images:
        raise FcnEdgeError(
            f"no images in {frames}", hint=f"it should hold files ending in {', '.join(IMAGE_SUFFIXES)}"
        )
    if masks is None:
        return tuple(Pair(stem, path, None) for stem, path in images.items())
    labels = files_by_stem(require_folder(masks, "masks"), MASK_SUFFIXES)
    return require_masks(
        tuple(Pair(stem, path, labels.get(stem, masks / f"{stem}.png")) for stem, path in images.items())
    )


def require_masks(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """Return `pairs` if every mask they name is there, else raise one sentence that names the first frame."""
    lacking = [pair for pair in pairs if pair.mask is not None and not pair.mask.is_file()]
    if lacking:
        more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
        raise FcnEdgeError(f"no mask for {lacking[0].frame}{more}", hint=f"expected {lacking[0].mask}")
    return pairs


def unknown_split(split: str, present: list[str], root: Path | str) -> MisuseError:
    """Return the error for a split that `root` does not hold, listing those it does."""
    names = ", ".join(present) if present else "none"
    return MisuseError(f"no split '{split}' in {root}", hint=f"splits present: {names}")
