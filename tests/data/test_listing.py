"""Which files are pictures, which folders are splits, and whose names meet."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from data.files import camvid_tree, folder_tree, random_frame, random_mask, write_image

from fcn_edge.data import open_dataset
from fcn_edge.data.camvid import splits_of
from fcn_edge.data.listing import IMAGE_SUFFIXES, list_pictures
from fcn_edge.ground.errors import FcnEdgeError, MisuseError

DOCS = Path(__file__).parents[2] / "docs" / "data.md"


def names(folder: Path) -> list[str]:
    return [path.name for path in list_pictures(folder)]


def touch(folder: Path, *found: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in found:
        (folder / name).write_bytes(b"x")
    return folder


def test_pictures_are_told_by_their_suffix_in_either_case(tmp_path: Path) -> None:
    kinds = ("jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff")
    wanted = [f"{i}.{kind}" for i, kind in enumerate(kinds)] + [f"X.{kind.upper()}" for kind in kinds]
    touch(tmp_path, *wanted, "a.ppm", "a.gif", "a.txt", "jpg", "a.jpg.part", "a.mp4")
    assert sorted(names(tmp_path)) == sorted(wanted)


def test_hidden_files_folders_and_dead_links_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", ".b.png", "._a.png", ".png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "dead.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    assert names(tmp_path) == ["a.png", "link.png"]


def test_the_order_is_that_of_the_bytes_of_the_names(tmp_path: Path) -> None:
    found = ["10.png", "9.png", "B.png", "a.png", "\u00e9.png", "\uffee.png", "\U0001f600.png"]
    touch(tmp_path, *found)
    bad = os.fsencode(str(tmp_path)) + b"/\xf0.png"  # no UTF-8: Python holds it as a code point above U+DC00
    try:
        Path(os.fsdecode(bad)).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    listed = [os.fsencode(name) for name in names(tmp_path)]
    assert listed == sorted([*(name.encode() for name in found), b"\xf0.png"])


def test_the_documentation_states_the_rule() -> None:
    text = DOCS.read_text(encoding="utf-8").split("## What counts as a picture")[1].split("\n## ")[0]
    assert tuple(re.findall(r"`(\.[a-z]+)`", text.split("\n\n")[1])) == IMAGE_SUFFIXES


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_and_decomposed_names_meet(tmp_path: Path, form: str) -> None:
    root = folder_tree(tmp_path, 1)
    rng = np.random.default_rng(0)
    stem, other = (unicodedata.normalize(kind, "stra\u00dfe \u00e9\u0301\u00fc") for kind in ("NFC", "NFD"))
    stem, other = (stem, other) if form == "NFC" else (other, stem)
    write_image(root / "images" / f"{stem}.png", random_frame(rng))
    write_image(root / "masks" / f"{other}.png", random_mask(rng))
    assert len(open_dataset(f"folder:{root}", "all")) == 2
    write_image(root / "images" / f"{other}.jpg", random_frame(rng))
    with pytest.raises(FcnEdgeError, match="has both"):
        open_dataset(f"folder:{root}", "all")


def test_class_names_meet_in_either_form(tmp_path: Path) -> None:
    root = camvid_tree(tmp_path, {"train": 1})
    found = []
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "Stra\u00dfenb\u00e4ume")
        (root / "classes.json").write_text(
            f'{{"classes": [{{"name": "{name}"}}, {{"name": "b"}}, {{"name": "c"}}]}}', encoding="utf-8"
        )
        found.append(open_dataset(f"camvid:{root}", "train").classes)
    assert found[0] == found[1]


@pytest.mark.parametrize("stray", [".ipynb_checkpoints", "old", "originals"])
def test_a_folder_beside_the_pictures_is_no_split(tmp_path: Path, stray: str) -> None:
    root = folder_tree(tmp_path, 5)
    write_image(root / "images" / stray / "f00.png", random_frame(np.random.default_rng(0)))
    assert [len(open_dataset(f"folder:{root}", split)) for split in ("train", "val", "all")] == [4, 1, 5]


def test_pictures_beside_split_folders_are_refused(tmp_path: Path) -> None:
    root = folder_tree(tmp_path, 2, split="train")
    write_image(root / "images" / "f09.png", random_frame(np.random.default_rng(0)))
    with pytest.raises(FcnEdgeError, match=r"both the split train/ and images beside it, the first f09\.png"):
        open_dataset(f"folder:{root}", "train")


def test_hidden_folders_are_no_splits(tmp_path: Path) -> None:
    root = camvid_tree(tmp_path / "c", {"train": 1, ".ipynb_checkpoints": 1})
    assert splits_of(root) == ["train"]
    folder_tree(tmp_path / "f", 1, split="train")
    folder_tree(tmp_path / "f", 1, split=".ipynb_checkpoints")
    with pytest.raises(MisuseError, match=r"splits present: train$"):
        open_dataset(f"folder:{tmp_path / 'f'}", "test")


@pytest.mark.parametrize(
    ("asked", "there"),
    [("train", "training"), ("val", "valid"), ("val", "validation"), ("test", "testing")],
)
def test_other_usual_names_of_a_split_are_found(tmp_path: Path, asked: str, there: str) -> None:
    camvid = camvid_tree(tmp_path / "c", {there: 2})
    folder_tree(tmp_path / "f", 3, split=there)
    assert len(open_dataset(f"camvid:{camvid}", asked)) == 2
    assert len(open_dataset(f"folder:{tmp_path / 'f'}", asked)) == 3


def test_a_split_of_the_very_name_comes_first_and_two_others_are_refused(tmp_path: Path) -> None:
    root = camvid_tree(tmp_path, {"valid": 2, "validation": 3})
    with pytest.raises(FcnEdgeError, match="both valid and validation") as caught:
        open_dataset(f"camvid:{root}", "val")
    assert not isinstance(caught.value, MisuseError)  # training takes that for: no val split
    camvid_tree(tmp_path, {"val": 1})
    assert len(open_dataset(f"camvid:{root}", "val")) == 1
