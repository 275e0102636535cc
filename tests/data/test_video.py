"""The video adapter takes evenly spaced frames, exactly those, and says what is wrong with a file."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from fcn_edge.data import open_dataset, video
from fcn_edge.data.video import count_frames, evenly_spaced
from fcn_edge.ground.errors import FcnEdgeError, MisuseError

COUNT = 20


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frame i is grey of brightness 10 i: a decoded frame tells its number."""
    path = tmp_path_factory.mktemp("video") / "drive.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for i in range(COUNT):
        writer.write(np.full((48, 64, 3), 10 * i, np.uint8))
    writer.release()
    return path


def numbers(spec: str, split: str) -> list[int]:
    return [round(float(sample.frame.mean()) / 10) for sample in open_dataset(spec, split, labelled=False)]


def test_a_short_video_gives_every_frame_in_order(clip: Path) -> None:
    assert numbers(f"video:{clip}", "all") == list(range(COUNT))


def test_a_long_video_gives_evenly_spaced_frames(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcn_edge.data.video.LARGEST_COUNT", 5)
    assert numbers(f"video:{clip}", "all") == [2, 6, 10, 14, 18]


def test_val_is_the_end_of_the_video_and_train_the_rest(clip: Path) -> None:
    assert numbers(f"video:{clip}", "train") == list(range(16))
    assert numbers(f"video:{clip}", "val") == list(range(16, 20))


def test_frames_are_named_after_their_number_and_have_no_mask(clip: Path) -> None:
    dataset = open_dataset(f"video:{clip}", "all", labelled=False)
    assert dataset.stem(7) == dataset[7].stem == "drive_000007"
    assert dataset[7].mask is None
    assert len(dataset.classes) == 0


@pytest.mark.parametrize("seed", range(10))
def test_spacing_covers_the_whole_range_evenly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    available, wanted = (int(n) for n in rng.integers(1, 1000, 2))
    print("seed", seed, "available", available, "wanted", wanted)
    chosen = evenly_spaced(available, wanted)
    assert len(chosen) == min(available, wanted)
    edges = np.diff([-chosen[0] - 1, *chosen, 2 * available - chosen[-1] - 1])  # mirrored at both ends
    assert edges.max() - edges.min() <= 2
    assert 0 <= chosen[0] <= chosen[-1] < available


def test_masks_of_a_video_cannot_be_had(clip: Path) -> None:
    with pytest.raises(MisuseError, match="has no masks"):
        open_dataset(f"video:{clip}", "all")


def test_a_missing_video_is_named(tmp_path: Path) -> None:
    with pytest.raises(FcnEdgeError, match=r"no such file: .*gone\.mp4"):
        open_dataset(f"video:{tmp_path}/gone.mp4", "all", labelled=False)


def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_bytes(b"no video at all" * 100)
    with pytest.raises(FcnEdgeError, match=r"notes\.mp4 is not a readable video"):
        open_dataset(f"video:{path}", "all", labelled=False)


def test_an_unknown_part_of_a_video_lists_the_parts(clip: Path) -> None:
    with pytest.raises(MisuseError, match="train, val, all"):
        open_dataset(f"video:{clip}", "test", labelled=False)


def test_frames_of_a_cut_video_are_counted_not_believed(clip: Path, tmp_path: Path) -> None:
    """The header of a recording that was cut off still promises all frames, or none."""
    cut = tmp_path / "cut.avi"
    data = clip.read_bytes()
    cut.write_bytes(data[: int(0.6 * len(data))])
    count = count_frames(cut)
    assert 1 <= count < COUNT
    assert numbers(f"video:{cut}", "all") == list(range(count))


def stream(path: Path, code: str, count: int = 40) -> Path:
    """Write a video whose frame i has a bright column i, so that a decoded frame tells its number."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*code), 25, (16 * count, 48))
    if not writer.isOpened():
        pytest.skip(f"this OpenCV writes no {path.suffix} of {code}")
    for i in range(count):
        frame = np.zeros((48, 16 * count, 3), np.uint8)
        frame[:, 16 * i : 16 * i + 16] = 255
        writer.write(frame)
    writer.release()
    return path


def decoded_in_order(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (found := capture.read())[0]:
        frames.append(found[1])
    return frames


@pytest.mark.parametrize(
    ("name", "code"),
    [("a.ts", "MPG1"), ("a.ts", "mpg2"), ("a.ts", "mp4v"), ("a.mpg", "mpg2"), ("a.mjpeg", "MJPG")],
)
def test_a_stream_without_an_index_is_read_in_order(
    tmp_path: Path, name: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stream(tmp_path / name, code)
    expected = decoded_in_order(path)
    assert count_frames(path) == len(expected) > 30
    monkeypatch.setattr("fcn_edge.data.video.LARGEST_COUNT", 9)
    dataset = open_dataset(f"video:{path}", "all", labelled=False)
    places = [dataset.frames.index(n) for n in dataset.frames]
    for index in [*places, *places[::-1], 3, 3, 4]:  # in order, backwards, one twice
        assert np.array_equal(dataset[index].frame, expected[dataset.frames[index]])
    again = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(again[5].frame, expected[dataset.frames[5]])


def test_a_stream_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stream(tmp_path / "a.ts", "mp4v")
    dataset = open_dataset(f"video:{path}", "all", labelled=False)
    opened = []
    real = video.open_capture
    monkeypatch.setattr(video, "open_capture", lambda source: opened.append(source) or real(source))
    assert len(list(dataset)) == len(dataset)
    assert len(opened) == 1
