"""What a compilation says of its own bundle before it counts as done: will it open, and is it worth much?"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.bundle.manifest import DRIFT
from fcn_edge.bundle.reader import read_bundle
from fcn_edge.compilation import gate_runtime
from fcn_edge.compilation.build import Note
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.ground.targets import Target
from fcn_edge.quantize.drift import measure, read_statistics
from fcn_edge.runtime.program import last_words

Frame = npt.NDArray[np.uint8]
# how the program says that it has no engine for a target, which is no fault of the bundle
NO_ENGINE = ("no engine is known for", "cannot load the ")


def opens(out: Path, target: Target, note: Note) -> Callable[[Path], None]:
    """Return the check of a bundle that is whole and not yet in its place `out` (write_bundle).

    Python reads it, and fcn-edge-stream opens it and runs its golden frames, where it is built and has an
    engine for the target. What either refuses is a FcnEdgeError, and nothing takes the place of an older
    bundle.
    """

    def check(folder: Path) -> None:
        try:
            bundle = read_bundle(folder)
            if DRIFT in bundle.manifest["files"]:
                read_statistics(folder / DRIFT)
            _self_test(folder, target, note)
        except FcnEdgeError as error:
            said = error.what.replace(str(folder), str(out))
            raise FcnEdgeError(
                f"the bundle was not written: {said}", hint="report this: compile made what cannot be opened"
            ) from error

    return check


def _self_test(folder: Path, target: Target, note: Note) -> None:
    """Run the program's self-test on a bundle, whatever its gate says."""
    binary = gate_runtime._binary() if target.engine else None  # without a device there is nothing to run
    if binary is None:
        return
    command = [str(binary), str(folder), "--selftest", "--allow-ungated"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise FcnEdgeError(f"{binary} cannot be run: {error.strerror}") from error
    if done.returncode == 0:
        return
    said = last_words(done.stderr, done.returncode)
    if not any(words in said for words in NO_ENGINE):
        raise FcnEdgeError(said)
    note(f"not tested by the program that ships: {said}")


def drift_of(frames: Sequence[Frame], warn: Note) -> dict[str, Any] | None:
    """Return the content of drift.json for calibration frames, or None with a warning: they carry none."""
    statistics = measure(frames)
    if statistics is None:
        warn(
            "the calibration frames are (nearly) all equal: the bundle cannot tell drift; "
            "calibrate on frames of more scenes"
        )
        return None
    return statistics.to_json()


def warn_of_blindness(fp32: dict[str, Any], masks: Sequence[Frame], names: Sequence[str], warn: Note) -> None:
    """Warn where the network itself finds nothing: the gate only compares INT8 with it.

    fp32: the original's metrics (ConfusionMatrix.to_json), empty where nothing was scored. masks: of the
    golden frames, uint8 (H, W).
    """
    missed = [name for name, iou in fp32.get("class_iou", {}).items() if iou == 0]
    shown = {int(value) for mask in masks for value in np.unique(mask)}
    proof = "the gate proves only that the bundle gives the same masks, not that they are right"
    if missed:
        warn(
            f"the network finds no pixel of {', '.join(missed)}, which the labels show: {proof}; "
            "see `fcn-edge eval`, or train longer"
        )
    elif len(shown) == 1 and len(masks) > 1:
        name = names[shown.pop()]
        warn(f"every golden mask is {name} from edge to edge: {proof}; look at the masks")
