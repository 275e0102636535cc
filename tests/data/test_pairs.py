"""Reading frames and masks from folders: what comes out is what was written."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from data.files import NAMES, SIZE, camvid_tree, folder_tree, random_frame, random_mask, write_image
from data.palette_png import palette_png

from fcn_edge.data import IGNORE, Classes, open_dataset
from fcn_edge.data.camvid import CAMVID_11, splits_of
from fcn_edge.data.dataset import voc_color
from fcn_edge.data.images import check_ids, read_index_mask


def test_camvid_samples_are_the_files_paired_by_stem_in_name_order(tmp_path: Path) -> None:
    root = camvid_tree(tmp_path, {"train": 4, "val": 2})
    dataset = open_dataset(f"camvid:{root}", "train")
    assert (dataset.name, dataset.split, len(dataset), dataset.classes.names) == ("camvid", "train", 4, NAMES)
    for i, sample in enumerate(dataset):
        assert sample.stem == dataset.stem(i) == f"f{i:02d}"
        assert np.array_equal(sample.frame, cv2.imread(str(root / "train" / f"f{i:02d}.png")))
        expected = cv2.imread(str(root / "trainannot" / f"f{i:02d}.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(sample.mask, expected)


def test_camvid_without_a_class_file_has_the_eleven_classes_and_void_11(tmp_path: Path) -> None:
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    write_image(tmp_path / "train" / "a.png", np.zeros((3, 4, 3), np.uint8))
    write_image(tmp_path / "trainannot" / "a.png", mask)
    dataset = open_dataset(f"camvid:{tmp_path}", "train")
    assert dataset.classes == CAMVID_11
    assert np.array_equal(dataset[0].mask, np.where(mask == 11, IGNORE, mask))


def test_splits_are_the_folders_that_hold_images_and_no_masks(tmp_path: Path) -> None:
    root = camvid_tree(tmp_path, {"train": 1, "val": 1, "night": 1})
    (root / "notes").mkdir()
    assert splits_of(root) == ["night", "train", "val"]


def test_the_void_id_on_disk_becomes_255(tmp_path: Path) -> None:
    root = camvid_tree(tmp_path, {"train": 1}, void_id=3)
    mask = np.tile(np.array([0, 1, 2, 3], np.uint8), (SIZE[0], SIZE[1] // 4))
    write_image(root / "trainannot" / "f00.png", mask)
    assert np.unique(open_dataset(f"camvid:{root}", "train")[0].mask).tolist() == [0, 1, 2, IGNORE]


def test_unlabelled_data_needs_no_masks(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg", np.zeros((5, 7, 3), np.uint8))
    (sample,) = open_dataset(f"folder:{tmp_path}", "all", labelled=False)
    assert sample.mask is None
    assert sample.frame.shape == (5, 7, 3)


@pytest.mark.parametrize("count", [1, 2, 5, 11, 20])
def test_a_flat_folder_gives_its_last_fifth_to_val(tmp_path: Path, count: int) -> None:
    spec = f"folder:{folder_tree(tmp_path, count)}"
    train, val, everything = (
        [sample.stem for sample in open_dataset(spec, split)] for split in ("train", "val", "all")
    )
    assert len(everything) == count
    if count == 1:
        assert train == val == everything
    else:
        assert train + val == everything
        assert len(val) == max(1, count // 5)


def test_a_folder_with_split_folders_uses_them(tmp_path: Path) -> None:
    folder_tree(tmp_path, 3, split="train")
    folder_tree(tmp_path, 2, split="holdout")
    assert len(open_dataset(f"folder:{tmp_path}", "train")) == 3
    assert len(open_dataset(f"folder:{tmp_path}", "holdout")) == 2


def test_the_digest_changes_with_the_files_and_only_then(tmp_path: Path) -> None:
    root = camvid_tree(tmp_path, {"train": 3})
    before = open_dataset(f"camvid:{root}", "train").digest()
    assert open_dataset(f"camvid:{root}", "train").digest() == before
    write_image(root / "train" / "f01.png", random_frame(np.random.default_rng(5), (12, 16)) // 2)
    assert open_dataset(f"camvid:{root}", "train").digest() != before


def test_hidden_files_and_other_files_are_passed_over(tmp_path: Path) -> None:
    root = camvid_tree(tmp_path, {"train": 2})
    (root / "train" / "._f00.png").write_bytes(b"resource fork")
    (root / "train" / "list.txt").write_text("f00 f01")
    assert len(open_dataset(f"camvid:{root}", "train")) == 2


@pytest.mark.parametrize("seed", range(5))
def test_an_odd_sized_mask_comes_back_as_it_was_written(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = tuple(int(n) for n in rng.integers(1, 40, 2))
    print("seed", seed, "size", size)
    mask = random_mask(rng, size)
    for suffix in (".png", ".bmp", ".tiff"):
        assert np.array_equal(read_index_mask(write_image(tmp_path / f"m{suffix}", mask)), mask)
    grey_in_three_channels = np.repeat(mask[..., None], 3, axis=2)
    assert np.array_equal(read_index_mask(write_image(tmp_path / "rgb.png", grey_in_three_channels)), mask)


@pytest.mark.parametrize("seed", range(3))
def test_a_palette_png_gives_its_indices(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.choice(np.array([0, 1, 7, 20, 255], np.uint8), (9, 13))
    path = tmp_path / "voc.png"
    path.write_bytes(palette_png(mask, [voc_color(i) for i in range(256)]))
    assert np.array_equal(read_index_mask(path), mask)


@pytest.mark.parametrize("seed", range(5))
def test_ids_are_kept_and_void_becomes_255(seed: int) -> None:
    rng = np.random.default_rng(seed)
    num_classes = int(rng.integers(1, 254))
    void_id = int(rng.integers(num_classes, 256))
    print("seed", seed, "classes", num_classes, "void", void_id)
    mask = rng.choice(np.array([*range(num_classes), void_id, IGNORE], np.uint8), (20, 30))
    expected = [[IGNORE if v in (void_id, IGNORE) else v for v in row] for row in mask.tolist()]
    assert check_ids(mask, num_classes, void_id, Path("m.png")).tolist() == expected


def test_the_voc_colour_map_is_the_published_one() -> None:
    assert [voc_color(i) for i in (0, 1, 2, 15, 20, 255)] == [
        (0, 0, 0), (128, 0, 0), (0, 128, 0), (192, 128, 128), (0, 64, 128), (224, 224, 192),
    ]  # fmt: skip


def test_classes_survive_their_json() -> None:
    assert Classes.from_json(CAMVID_11.to_json()) == CAMVID_11


def test_camvid_itself_reads(camvid_root: Path) -> None:
    for split, at_least in (("train", 300), ("val", 90)):
        dataset = open_dataset(f"camvid:{camvid_root}", split)
        assert len(dataset) >= at_least
        sample = dataset[0]
        assert sample.frame.shape == (360, 480, 3)
        assert sample.mask is not None
        assert sample.mask.shape == (360, 480)
        assert set(np.unique(sample.mask).tolist()) <= {*range(11), IGNORE}


def test_camvid_train_and_val_share_no_frame(camvid_root: Path) -> None:
    train, val = (open_dataset(f"camvid:{camvid_root}", split) for split in ("train", "val"))
    assert not {train.stem(i) for i in range(len(train))} & {val.stem(i) for i in range(len(val))}


def test_camvid_roads_lie_below_its_skies(camvid_root: Path) -> None:
    """The ids mean what the class table says: an order mixed up would put sky at the bottom."""
    dataset = open_dataset(f"camvid:{camvid_root}", "val")
    sky, road = (dataset.classes.names.index(name) for name in ("sky", "road"))
    for i in range(0, len(dataset), 25):
        mask = dataset[i].mask
        rows = [np.nonzero(mask == class_id)[0].mean() for class_id in (sky, road)]
        assert rows[0] < rows[1], dataset.stem(i)
