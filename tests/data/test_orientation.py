"""Pictures turned by their EXIF tag: the mask is turned alike, or the pair is refused."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from data.coded_files import exif, segment, tiff, with_exif
from data.files import camvid_tree, random_frame, random_mask

from fcn_edge.data import open_dataset
from fcn_edge.data.coded import orientation, size_on_disk, turn
from fcn_edge.data.images import frame_shape, read_frame
from fcn_edge.ground.errors import FcnEdgeError


def jpeg(frame: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", frame)[1].tobytes()


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, np.ndarray, np.ndarray]:
    """Return the paths of a frame (not yet written) and its mask, and random pixels (12, 16) of both."""
    root = camvid_tree(tmp_path, {"train": 1})
    (root / "train" / "f00.png").unlink()
    rng = np.random.default_rng(3)
    return root / "train" / "f00.jpg", root / "trainannot" / "f00.png", random_frame(rng), random_mask(rng)


def sample(frame: Path) -> tuple[np.ndarray, np.ndarray]:
    found = open_dataset(f"camvid:{frame.parents[1]}", "train")[0]
    assert found.mask is not None
    return found.frame, found.mask


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("order", "<>")
def test_turning_is_what_opencv_does_to_a_jpeg(tag: int, order: str) -> None:
    frame = random_frame(np.random.default_rng(tag))
    data = with_exif(jpeg(frame), tag, order)
    plain = cv2.imdecode(np.frombuffer(jpeg(frame), np.uint8), cv2.IMREAD_COLOR)
    assert orientation(data) == tag
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(turn(plain, tag), expected)
    assert size_on_disk(data) == (12, 16)


def test_an_orientation_is_found_in_every_kind_of_file_and_else_is_1() -> None:
    frame = random_frame(np.random.default_rng(0))
    webp = cv2.imencode(".webp", frame)[1].tobytes()
    assert orientation(with_exif(png(frame), 6)) == 6
    assert orientation(webp + b"EXIF" + len(exif(8)).to_bytes(4, "little") + exif(8)) == 8
    assert orientation(exif(3)) == 3  # a TIFF file
    for data in (jpeg(frame), png(frame), webp, tiff(frame[..., 0], 1), with_exif(jpeg(frame), 9), b""):
        assert orientation(data) == 1
    for cut in range(40):
        orientation(with_exif(jpeg(frame), 6)[: 2 + cut])  # must not raise


@pytest.mark.parametrize("tag", [2, 3, 4])
def test_a_turn_that_keeps_the_size_is_refused_with_an_untagged_mask(pair: tuple, tag: int) -> None:
    frame_path, mask_path, frame, mask = pair
    frame_path.write_bytes(with_exif(jpeg(frame), tag))
    mask_path.write_bytes(png(mask))
    says = re.escape(f"{frame_path} is turned by its EXIF tag (orientation {tag}), and nobody can say")
    with pytest.raises(FcnEdgeError, match=says) as caught:
        sample(frame_path)
    assert "auto-orient" in caught.value.hint
    unlabelled = open_dataset(f"camvid:{frame_path.parents[1]}", "train", labelled=False)
    assert unlabelled[0].frame.shape == frame.shape


def test_a_quarter_turn_of_a_square_is_refused_too(pair: tuple) -> None:
    frame_path, mask_path, frame, mask = pair
    frame_path.write_bytes(with_exif(jpeg(frame[:12, :12]), 6))
    mask_path.write_bytes(png(mask[:12, :12]))
    with pytest.raises(FcnEdgeError, match="nobody can say"):
        sample(frame_path)


@pytest.mark.parametrize("tag", [5, 6, 7, 8])
def test_sizes_tell_whether_a_mask_was_drawn_on_the_turned_picture(pair: tuple, tag: int) -> None:
    frame_path, mask_path, frame, mask = pair
    frame_path.write_bytes(with_exif(jpeg(frame), tag))
    mask_path.write_bytes(png(mask))
    with pytest.raises(FcnEdgeError, match=rf"EXIF tag \(orientation {tag}\), and its mask is not"):
        sample(frame_path)
    mask_path.write_bytes(png(mask.T.copy()))
    turned, found = sample(frame_path)
    assert turned.shape == (16, 12, 3)
    assert found.tolist() == mask.T.tolist()


@pytest.mark.parametrize("tag", range(1, 9))
def test_a_mask_with_the_same_tag_is_turned_with_its_frame(pair: tuple, tag: int) -> None:
    """Every pixel of the mask says what its frame's pixel looks like, before the turn and after it."""
    frame_path, mask_path, _, mask = pair
    frame_path = frame_path.with_suffix(".png")
    frame_path.write_bytes(with_exif(png(np.repeat(mask[..., None], 3, axis=2)), tag))
    mask_path.write_bytes(with_exif(png(mask), tag))
    frame, found = sample(frame_path)
    assert frame[..., 0].tolist() == found.tolist()


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp", ".tif"])
def test_the_shape_of_a_frame_is_known_without_decoding_it(tmp_path: Path, suffix: str, tag: int) -> None:
    rng = np.random.default_rng(tag)
    data = cv2.imencode(suffix, random_frame(rng, tuple(int(n) for n in rng.integers(1, 60, 2))))[1].tobytes()
    path = tmp_path / f"frame{suffix}"
    path.write_bytes(with_exif(data, tag) if suffix in (".jpg", ".png") else data)
    assert frame_shape(path)[0] == read_frame(path).shape[:2]


def thumbnail() -> bytes:
    return cv2.imencode(".jpg", np.zeros((90, 120, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize("share", [0.35, 0.5, 0.7, 0.9, 0.999])
def test_half_a_jpeg_is_refused_although_its_thumbnail_is_whole(tmp_path: Path, share: float) -> None:
    """The thumbnail's end marker lies in the second half of what is left of the file."""
    data = with_exif(jpeg(np.zeros((40, 60, 3), np.uint8)), 1, thumbnail=thumbnail())
    extra = segment(0xE2, b"MPF\0" + b"\xff\xd9" * 40)  # other segments may hold the two bytes as well
    data = data[:2] + extra + data[2:]
    path = tmp_path / "cut.jpg"
    path.write_bytes(data)
    assert read_frame(path).shape == (40, 60, 3)
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(FcnEdgeError, match="is cut short"):
        read_frame(path)


def test_what_follows_a_whole_jpeg_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "trailer.jpg"
    path.write_bytes(jpeg(np.zeros((40, 60, 3), np.uint8)) + bytes(5000))
    assert read_frame(path).shape == (40, 60, 3)


def test_a_png_whose_end_stands_only_in_its_text_is_cut_short(tmp_path: Path) -> None:
    from data.coded_files import chunk

    data = png(random_frame(np.random.default_rng(0)))
    text = chunk(b"tEXt", b"Comment\0IEND")
    path = tmp_path / "cut.png"
    path.write_bytes((data[:33] + text + data[33:])[:-20])
    with pytest.raises(FcnEdgeError, match="is cut short"):
        read_frame(path)
