"""Datasets of files: frames paired with masks by stem."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fcn_edge.data.dataset import IGNORE, Classes, Sample
from fcn_edge.data.images import check_aligned, check_ids, frame_shape, read_index_mask, read_turned
from fcn_edge.data.listing import IMAGE_SUFFIXES, MASK_SUFFIXES, files_by_stem
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
        frame, tag = read_turned(pair.frame)
        mask = None if pair.mask is None else self._mask(pair.frame, pair.mask, frame.shape, tag)
        return Sample(pair.stem, frame, mask)

    def label(self, index: int) -> np.ndarray | None:
        """Return the mask of sample `index`, checked against its frame, which is not decoded."""
        pair = self.pairs[index]
        return None if pair.mask is None else self._mask(pair.frame, pair.mask, *frame_shape(pair.frame))

    def _mask(self, frame: Path, path: Path, shape: tuple[int, ...], tag: int) -> np.ndarray:
        mask = self.decode(path)
        check_aligned(shape, tag, mask, frame, path)
        return check_ids(mask, len(self.classes), self.void_id, path)

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
