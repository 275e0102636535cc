"""Calibration sets: real frames, recorded, never silently few; and what the doctor says of bad ones."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from golden.make_golden import smooth_frames

from fcn_edge.compilation.calibrate import read_set
from fcn_edge.data import Classes, Sample
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.quantize.calibration import ENOUGH, choose_frames
from fcn_edge.quantize.calibration_check import diagnose

CLASSES = Classes(("road", "sky"), ((0, 0, 0), (1, 1, 1)))


@dataclasses.dataclass
class Frames:
    """A dataset in memory; the indices in `broken` cannot be read."""

    frames: list[np.ndarray]
    broken: tuple[int, ...] = ()
    masks: list[np.ndarray] | None = None
    name: str = "memory"
    split: str = "train"
    classes: Classes = CLASSES

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Sample:
        if index in self.broken:
            raise FcnEdgeError(f"{index:03d}.jpg is corrupt")
        return Sample(f"{index:03d}", self.frames[index], self.masks[index] if self.masks else None)

    def digest(self) -> str:
        return "digest"


def test_choice_is_the_same_for_the_same_seed_and_recorded_in_dataset_order() -> None:
    dataset = Frames(smooth_frames(100))
    first, again = (choose_frames(dataset, 8, seed=3) for _ in range(2))
    assert first.stems == again.stems == sorted(first.stems)
    assert first.sha256 == again.sha256
    assert first.to_json()["frames"] == first.stems
    assert first.to_json()["source"] == "memory train"
    assert choose_frames(dataset, 8, seed=4).stems != first.stems


def test_fewer_than_eight_frames_are_refused_however_it_comes_about() -> None:
    with pytest.raises(MisuseError, match=r"7 calibration frames are too few.*at least 8"):
        choose_frames(Frames(smooth_frames(40)), 7)
    with pytest.raises(FcnEdgeError, match=r"5 readable calibration frames in memory train"):
        choose_frames(Frames(smooth_frames(5)), 64)
    with pytest.raises(FcnEdgeError, match=r"6 readable.*001\.jpg is corrupt"):
        choose_frames(Frames(smooth_frames(8), broken=(1, 2)), 64)


def test_few_and_unreadable_frames_are_told_and_counted() -> None:
    chosen = choose_frames(Frames(smooth_frames(12), broken=(0, 5)), 64)
    assert len(chosen) == 10
    told = " / ".join(chosen.warnings)
    assert "2 calibration frames skipped (000.jpg is corrupt; 005.jpg is corrupt)" in told
    assert "has 10 readable frames, 64 were asked for" in told
    assert "10 calibration frames; ranges are steadier with 64 or more" in told


def test_a_rare_class_and_the_odd_frame_are_among_the_chosen() -> None:
    alike = smooth_frames(1)[0]
    frames = [alike + np.uint8(i % 2) for i in range(40)]
    frames[17] = smooth_frames(1, seed=9)[0]
    masks = [np.zeros((48, 64), np.uint8) for _ in frames]
    masks[23][:10] = 1
    chosen = choose_frames(Frames(frames, masks=masks), 8)
    assert {"017", "023"} <= set(chosen.stems)


def test_prepare_is_applied_to_every_frame() -> None:
    chosen = choose_frames(Frames(smooth_frames(20)), 8, prepare=lambda frame: frame[::2, ::2])
    assert {frame.shape for frame in chosen.frames} == {(24, 32, 3)}


def test_doctor_has_nothing_to_say_about_varied_frames() -> None:
    assert diagnose(smooth_frames(16)).warnings == ()
    assert diagnose(smooth_frames(16)).blank == 0


def test_doctor_names_black_flat_and_repeated_frames() -> None:
    black = diagnose([np.zeros((48, 64, 3), np.uint8)] * 8)
    assert black.blank == 8
    assert "8 of 8 calibration frames are nearly black" in black.warnings[0]
    grey = diagnose([np.full((48, 64, 3), 90, np.uint8)] * 8)
    assert "8 of 8 calibration frames are of one flat colour" in grey.warnings[0]
    repeated = diagnose([smooth_frames(1)[0]] * 8)
    assert repeated.near_duplicates == 7
    assert "7 of 8 calibration frames look like another one" in repeated.warnings[0]


def test_doctor_names_classes_that_no_frame_shows() -> None:
    masks = [np.zeros((48, 64), np.uint8)] * 8
    found = diagnose(smooth_frames(8), masks=masks, class_names=("road", "pole"))
    assert found.unseen_classes == ("pole",)
    assert "no calibration frame shows pole" in found.warnings[0]


def test_doctor_says_that_the_deployment_is_darker_than_the_set() -> None:
    frames = smooth_frames(16)
    found = diagnose(frames, like=[frame // 4 for frame in frames])
    assert "100% of the deployment frames are darker than every calibration frame" in " ".join(found.warnings)
    assert diagnose(frames, like=frames).warnings == ()


def test_the_committed_set_is_in_camvid_unchanged_and_shows_every_class(camvid_root: Path) -> None:
    file = Path(__file__).parents[2] / "calibration" / "sets" / "camvid.json"
    chosen = read_set(file, lambda frame: frame, otherwise=f"camvid:{camvid_root}")
    assert len(chosen) == ENOUGH
    assert json.loads(file.read_text())["diagnosis"]["unseen_classes"] == []
    assert diagnose(chosen.frames).warnings == ()
