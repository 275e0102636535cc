"""VOC and Cityscapes, on tiny trees of the published layout."""

from __future__ import annotations

import codecs
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from data.files import random_frame, write_image
from data.palette_png import palette_png

from fcn_edge.data import IGNORE, open_dataset
from fcn_edge.data.cityscapes import CITYSCAPES_19
from fcn_edge.data.dataset import voc_color
from fcn_edge.ground.errors import FcnEdgeError, MisuseError

SIZE = (10, 14)
CITIES = {"train": ("aachen", "zurich"), "val": ("lindau",)}


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """Three frames, two in train and one in val, as the archive unpacks to VOCdevkit/VOC2012."""
    root = tmp_path / "VOCdevkit" / "VOC2012"
    rng = np.random.default_rng(0)
    (root / "ImageSets" / "Segmentation").mkdir(parents=True)
    (root / "SegmentationClass").mkdir()
    for stem in ("2007_000032", "2007_000039", "2007_000063"):
        write_image(root / "JPEGImages" / f"{stem}.jpg", random_frame(rng, SIZE))
        (root / "SegmentationClass" / f"{stem}.png").write_bytes(voc_mask(stem))
    write_image(root / "JPEGImages" / "2007_999999.jpg", random_frame(rng, SIZE))  # a frame without a mask
    for split, stems in (("train", "2007_000032\n2007_000063\n"), ("val", "2007_000039\n")):
        (root / "ImageSets" / "Segmentation" / f"{split}.txt").write_text(stems)
    return root


def voc_ids(stem: str) -> np.ndarray:
    return np.random.default_rng(int(stem[-6:])).choice(np.array([0, 7, 15, 20, 255], np.uint8), SIZE)


def voc_mask(stem: str) -> bytes:
    return palette_png(voc_ids(stem), [voc_color(i) for i in range(256)])


def test_voc_reads_the_frames_of_its_list_with_palette_masks(voc: Path) -> None:
    dataset = open_dataset(f"voc:{voc}", "train")
    assert (dataset.name, len(dataset), len(dataset.classes)) == ("voc", 2, 21)
    assert dataset.classes.names[15] == "person"
    for sample in dataset:
        assert sample.frame.shape == (*SIZE, 3)
        assert np.array_equal(sample.mask, voc_ids(sample.stem))
    assert [open_dataset(f"voc:{voc}", "val").stem(0)] == ["2007_000039"]


def test_voc_lists_its_splits(voc: Path) -> None:
    with pytest.raises(MisuseError, match=r"no split 'test'.*train, val"):
        open_dataset(f"voc:{voc}", "test")


def test_voc_names_a_listed_frame_that_is_not_there(voc: Path) -> None:
    (voc / "JPEGImages" / "2007_000063.jpg").unlink()
    with pytest.raises(FcnEdgeError, match=r"train\.txt names .*2007_000063\.jpg"):
        open_dataset(f"voc:{voc}", "train")


def test_voc_names_a_missing_mask_unless_unlabelled(voc: Path) -> None:
    (voc / "SegmentationClass" / "2007_000063.png").unlink()
    with pytest.raises(FcnEdgeError, match=r"no mask for .*2007_000063\.jpg"):
        open_dataset(f"voc:{voc}", "train")
    assert len(open_dataset(f"voc:{voc}", "train", labelled=False)) == 2


def test_voc_without_lists_says_what_is_missing(voc: Path) -> None:
    with pytest.raises(FcnEdgeError, match=r"ImageSets/Segmentation \(the lists"):
        open_dataset(f"voc:{voc.parent}", "train")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_voc_reads_a_list_in_unicode_and_names_one_that_is_not(voc: Path, encoding: str) -> None:
    """A list of one name with accents, on disk in parts (NFD) and in the list composed (NFC)."""
    stem = "stra\u00dfe_\u00fc"
    for folder, suffix in (("JPEGImages", ".jpg"), ("SegmentationClass", ".png")):
        old = voc / folder / f"2007_000039{suffix}"
        old.rename(old.with_name(unicodedata.normalize("NFD", stem) + suffix))
    names = voc / "ImageSets" / "Segmentation" / "train.txt"
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    names.write_bytes(mark + f"{stem}\r\n2007_000032\r\n".encode(encoding))
    dataset = open_dataset(f"voc:{voc}", "train")
    assert [dataset.stem(i) for i in range(2)] == [stem, "2007_000032"]
    assert dataset[0].mask is not None
    names.write_bytes("stra\u00dfe".encode("latin-1"))
    with pytest.raises(FcnEdgeError, match=r"train\.txt is not UTF-8 text"):
        open_dataset(f"voc:{voc}", "train")


def test_resource_forks_are_no_frames_and_no_lists(voc: Path, cityscapes: Path) -> None:
    (voc / "ImageSets" / "Segmentation" / "._other.txt").write_text("x")
    with pytest.raises(MisuseError, match=r"splits present: train, val$"):
        open_dataset(f"voc:{voc}", "other")
    folder = cityscapes / "leftImg8bit" / "train" / "aachen"
    (folder / "._aachen_000000_000019_leftImg8bit.png").write_bytes(b"fork")
    (folder.parent / "._aachen").mkdir()
    assert len(open_dataset(f"cityscapes:{cityscapes}", "train")) == 4


def test_voc_refuses_an_empty_list(voc: Path) -> None:
    (voc / "ImageSets" / "Segmentation" / "train.txt").write_text("\n")
    with pytest.raises(FcnEdgeError, match="names no frame"):
        open_dataset(f"voc:{voc}", "train")


@pytest.fixture
def cityscapes(tmp_path: Path) -> Path:
    """Two frames a city, with label ids 0..33 as gtFine holds them."""
    rng = np.random.default_rng(0)
    for split, cities in CITIES.items():
        for city in cities:
            for frame in range(2):
                stem = f"{city}_{frame:06d}_000019"
                write_image(
                    tmp_path / "leftImg8bit" / split / city / f"{stem}_leftImg8bit.png", random_frame(rng)
                )
                ids = rng.integers(0, 34, (12, 16), dtype=np.uint8)
                folder = tmp_path / "gtFine" / split / city
                write_image(folder / f"{stem}_gtFine_labelIds.png", ids)
                write_image(folder / f"{stem}_gtFine_color.png", random_frame(rng))
                write_image(folder / f"{stem}_gtFine_instanceIds.png", ids.astype(np.uint16) * 1000)
    return tmp_path


# id on disk -> train id, copied from the table in labels.py of cityscapesScripts; every other id is void
TRAIN_IDS = {
    7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13,
    27: 14, 28: 15, 31: 16, 32: 17, 33: 18,
}  # fmt: skip


def test_cityscapes_reads_every_city_of_a_split_as_train_ids(cityscapes: Path) -> None:
    import cv2

    dataset = open_dataset(f"cityscapes:{cityscapes}", "train")
    assert [dataset.stem(i).split("_")[0] for i in range(len(dataset))] == ["aachen"] * 2 + ["zurich"] * 2
    assert dataset.classes == CITYSCAPES_19
    for sample in dataset:
        city = sample.stem.split("_")[0]
        path = cityscapes / "gtFine" / "train" / city / f"{sample.stem}_gtFine_labelIds.png"
        on_disk = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        expected = [[TRAIN_IDS.get(v, IGNORE) for v in row] for row in on_disk.tolist()]
        assert sample.mask is not None
        assert sample.mask.tolist() == expected


def test_cityscapes_lists_its_splits(cityscapes: Path) -> None:
    with pytest.raises(MisuseError, match=r"no split 'test'.*train, val"):
        open_dataset(f"cityscapes:{cityscapes}", "test")


def test_cityscapes_names_a_missing_mask(cityscapes: Path) -> None:
    (cityscapes / "gtFine" / "val" / "lindau" / "lindau_000001_000019_gtFine_labelIds.png").unlink()
    with pytest.raises(FcnEdgeError, match=r"no mask for .*lindau_000001_000019_leftImg8bit\.png"):
        open_dataset(f"cityscapes:{cityscapes}", "val")


def test_cityscapes_refuses_an_id_it_does_not_define(cityscapes: Path) -> None:
    path = cityscapes / "gtFine" / "val" / "lindau" / "lindau_000000_000019_gtFine_labelIds.png"
    write_image(path, np.full((12, 16), 40, np.uint8))
    with pytest.raises(FcnEdgeError, match="has the id 40"):
        open_dataset(f"cityscapes:{cityscapes}", "val")[0]


def test_cityscapes_without_frames_is_refused(cityscapes: Path) -> None:
    (cityscapes / "leftImg8bit" / "extra").mkdir()
    with pytest.raises(FcnEdgeError, match="no images in"):
        open_dataset(f"cityscapes:{cityscapes}", "extra")
