"""Does drift rise when the scene leaves what was calibrated, and stay low when it does not?

    .venv/bin/python benchmarks/int8/drift.py --data camvid:DIR [--json] [--out FILE]

Calibration sets of 64 frames are chosen from train as compile does: from all of it, and with one drive held
out (0001TP is the one at dusk, 0006R0 another place). Each is followed by the frames of train that it has
not seen, by val (a later part of the drive 0016E5), and by val changed on purpose. A stream is judged as
fcn-edge-stream judges it: by the mean of its last 60 frames.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fcn_edge.data import Dataset, open_dataset
from fcn_edge.ground.artifacts import atomic_write_json, provenance
from fcn_edge.ground.machine import cpu_model
from fcn_edge.quantize.calibration import choose_frames
from fcn_edge.quantize.drift import FEWEST, DriftMonitor, DriftStatistics, measure

Frame = np.ndarray
LAMP = np.array([0.7, 0.95, 1.15])  # gains of B, G, R under a warmer light
FOG = 220  # grey level of the veil


def dirty(frame: Frame) -> Frame:
    """Return a frame seen through a lens with twelve smudges, blurred and darkened there."""
    generator = np.random.default_rng(1)
    spots = np.zeros(frame.shape[:2], np.float32)
    for _ in range(12):
        centre = generator.integers(0, frame.shape[1]), generator.integers(0, frame.shape[0])
        cv2.circle(spots, tuple(map(int, centre)), int(generator.integers(15, 50)), 1, -1)
    share = 0.85 * cv2.GaussianBlur(spots, (0, 0), 8)[..., None]
    return (cv2.GaussianBlur(frame, (0, 0), 6) * 0.6 * share + frame * (1 - share)).astype(np.uint8)


def noisy(frame: Frame) -> Frame:
    """Return a frame with normal noise of 20 grey levels, as of a small sensor at night."""
    noise = np.random.default_rng(0).normal(0, 20, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def veiled(share: float) -> Callable[[Frame], Frame]:
    """Return fog: every pixel mixed with a grey veil."""
    return lambda frame: (frame * (1 - share) + FOG * share).astype(np.uint8)


CHANGES: dict[str, Callable[[Frame], Frame]] = {
    "half the light": lambda frame: frame // 2,
    "a quarter of the light": lambda frame: frame // 4,
    "gamma 2": lambda frame: (255 * (frame / 255.0) ** 2).astype(np.uint8),
    "blur, sigma 1": lambda frame: cv2.GaussianBlur(frame, (0, 0), 1),
    "blur, sigma 2": lambda frame: cv2.GaussianBlur(frame, (0, 0), 2),
    "blur, sigma 4": lambda frame: cv2.GaussianBlur(frame, (0, 0), 4),
    "fog, 30 %": veiled(0.3),
    "fog, 60 %": veiled(0.6),
    "noise of 20": noisy,
    "warmer light": lambda frame: np.clip(frame * LAMP, 0, 255).astype(np.uint8),
    "dirt on the lens": dirty,
}


class Part:
    """The frames of a dataset that have one of some names."""

    def __init__(self, dataset: Dataset, stems: list[str]) -> None:
        self._dataset, wanted = dataset, set(stems)
        self.name, self.split, self.classes = dataset.name, dataset.split, dataset.classes
        self._indices = [index for index in range(len(dataset)) if dataset.stem(index) in wanted]

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Any:
        return self._dataset[self._indices[index]]

    def digest(self) -> str:
        """Return that of the whole."""
        return self._dataset.digest()


def follow(statistics: DriftStatistics, frames: Iterable[Frame]) -> dict[str, Any]:
    """Return what a stream's scores came to."""
    monitor = DriftMonitor(statistics)
    scores, means = [], []
    for frame in frames:
        scores.append(monitor.update(frame))
        means.append(monitor.score)
    judged = np.array(means[FEWEST - 1 :])
    groups = monitor.to_json()["groups"]
    return {
        "frames": len(scores),
        "median": round(float(np.median(scores)), 2),
        "share_above": round(float(np.mean(np.array(scores) > statistics.threshold)), 3),
        "highest_mean": round(monitor.highest, 2),
        "share_warned": round(float((judged > statistics.threshold).mean()), 3),
        "groups": {name: round(value, 2) for name, value in groups.items()},
    }


def measure_all(train: Dataset, val: Dataset) -> dict[str, Any]:
    """Return, for every calibration set, its threshold and the streams that follow it."""
    drives = {"0001TP, dusk": "0001TP", "0006R0": "0006R0", "0016E5": "0016E5"}
    stems = [train.stem(index) for index in range(len(train))]
    val_frames = [val[index].frame for index in range(len(val))]
    results = {}
    sets = {"all of train": "none", "without 0001TP": "0001TP", "without 0006R0": "0006R0"}
    for name, held_out in sets.items():
        chosen = choose_frames(Part(train, [stem for stem in stems if not stem.startswith(held_out)]))
        statistics = measure(chosen.frames)
        streams = {"val": follow(statistics, val_frames)}
        for drive, prefix in drives.items():
            unseen = Part(train, [s for s in stems if s.startswith(prefix) and s not in chosen.stems])
            streams[f"train {drive}"] = follow(statistics, (unseen[i].frame for i in range(len(unseen))))
        for change, apply in CHANGES.items():
            streams[f"val, {change}"] = follow(statistics, map(apply, val_frames))
        results[name] = {"threshold": round(statistics.threshold, 3), "streams": streams}
    return results


def text(results: dict[str, Any]) -> str:
    """Return the results as a table a person reads."""
    lines = []
    for name, one in results.items():
        lines += ["", f"calibrated on {name}, threshold {one['threshold']:.2f}", ""]
        lines.append(f"{'stream':30} median  frames above  highest mean  warned")
        lines += [
            f"{stream:30} {row['median']:6.2f}  {row['share_above']:12.0%}  {row['highest_mean']:12.2f}  "
            f"{row['share_warned']:6.0%}"
            for stream, row in one["streams"].items()
        ]
    return "\n".join(lines)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True, metavar="NAME:PATH")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/drift.json"))
    arguments = parser.parse_args()
    train, val = (open_dataset(arguments.data, split, labelled=False) for split in ("train", "val"))
    results = measure_all(train, val)
    command = "python " + " ".join(sys.argv)
    record = {"results": results, "cpu": cpu_model(), "provenance": provenance(command)}
    atomic_write_json(arguments.out, record)
    print(json.dumps(record, indent=2) if arguments.json else text(results))


if __name__ == "__main__":
    main()
