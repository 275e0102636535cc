"""The masks that the gate judges, made by the C++ program that ships, where it is built."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from fcn_edge.backends.resize import resize_frame
from fcn_edge.bundle import Segmenter, describe, write_bundle
from fcn_edge.bundle.manifest import LEAST_AGREEMENT
from fcn_edge.compilation.build import Build
from fcn_edge.data import Dataset
from fcn_edge.evaluation.evaluate import Predict
from fcn_edge.ground.artifacts import read_json
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.ground.targets import ORACLE
from fcn_edge.quantize.gate import ungated
from fcn_edge.runtime.program import BUILD_COMMAND, ENV, find_stream, last_words

Frame = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Shipped:
    """What gives the masks. predict: called once a frame, in the data's order. measured_by: in words."""

    predict: Predict
    measured_by: str


def shipped(build: Build, model: Path, dataset: Dataset, count: int) -> Shipped:
    """Return the first `count` masks of `dataset` by an ONNX file that is about to ship.

    They come from fcn-edge-stream, run on a bundle without a verdict; where it is not built, or cannot run
    this target, from the same engine in Python. Only the second is worth a warning.
    """
    segmenter = build.open(model)
    in_python = Shipped(segmenter, f"{_name(segmenter)} in Python")
    if build.target.engine is None:  # no device here: the oracle stands in
        return in_python
    binary = _binary()
    if binary is None:
        build.note(f"the gate runs in Python: fcn-edge-stream is not built (`{BUILD_COMMAND}`)")
        return in_python
    try:
        return _streamed(build, model, dataset, count, binary, segmenter)
    except FcnEdgeError as error:
        build.warn(f"the gate was measured in Python, not by the program that ships: {error.what}")
        return in_python


def _binary() -> Path | None:
    try:
        return find_stream()
    except FcnEdgeError:
        if os.environ.get(ENV):
            raise  # a wrong path was named
        return None


def _streamed(
    build: Build, model: Path, dataset: Dataset, count: int, binary: Path, in_python: Predict
) -> Shipped:
    """Stream frames through the binary and return its masks; the candidate's golden mask is Python's."""
    work = build.work / "gate"
    work.mkdir(exist_ok=True)
    manifest = describe(
        build.config, build.network, build.target.tail, build.precision,
        gate=ungated(), measured={}, layers=build.layers, engine=build.engine,
    )  # fmt: skip
    first = resize_frame(dataset[0].frame, build.size)
    bundle = write_bundle(
        work / "candidate.fcne", manifest, model, [(first, in_python(first))], {}, LEAST_AGREEMENT,
        engines=build.work / "engines",
    )  # fmt: skip
    masks, report = work / "masks", work / "report.json"
    for old in masks.glob("*.png"):
        old.unlink()
    height, width = build.size
    command = [str(binary), str(bundle), "--source", f"raw:{width}x{height}", "--allow-ungated"]
    frames = (resize_frame(dataset[index].frame, build.size) for index in range(count))
    build.note(f"gating through {binary}")
    _feed([*command, "--masks", str(masks), "--report", str(report)], frames, work / "said.txt")
    files = sorted(masks.glob("*.png"))
    if len(files) != count:
        raise FcnEdgeError(f"{binary} gave {len(files)} masks for {count} frames")
    ran = read_json(report)
    following = iter(files)
    return Shipped(
        lambda frame: _read(next(following)), f"fcn-edge-stream {ran['version']} on {ran['engine']}"
    )


def _feed(command: list[str], frames: Iterator[Frame], said: Path) -> None:
    """Run a command to its end with frames, packed BGR, on its standard input."""
    with said.open("w") as log:
        try:
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log) as process:
                assert process.stdin is not None
                for frame in frames:
                    process.stdin.write(np.ascontiguousarray(frame).tobytes())
        except BrokenPipeError:
            pass  # it ended early: its last words say why
    if process.returncode != 0:
        raise FcnEdgeError(last_words(said.read_text(errors="replace"), process.returncode))


def _read(file: Path) -> Frame:
    mask = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if mask is None:
        raise FcnEdgeError(f"{file} is not a mask")
    return np.asarray(mask, np.uint8)


def _name(segmenter: Segmenter) -> str:
    about = segmenter.describe()
    return f"{about.get('engine', ORACLE)} {about.get('version', '')}".strip()
