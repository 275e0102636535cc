"""The rivals of one run: started, warmed up, asked in turns, and compared with ours."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import fcn_edge
from fcn_edge.bench.rivals import RIVALS, RivalContext
from fcn_edge.bench.rivals.frames import first_frames
from fcn_edge.bench.subject import Subject
from fcn_edge.ground.config import BenchConfig
from fcn_edge.ground.errors import FcnEdgeError, unknown_name
from fcn_edge.ground.machine import usable_cores
from fcn_edge.ground.stats import latency_summary, paired_ratio

Say = Callable[[str], None]
Masks = npt.NDArray[np.uint8]
CALIBRATION_FRAMES = 32
TIMED_FRAMES = 8
LEAST_AGREEMENT = 0.85  # of pixels with ours; one below it does not compute the same network
SETTLE_S = 0.2  # after a rival has run: time for its threads to stop spinning


def check_names(names: Sequence[str]) -> None:
    """Raise MisuseError for a rival that does not exist."""
    for name in names:
        if name not in RIVALS:
            raise unknown_name("rival", name, tuple(RIVALS))


class Field:
    """Rivals that wait, each in its own process. Use as a context manager: it ends them."""

    def __init__(self, names: Sequence[str], context: RivalContext, our_masks: Masks, say: Say) -> None:
        check_names(names)
        self.context, self.our_masks, self.say = context, our_masks, say
        self.absent: dict[str, str] = {}
        self.running: dict[str, _Process] = {}
        self.times: dict[str, list[list[float]]] = {}
        for name in names:
            self._start(name)

    def __enter__(self) -> Field:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running.values():
            process.stop()

    def _start(self, name: str) -> None:
        rival = RIVALS[name]
        if find_spec(rival.package) is None:
            self.absent[name] = f"not installed: pip install {rival.pip}"
        else:
            self.say(f"preparing {name}")
            process = _Process(name, self.context)
            if process.ask("run 5") is None:
                process.stop()
                self.absent[name] = f"does not run this network: {process.last_words()}"
            else:
                self.running[name] = process
                self.times[name] = []
        if name in self.absent:
            self.say(f"{name} is left out: {self.absent[name]}")

    def run_round(self, frames: int) -> None:
        """Ask every rival for the latencies of `frames` frames."""
        for name, process in self.running.items():
            time.sleep(SETTLE_S)
            found = process.ask(f"run {frames}")
            if found is None:
                raise FcnEdgeError(f"{name} died while it was measured: {process.last_words()}")
            self.times[name].append(found)

    def masks(self, name: str) -> Masks:
        """Return a rival's masks of all frames, uint8 (N, H, W)."""
        return np.asarray(np.load(self.context.folder / f"{name}.masks.npy"), np.uint8)

    def to_json(self, ours: list[list[float]]) -> dict[str, Any]:
        """Return every rival's latencies beside ours (ms from frame to mask, a list for each round)."""
        return {
            "ours_ms": latency_summary([value for one in ours for value in one]),
            "rivals": [self._rival_json(name, rounds, ours) for name, rounds in self.times.items()],
            "absent": self.absent,
        }

    def _rival_json(self, name: str, rounds: list[list[float]], ours: list[list[float]]) -> dict[str, Any]:
        same = float(np.mean(self.masks(name) == self.our_masks))
        return {
            "name": name,
            "settings": RIVALS[name].settings,
            "latency_ms": latency_summary([value for one in rounds for value in one]),
            "times_ours": paired_ratio(rounds, ours),
            "version": RIVALS[name].version,
            "same_pixels_as_ours": same,
            "agrees": same >= LEAST_AGREEMENT,
            "samples_ms": [[round(value, 4) for value in one] for one in rounds],
        }


def make_field(subject: Subject, source: Path, config: BenchConfig, folder: Path, say: Say) -> Field:
    """Return the rivals that `config.against` names, ready to run; converted models are kept in `folder`.

    They get the first frames of `source`, resized before the clock starts, and calibrate on them.
    """
    context = RivalContext(
        checkpoint=config.checkpoint or "",
        size=subject.size,
        frames=folder / "frames.npy",
        calibration=folder / "calibration.npy",
        folder=folder,
        threads=config.threads or usable_cores(),
    )
    if not config.against:
        return Field((), context, np.zeros(0, np.uint8), say)
    context.model()  # a checkpoint that cannot be read fails here, not as one rival after the other
    folder.mkdir(parents=True, exist_ok=True)
    frames = first_frames(source, subject.size, CALIBRATION_FRAMES)
    np.save(context.calibration, np.stack(frames))
    np.save(context.frames, np.stack(frames[:TIMED_FRAMES]))
    segmenter = fcn_edge.open(subject.path, allow_ungated=config.allow_ungated)
    ours = np.stack([segmenter(frame) for frame in frames[:TIMED_FRAMES]])
    return Field(config.against, context, ours, say)


def worker_command(name: str, context: str) -> list[str]:
    """Return the command that runs a rival; `context` is RivalContext.to_json as text."""
    return [sys.executable, "-m", "fcn_edge.bench.rivals.worker", name, context]


class _Process:
    """One rival's process."""

    def __init__(self, name: str, context: RivalContext) -> None:
        self._log = context.folder / f"{name}.log"
        command = worker_command(name, json.dumps(context.to_json()))
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def ask(self, command: str) -> list[float] | None:
        """Send one command and return the answer; None when the process has died."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(command + "\n")
            stdin.flush()
        except BrokenPipeError:
            return None
        line = stdout.readline()
        return [float(value) for value in json.loads(line)] if line else None

    def last_words(self) -> str:
        """Return the last line that the process wrote to stderr."""
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip()[:200] if lines else "it ended without a word"

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
