"""Pick and judge a calibration set, and write it down so that a compilation can use exactly these frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.artifacts import atomic_write_json, check_file, read_json
from fcn_edge.data import Dataset, open_dataset
from fcn_edge.errors import FcnEdgeError
from fcn_edge.quantize.calibration import CalibrationSet, choose_frames
from fcn_edge.quantize.calibration_check import diagnose

Frame = npt.NDArray[np.uint8]
LIKE_FRAMES = 64  # of the deployment, spread over it


def calibrate(
    data: str,
    *,
    split: str = "train",
    labelled: bool = False,
    count: int = 64,
    seed: int = 0,
    like: str | None = None,
    like_split: str = "val",
    out: Path | None = None,
) -> dict[str, Any]:
    """Return (and write to `out`) a calibration set of `data` with its diagnosis.

    labelled: use the masks, so that every class is covered. like: frames of the deployment (NAME:PATH) whose
    light and sharpness the set should cover.
    """
    if out is not None:
        check_file(out)
    dataset = open_dataset(data, split, labelled=labelled)
    chosen = choose_frames(dataset, count, seed)
    masks = None
    if labelled:
        masks = [np.asarray(sample.mask) for sample in samples_of(dataset, chosen.stems)]
    diagnosis = diagnose(
        chosen.frames,
        masks=masks,
        class_names=dataset.classes.names,
        like=_some_frames(open_dataset(like, like_split, labelled=False)) if like else None,
    )
    record = {
        **chosen.to_json(),
        "diagnosis": diagnosis.to_json(),
        "warnings": [*chosen.warnings, *diagnosis.warnings],
    }
    if out is not None:
        atomic_write_json(out, record)
    return record


def read_set(path: Path, dataset: Dataset, prepare: Callable[[Frame], Frame]) -> CalibrationSet:
    """Return the frames listed in a file that `calibrate` wrote, prepared (resized) for the network.

    Raises FcnEdgeError when a frame is missing from `dataset` or its pixels are not those that were judged.
    """
    record = read_json(path)
    try:
        stems, sha256, seed = list(record["frames"]), record["sha256"], int(record["seed"])
    except (KeyError, TypeError, ValueError) as error:
        raise FcnEdgeError(
            f"{path} is not a calibration set ({type(error).__name__}: {error})",
            hint="make one with fcn-edge calibrate",
        ) from error
    samples = samples_of(dataset, stems)
    source = f"{dataset.name} {dataset.split}"
    frames = [sample.frame for sample in samples]
    chosen = CalibrationSet(frames, stems, source, seed, dataset.digest())
    if chosen.sha256 != sha256:
        raise FcnEdgeError(
            f"the frames of {path} have changed in {source}", hint="judge them anew with fcn-edge calibrate"
        )
    return replace(chosen, frames=[prepare(frame) for frame in frames])


def samples_of(dataset: Dataset, stems: list[str]) -> list[Any]:
    """Return the samples with the given names; a missing one is an error."""
    where = {dataset.stem(index): index for index in range(len(dataset))}
    if missing := [stem for stem in stems if stem not in where]:
        raise FcnEdgeError(
            f"{dataset.name} {dataset.split} has no frame {missing[0]}",
            hint="the calibration set was made from other data",
        )
    return [dataset[where[stem]] for stem in stems]


def _some_frames(dataset: Dataset) -> list[Frame]:
    picked = np.linspace(0, len(dataset) - 1, min(LIKE_FRAMES, len(dataset))).round()
    return [dataset[int(index)].frame for index in picked]
