"""The doctor of calibration sets: what is wrong with the frames that are to set the INT8 ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.data.select import class_shares
from fcn_edge.data.statistics import (
    FrameStatistics,
    frame_statistics,
    near_duplicates,
    perceptual_hash,
    summary,
)

Frame = npt.NDArray[np.uint8]
DARK, BRIGHT = 12.0, 243.0  # mean luma of a frame that shows next to nothing
FLAT = 6.0  # standard deviation of luma below which a frame is one colour
ALIKE = 0.5  # share of near-duplicates that is worth a warning
OUTSIDE = 0.05  # share of deployment frames beyond the set's range that is worth a warning


@dataclass(frozen=True)
class Diagnosis:
    """What a calibration set covers, and what is wrong with it: one sentence each, with the remedy."""

    frames: int
    statistics: dict[str, dict[str, float]]  # brightness, contrast, ... -> p5, p50, p95 over frames
    blank: int  # frames that are black, white or of one colour
    near_duplicates: int  # frames that a smaller set could do without
    unseen_classes: tuple[str, ...]  # empty also when there are no labels
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the fields, for evidence."""
        return asdict(self)


def diagnose(
    frames: Sequence[Frame],
    *,
    masks: Sequence[Frame] | None = None,
    class_names: tuple[str, ...] = (),
    like: Sequence[Frame] | None = None,
) -> Diagnosis:
    """Judge calibration frames, uint8 (H, W, 3) BGR.

    masks: their labels, if there are any, for the coverage of classes. like: frames of the deployment, whose
    light and sharpness the set should cover.
    """
    measured = [frame_statistics(frame) for frame in frames]
    groups = near_duplicates([perceptual_hash(frame) for frame in frames])
    spare = sum(len(group) - 1 for group in groups)
    unseen = _unseen(masks, class_names) if masks is not None else ()
    blank = _blank_frames(measured)
    warnings = [*_blank(blank, len(frames)), *_duplicates(spare, len(frames))]
    if unseen:
        warnings.append(f"no calibration frame shows {', '.join(unseen)}: add frames that do")
    if like:
        warnings += _uncovered(measured, [frame_statistics(frame) for frame in like])
    statistics = summary(measured)
    return Diagnosis(len(frames), statistics, sum(blank.values()), spare, unseen, tuple(warnings))


def _blank_frames(measured: list[FrameStatistics]) -> dict[str, int]:
    return {
        "nearly black": sum(one.brightness < DARK for one in measured),
        "nearly white": sum(one.brightness > BRIGHT for one in measured),
        "of one flat colour": sum(
            DARK <= one.brightness <= BRIGHT and one.contrast < FLAT for one in measured
        ),
    }


def _blank(kinds: dict[str, int], frames: int) -> list[str]:
    return [
        f"{count} of {frames} calibration frames are {kind}: ranges from them are not those of a scene"
        for kind, count in kinds.items()
        if count
    ]


def _duplicates(spare: int, frames: int) -> list[str]:
    if spare <= ALIKE * frames:
        return []
    return [f"{spare} of {frames} calibration frames look like another one: add other scenes"]


def _unseen(masks: Sequence[Frame], class_names: tuple[str, ...]) -> tuple[str, ...]:
    shown = sum((class_shares(mask, len(class_names)) for mask in masks), np.zeros(len(class_names))) > 0
    return tuple(name for name, seen in zip(class_names, shown, strict=True) if not seen)


def _uncovered(measured: list[FrameStatistics], like: list[FrameStatistics]) -> list[str]:
    """Return what the deployment shows beyond the darkest, brightest and blurriest calibration frame."""
    bright = [one.brightness for one in measured]
    sharp = [one.sharpness for one in measured]
    shares = {
        "darker": np.mean([one.brightness < min(bright) for one in like]),
        "brighter": np.mean([one.brightness > max(bright) for one in like]),
        "more blurred": np.mean([one.sharpness < min(sharp) for one in like]),
    }
    return [
        f"{share:.0%} of the deployment frames are {how} than every calibration frame: add such frames"
        for how, share in shares.items()
        if share > OUTSIDE
    ]
