"""The calibration set: real frames, chosen by a recorded seed, never random noise and never silently few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fcn_edge.data.select import choose_diverse, class_shares, colour_layout
from fcn_edge.ground.artifacts import hash_json, sha256_bytes
from fcn_edge.ground.errors import FcnEdgeError, MisuseError

FEWEST = 8  # fewer frames than this are an error
ENOUGH = 64  # fewer than this are a warning
POOL = 8  # times as many candidates as frames wanted


class Frames(Protocol):
    """What a calibration set is chosen from: any data.Dataset."""

    @property
    def name(self) -> str:
        """Adapter, e.g. camvid."""

    @property
    def classes(self) -> Any:
        """The classes, with a length."""

    @property
    def split(self) -> str:
        """train, val, ..."""

    def __len__(self) -> int:
        """Return the number of frames."""

    def __getitem__(self, index: int) -> Any:
        """Return an object with `frame` and `stem`."""

    def digest(self) -> str:
        """Return a hash of what the frames are read from."""


@dataclass(frozen=True)
class CalibrationSet:
    """Frames whose activations set the INT8 ranges.

    frames: uint8 (H, W, 3) BGR, all of one size. sha256 covers their pixels in order.
    """

    frames: list[npt.NDArray[np.uint8]]
    stems: list[str]
    source: str
    seed: int
    source_sha256: str
    warnings: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def sha256(self) -> str:
        """Hash of the frames' pixels."""
        return hash_json([sha256_bytes(frame.tobytes()) for frame in self.frames])

    def to_json(self) -> dict[str, Any]:
        """Return the record that goes into the bundle."""
        return {
            "source": self.source,
            "source_sha256": self.source_sha256,
            "count": len(self),
            "seed": self.seed,
            "sha256": self.sha256,
            "frames": self.stems,
            "warnings": self.warnings,
        }


def check_count(count: int) -> None:
    """Raise MisuseError where `count` frames are too few to calibrate on."""
    if count < FEWEST:
        raise MisuseError(
            f"{count} calibration frames are too few", hint=f"give at least {FEWEST}, better {ENOUGH}"
        )


def choose_frames(
    dataset: Frames,
    count: int = ENOUGH,
    seed: int = 0,
    prepare: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]] | None = None,
) -> CalibrationSet:
    """Return `count` diverse frames of `dataset`, in its order.

    A pool of up to POOL times `count` frames is drawn with `seed`; of these the ones least alike are taken
    (data.select.choose_diverse; with labels, every class is covered first). prepare: what the runtime does to
    a frame before the graph (the resize). Frames that cannot be read are skipped and named in `warnings`.
    Raises FcnEdgeError when fewer than 8 remain.
    """
    check_count(count)
    drawn = np.random.default_rng(seed).permutation(len(dataset))[: POOL * count]
    pool, unreadable = _read_pool(dataset, sorted(map(int, drawn)))
    source = f"{dataset.name} {dataset.split}"
    if len(pool) < FEWEST:
        raise FcnEdgeError(
            f"{len(pool)} readable calibration frames in {source}" + _listed(unreadable),
            hint=f"INT8 ranges from fewer than {FEWEST} frames cannot be trusted; add frames",
        )
    shares = [candidate.shares for candidate in pool if candidate.shares is not None]
    rows = choose_diverse(
        np.stack([candidate.layout for candidate in pool]),
        count,
        np.stack(shares) if len(shares) == len(pool) else None,
    )
    samples = [dataset[pool[row].index] for row in sorted(rows)]
    frames = [sample.frame if prepare is None else prepare(sample.frame) for sample in samples]
    stems = [sample.stem for sample in samples]
    warnings = _warnings(len(frames), count, source, unreadable)
    return CalibrationSet(frames, stems, source, seed, dataset.digest(), warnings)


@dataclass(frozen=True)
class _Candidate:
    index: int  # in the dataset
    layout: npt.NDArray[np.float32]  # data.select.colour_layout
    shares: npt.NDArray[np.float64] | None  # of every class, where there are labels


def _read_pool(dataset: Frames, indices: list[int]) -> tuple[list[_Candidate], list[str]]:
    """Return the readable candidates among `indices`, and why the others are not."""
    pool, unreadable = [], []
    for index in indices:
        try:
            sample = dataset[index]
        except FcnEdgeError as error:
            unreadable.append(error.what)
            continue
        labelled = sample.mask is not None
        shares = class_shares(sample.mask, len(dataset.classes)) if labelled else None
        pool.append(_Candidate(index, colour_layout(sample.frame), shares))
    return pool, unreadable


def _warnings(got: int, asked: int, source: str, unreadable: list[str]) -> list[str]:
    found = []
    if unreadable:
        found.append(f"{len(unreadable)} calibration frames skipped{_listed(unreadable)}")
    if got < asked:
        found.append(f"{source} has {got} readable frames, {asked} were asked for")
    if got < ENOUGH:
        found.append(f"{got} calibration frames; ranges are steadier with {ENOUGH} or more")
    return found


def _listed(names: list[str]) -> str:
    return f" ({'; '.join(names[:3])}{'; ...' if len(names) > 3 else ''})" if names else ""
