"""Labels are read before long work: a bad one, or a class without a pixel, ends it at once."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from data.files import SIZE, camvid_tree, write_image

from fcn_edge.data import IGNORE, check_labels, open_dataset
from fcn_edge.ground.config import TrainConfig
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.train.splits import open_splits


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return camvid_tree(tmp_path / "data", {"train": 4, "val": 3}, void_id=9)


def config(root: Path, **more: object) -> TrainConfig:
    return TrainConfig(data=f"camvid:{root}", out=root / "run", **more)  # type: ignore[arg-type]


def test_the_pixels_of_all_masks_are_counted_without_decoding_frames(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = np.full(SIZE, 9, np.uint8)
    mask[0, :5] = 2
    write_image(root / "trainannot" / "f01.png", mask)
    dataset = open_dataset(f"camvid:{root}", "train")
    expected = np.zeros(256, int)
    for sample in dataset:
        for value in sample.mask.ravel().tolist():
            expected[value] += 1
    monkeypatch.setattr("fcn_edge.data.images._pixels", None)
    found = check_labels(dataset)
    assert found.tolist() == expected.tolist()
    assert found[IGNORE] == SIZE[0] * SIZE[1] - 5
    assert check_labels(dataset, 1).sum() == SIZE[0] * SIZE[1]


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_bad_mask_of_either_split_ends_training_before_it_starts(root: Path, split: str) -> None:
    path = write_image(root / f"{split}annot" / "f02.png", np.full(SIZE, 7, np.uint8))
    with pytest.raises(FcnEdgeError, match=re.escape(f"{path} has the id 7")):
        open_splits(config(root))
    assert open_splits(config(root, limit=2))[0]  # what is not used does not matter


def test_a_bad_frame_of_val_ends_training_before_it_starts(root: Path) -> None:
    data = (root / "val" / "f02.png").read_bytes()
    (root / "val" / "f02.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(FcnEdgeError, match=r"val/f02\.png is cut short"):
        open_splits(config(root))
    write_image(root / "val" / "f02.png", np.zeros((12, 15, 3), np.uint8))
    with pytest.raises(FcnEdgeError, match=r"f02\.png is 15x12 but its mask f02\.png is 16x12"):
        open_splits(config(root))


def test_masks_of_0_and_255_lose_their_class_and_are_refused(root: Path) -> None:
    (root / "classes.json").write_text('{"classes": [{"name": "ground"}, {"name": "road"}]}')
    half = np.zeros(SIZE, np.uint8)
    half[:3] = 255
    for split in ("train", "val"):
        for path in (root / f"{split}annot").iterdir():
            write_image(path, half)
    says = re.escape(
        f"no mask of camvid:{root} train has a pixel of 'road', id 1; 25% of the pixels are void"
    )
    with pytest.raises(FcnEdgeError, match=says) as caught:
        open_splits(config(root))
    assert "0..1 (255 is always void)" in caught.value.hint
    for path in (root / "trainannot").iterdir():
        write_image(path, half // 255)
    assert open_splits(config(root))[0].classes.names == ("ground", "road")


def test_a_class_in_one_frame_of_many_is_enough(root: Path) -> None:
    for path in (root / "trainannot").iterdir():
        write_image(path, np.zeros(SIZE, np.uint8))
    with pytest.raises(FcnEdgeError, match=r"of 'car', id 1 \(nor of 1 more\)"):
        open_splits(config(root))
    few = np.zeros(SIZE, np.uint8)
    few[0, :2] = 1, 2
    write_image(root / "trainannot" / "f02.png", few)
    assert open_splits(config(root))


def test_a_network_that_knows_the_class_and_a_trial_on_a_few_frames_may_lack_it(root: Path) -> None:
    for path in (root / "trainannot").iterdir():
        write_image(path, np.zeros(SIZE, np.uint8))
    assert open_splits(config(root, limit=3))
    assert open_splits(config(root, start="zoo:road"))


def test_a_rendered_set_is_not_checked() -> None:
    assert check_labels(open_dataset("streets:32x48", "train")) is None
