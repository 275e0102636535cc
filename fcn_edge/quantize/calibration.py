"""The calibration set: real frames, chosen by a recorded seed, never random noise and never silently few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fcn_edge.artifacts import hash_json, sha256_bytes
from fcn_edge.errors import FcnEdgeError, MisuseError

FEWEST = 8  # fewer frames than this are an error
ENOUGH = 64  # fewer than this are a warning


class Frames(Protocol):
    """What a calibration set is chosen from: any data.Dataset."""

    @property
    def name(self) -> str:
        """Adapter, e.g. camvid."""

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


def choose_frames(
    dataset: Frames,
    count: int = ENOUGH,
    seed: int = 0,
    prepare: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]] | None = None,
) -> CalibrationSet:
    """Return `count` frames of `dataset` drawn without replacement with `seed`, in dataset order.

    prepare: what the runtime does to a frame before the graph (the resize). Frames that cannot be read are
    skipped, named in `warnings`, and replaced by others while there are any.
    Raises FcnEdgeError when fewer than 8 remain.
    """
    if count < FEWEST:
        raise MisuseError(
            f"{count} calibration frames are too few", hint=f"give at least {FEWEST}, better {ENOUGH}"
        )
    order = np.random.default_rng(seed).permutation(len(dataset))
    chosen: dict[int, Any] = {}
    unreadable: list[str] = []
    for index in map(int, order):
        if len(chosen) == count:
            break
        try:
            chosen[index] = dataset[index]
        except FcnEdgeError as error:
            unreadable.append(error.what)
    source = f"{dataset.name} {dataset.split}"
    if len(chosen) < FEWEST:
        raise FcnEdgeError(
            f"{len(chosen)} readable calibration frames in {source}" + _listed(unreadable),
            hint=f"INT8 ranges from fewer than {FEWEST} frames cannot be trusted; add frames",
        )
    samples = [chosen[index] for index in sorted(chosen)]
    frames = [sample.frame if prepare is None else prepare(sample.frame) for sample in samples]
    stems = [sample.stem for sample in samples]
    return CalibrationSet(
        frames, stems, source, seed, dataset.digest(), _warnings(len(frames), count, source, unreadable)
    )


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
