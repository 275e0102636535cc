"""Every bad input of a data folder is one sentence that names the file and says what to do."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from data.files import SIZE, camvid_tree, folder_tree, write_image

from fcn_edge.data import ADAPTERS, open_dataset
from fcn_edge.ground.errors import FcnEdgeError, MisuseError


@pytest.fixture
def camvid(tmp_path: Path) -> Path:
    return camvid_tree(tmp_path, {"train": 3, "val": 1})


def refused(spec: str, *, split: str = "train", says: str, index: int | None = None) -> FcnEdgeError:
    """Open `spec`, or read its sample `index`; assert that one line with the text `says` comes back."""
    with pytest.raises(FcnEdgeError, match=re.escape(says)) as caught:
        open_dataset(spec, split) if index is None else open_dataset(spec, split)[index]
    assert "\n" not in str(caught.value)
    assert caught.value.hint, "an error without advice"
    return caught.value


def test_an_unknown_adapter_lists_the_valid_ones() -> None:
    error = refused("camvyd:somewhere", says="unknown data set 'camvyd'")
    assert isinstance(error, MisuseError)
    assert "did you mean 'camvid'" in error.hint
    assert all(name in error.hint for name in ADAPTERS)


def test_an_unknown_split_lists_those_present(camvid: Path) -> None:
    error = refused(f"camvid:{camvid}", split="test", says="no split 'test'")
    assert isinstance(error, MisuseError)
    assert "train, val" in error.hint


def test_an_unknown_split_of_streets_lists_those_there_are() -> None:
    assert "train, val" in refused("streets", split="test", says="no split 'test'").hint


@pytest.mark.parametrize("adapter", ["camvid", "folder"])
def test_a_missing_folder_is_named(adapter: str, tmp_path: Path) -> None:
    refused(f"{adapter}:{tmp_path}/nowhere", says=f"no such folder: {tmp_path}/nowhere")


@pytest.mark.parametrize("adapter", ["camvid", "folder"])
def test_an_empty_folder_is_named(adapter: str, tmp_path: Path) -> None:
    refused(f"{adapter}:{tmp_path}", says=f"{tmp_path} is empty")


@pytest.mark.parametrize("adapter", ["camvid", "folder"])
def test_a_file_in_place_of_a_folder_is_named(adapter: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    refused(f"{adapter}:{tmp_path}/file", says="is a file, not a folder")


@pytest.mark.parametrize("adapter", ["camvid", "folder"])
def test_a_spec_without_a_folder_says_how_to_write_one(adapter: str) -> None:
    error = refused(adapter, says=f"{adapter} names no folder")
    assert f"{adapter}:FOLDER" in error.hint


def test_a_split_folder_without_images_is_refused(camvid: Path) -> None:
    for path in (camvid / "val").iterdir():
        path.unlink()
    refused(f"camvid:{camvid}", split="val", says="no images in")


def test_an_image_without_a_mask_is_named_and_the_others_counted(camvid: Path) -> None:
    (camvid / "trainannot" / "f00.png").unlink()
    (camvid / "trainannot" / "f02.png").unlink()
    error = refused(f"camvid:{camvid}", says=f"no mask for {camvid}/train/f00.png (and 1 more)")
    assert "trainannot/f00.png" in error.hint


def test_a_missing_mask_folder_is_named(tmp_path: Path) -> None:
    root = folder_tree(tmp_path, 2)
    for path in (root / "masks").iterdir():
        path.unlink()
    (root / "masks").rmdir()
    refused(f"folder:{root}", says=f"no such folder: {root}/masks")


def test_two_images_of_one_stem_are_refused(camvid: Path) -> None:
    write_image(camvid / "train" / "f01.jpg", np.zeros((*SIZE, 3), np.uint8))
    refused(f"camvid:{camvid}", says="has both f01.jpg and f01.png")


def test_an_id_outside_the_classes_is_named_with_its_file(camvid: Path) -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[3, 4] = 7
    path = write_image(camvid / "trainannot" / "f01.png", mask)
    refused(
        f"camvid:{camvid}", index=1, says=f"{path} has the id 7, but the classes are 0..2 and void is 255"
    )


def test_a_mask_of_another_size_is_refused_with_both_sizes(camvid: Path) -> None:
    write_image(camvid / "trainannot" / "f01.png", np.zeros((12, 18), np.uint8))
    refused(f"camvid:{camvid}", index=1, says="f01.png is 16x12 but its mask f01.png is 18x12")


@pytest.mark.parametrize("folder", ["train", "trainannot"])
def test_a_file_of_rubbish_is_not_an_image(camvid: Path, folder: str) -> None:
    (camvid / folder / "f01.png").write_bytes(b"this is no picture" * 10)
    refused(f"camvid:{camvid}", index=1, says=f"{camvid}/{folder}/f01.png is not a readable")


@pytest.mark.parametrize("folder", ["train", "trainannot"])
def test_an_empty_file_is_not_an_image(camvid: Path, folder: str) -> None:
    (camvid / folder / "f01.png").write_bytes(b"")
    refused(f"camvid:{camvid}", index=1, says="is an empty file")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_frame_cut_short_is_refused_although_some_decoders_fill_the_rest_with_grey(
    tmp_path: Path, suffix: str, share: float
) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = write_image(tmp_path / "images" / f"f{suffix}", frame)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(FcnEdgeError, match="cut short"):
        open_dataset(f"folder:{tmp_path}", "all", labelled=False)[0]


def test_a_colour_picture_is_not_a_mask(camvid: Path) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    write_image(camvid / "trainannot" / "f01.png", frame)
    refused(f"camvid:{camvid}", index=1, says="is a colour picture, not class ids")


def test_a_mask_of_16_bits_is_refused(camvid: Path) -> None:
    write_image(camvid / "trainannot" / "f01.png", np.zeros(SIZE, np.uint16))
    refused(f"camvid:{camvid}", index=1, says="has uint16 pixels")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("{}", "'classes' is not a list"),
        ('{"classes": []}', "'classes' is not a list"),
        ('{"classes": [{"colour": [1, 2, 3]}]}', "class 0 has no name"),
        ('{"classes": [{"name": "a"}, {"name": "a"}]}', "class name 'a' is given twice"),
        ('{"classes": [{"name": "a", "id": 1}]}', "class ids are [1]"),
        ('{"classes": [{"name": "a", "id": "x"}]}', "class 'a' has the id 'x'"),
        ('{"classes": [{"name": "a", "color": [1, 2, 300]}]}', "color of 'a' is [1, 2, 300]"),
        ('{"classes": [{"name": "a"}], "void_id": 0}', "void_id is 0"),
        ('{"classes": [{"name": "a"}], "void_id": true}', "void_id is True"),
        ('{"classes": [{"name": "a"}, {"name": "b", "id": true}]}', "class 'b' has the id True"),
        ('{"classes": [{"name": "a", "color": [1, 2, true]}]}', "color of 'a' is [1, 2, True]"),
    ],
)
def test_a_broken_classes_file_is_one_sentence(camvid: Path, content: str, says: str) -> None:
    (camvid / "classes.json").write_text(content)
    with pytest.raises(FcnEdgeError, match=re.escape(says)) as caught:
        open_dataset(f"camvid:{camvid}", "train")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_classes_file_may_begin_with_a_byte_order_mark(camvid: Path, encoding: str) -> None:
    content = '{"classes": [{"name": "stra\u00dfe"}, {"name": "b"}, {"name": "c"}]}'
    (camvid / "classes.json").write_bytes(content.encode(encoding))
    assert open_dataset(f"camvid:{camvid}", "train").classes.names[0] == "stra\u00dfe"


def test_a_missing_classes_file_is_shown_how_to_write(tmp_path: Path) -> None:
    root = folder_tree(tmp_path, 2)
    (root / "classes.json").unlink()
    error = refused(f"folder:{root}", says=f"no such file: {root}/classes.json")
    assert '{"classes": [{"name":' in error.hint


def test_more_classes_than_a_byte_holds_are_refused(camvid: Path) -> None:
    entries = ", ".join(f'{{"name": "c{i}"}}' for i in range(255))
    (camvid / "classes.json").write_text(f'{{"classes": [{entries}]}}')
    with pytest.raises(FcnEdgeError, match="255 classes"):
        open_dataset(f"camvid:{camvid}", "train")


@pytest.mark.parametrize("size", ["360", "360x", "x480", "360*480", "3.5x4"])
def test_a_wrong_size_of_streets_shows_a_right_one(size: str) -> None:
    error = refused(f"streets:{size}", says=f"streets:{size} is not streets:HEIGHTxWIDTH")
    assert isinstance(error, MisuseError)
    if size[0].isdigit():
        assert "streets:360x480" in error.hint


def test_a_folder_after_streets_says_that_streets_is_rendered() -> None:
    assert "camvid:data/streets" in refused("streets:data/streets", says="not streets:HEIGHTxWIDTH").hint
