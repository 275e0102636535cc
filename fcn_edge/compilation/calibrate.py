"""Pick and judge a calibration set, and write it down so that a compilation can use exactly these frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.data import Dataset, open_dataset, split_to_calibrate_on
from fcn_edge.data.record import record_frames
from fcn_edge.data.shown_source import shown
from fcn_edge.ground.apart import check_apart
from fcn_edge.ground.artifacts import atomic_write_json, check_file, read_json
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.quantize.calibration import CalibrationSet, check_count, choose_frames
from fcn_edge.quantize.calibration_check import diagnose

Frame = npt.NDArray[np.uint8]
LIKE_FRAMES = 64  # of the deployment, spread over it
CAMERA = "camera:"
RECORDED = 3  # times as many frames are recorded from a camera as are picked


@dataclass(frozen=True)
class Recording:
    """How frames come from a live camera: the folder that keeps them, and how long to watch."""

    folder: Path
    seconds: float = 60.0


def calibrate(
    data: str,
    *,
    split: str | None = None,
    labelled: bool = False,
    count: int = 64,
    seed: int = 0,
    like: str | None = None,
    like_split: str = "val",
    recording: Recording | None = None,
    out: Path | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Return (and write to `out`) a calibration set of `data` with its diagnosis.

    split: None for train, or for everything where there are no masks. labelled: use the masks, so that every
    class is covered. like: frames of the deployment (NAME:PATH) whose light and sharpness the set should
    cover. recording: needed for camera:SOURCE alone; the set is then picked from the recorded folder.
    """
    if out is not None:
        check_file(out)
        check_apart("--out", out, [recording.folder] if recording else [], data=(data, like))
    if data.startswith(CAMERA) != (recording is not None):
        raise _camera_or_not(data)
    if recording is not None:
        if split or labelled:
            what = f"--split {split}" if split else "--labels"
            raise MisuseError(f"{what} with --data {_shown(data)}", hint="leave it out: a camera has neither")
        check_count(count)  # before the minutes of recording
        camera = data.removeprefix(CAMERA)
        record_frames(camera, recording.folder, RECORDED * count, recording.seconds, note)
        data = f"folder:{recording.folder}"
    split = split or split_to_calibrate_on(data)
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
        "data": data,
        "split": split,
        **chosen.to_json(),
        "diagnosis": diagnosis.to_json(),
        "warnings": [*chosen.warnings, *diagnosis.warnings],
    }
    if out is not None:
        atomic_write_json(out, record)
    return record


def read_set(
    path: Path, prepare: Callable[[Frame], Frame], data: str | None = None, otherwise: str | None = None
) -> CalibrationSet:
    """Return the frames listed in a file that `calibrate` wrote, prepared (resized) for the network.

    They are read from `data`; without it from where the file says they were picked, and from `otherwise` if
    it does not say. Raises FcnEdgeError when a frame is missing there or its pixels are not those judged.
    """
    record = read_json(path)
    try:
        stems, sha256, seed = list(record["frames"]), record["sha256"], int(record["seed"])
        spec, split = data or record.get("data", otherwise), str(record.get("split", "train"))
    except (KeyError, TypeError, ValueError) as error:
        raise FcnEdgeError(
            f"{path} is not a calibration set ({type(error).__name__}: {error})",
            hint="make one with fcn-edge calibrate",
        ) from error
    try:
        dataset = open_dataset(str(spec), split, labelled=False)
    except FcnEdgeError as error:
        raise FcnEdgeError(
            f"the frames of {path}: {error.what}", hint="say where they lie: --calibration-data NAME:PATH"
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
            hint="the calibration set was made from other data: name it with --calibration-data NAME:PATH",
        )
    return [dataset[where[stem]] for stem in stems]


def _some_frames(dataset: Dataset) -> list[Frame]:
    picked = np.linspace(0, len(dataset) - 1, min(LIKE_FRAMES, len(dataset))).round()
    return [dataset[int(index)].frame for index in picked]


def _shown(data: str) -> str:
    """Return NAME:PATH without what may be a password in the address of a camera."""
    return CAMERA + shown(data.removeprefix(CAMERA)) if data.startswith(CAMERA) else data


def _camera_or_not(data: str) -> MisuseError:
    if data.startswith(CAMERA):
        return MisuseError(
            f"--data {_shown(data)} without --record", hint="add --record FOLDER: the frames are kept there"
        )
    return MisuseError(f"--record with --data {data}", hint="leave it out; it is for --data camera:0")
