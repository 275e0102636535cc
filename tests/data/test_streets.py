"""The procedural set: repeatable, labelled everywhere, true to its masks; two towns; a coherent clip."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from fcn_edge.data import IGNORE, Sample, open_dataset
from fcn_edge.data.camvid import CAMVID_11
from fcn_edge.data.streets import StreetsDataset, drive, render_clip, write_folder
from fcn_edge.data.streets.camera import Camera
from fcn_edge.data.streets.ids import CAR, POLE, ROAD, SKY
from fcn_edge.data.streets.light import Light, draw_light
from fcn_edge.ground.errors import FcnEdgeError, MisuseError

SMALL = (72, 96)


@pytest.fixture(scope="module")
def train() -> list[Sample]:
    return list(StreetsDataset("train", SMALL, count=16))


@pytest.fixture(scope="module")
def val() -> list[Sample]:
    return list(StreetsDataset("val", SMALL, count=8))


@pytest.fixture(scope="module")
def ride() -> list[Sample]:
    return list(drive(0.8, size=SMALL, seed=3))


def mask_of(sample: Sample) -> np.ndarray:
    assert sample.mask is not None
    return sample.mask


def test_the_same_index_gives_the_same_pixels(train: list[Sample]) -> None:
    again = StreetsDataset("train", SMALL)[5]
    assert again.stem == train[5].stem
    assert np.array_equal(again.frame, train[5].frame)
    assert np.array_equal(again.mask, train[5].mask)


def test_every_index_seed_and_split_gives_another_frame(train: list[Sample], val: list[Sample]) -> None:
    other_seed = StreetsDataset("train", SMALL, seed=1)
    frames = [sample.frame.tobytes() for sample in (*train, *val, other_seed[0], other_seed[1])]
    assert len(set(frames)) == len(frames)


def test_train_and_val_share_no_name_and_no_builder() -> None:
    from fcn_edge.data.streets.looks import TRAIN, VAL

    names = [
        {data.stem(i) for i in range(len(data))} for data in (StreetsDataset("train"), StreetsDataset("val"))
    ]
    assert not names[0] & names[1]
    assert not set(TRAIN.styles) & set(VAL.styles)
    assert not set(TRAIN.paints) & set(VAL.paints)


def test_every_pixel_has_one_of_the_eleven_classes(train: list[Sample], val: list[Sample]) -> None:
    for sample in (*train, *val):
        assert mask_of(sample).max() < len(CAMVID_11), sample.stem


def test_all_classes_appear_within_a_few_frames(train: list[Sample]) -> None:
    seen = set(np.unique(np.stack([mask_of(sample) for sample in train])).tolist())
    assert seen == set(range(len(CAMVID_11))), f"missing {set(range(11)) - seen}"


@pytest.mark.parametrize("seed", range(5))
def test_any_size_renders(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(16, 120)), int(rng.integers(16, 200)))
    print("seed", seed, "size", size)
    sample = StreetsDataset("train", size)[seed]
    assert sample.frame.shape == (*size, 3)
    assert sample.frame.dtype == np.uint8
    assert mask_of(sample).shape == size


def test_the_size_comes_from_the_spec() -> None:
    assert open_dataset("streets:40x64", "val")[0].frame.shape == (40, 64, 3)


@pytest.mark.parametrize("size", ["15x64", "64x0", "100000x100000"])
def test_a_tiny_or_huge_size_is_refused(size: str) -> None:
    with pytest.raises(MisuseError, match=f"streets of {size} pixels; use 16x16 to 8192x8192"):
        open_dataset(f"streets:{size}", "val")


def test_unlabelled_streets_have_no_masks() -> None:
    assert open_dataset("streets:32x48", "val", labelled=False)[0].mask is None


def test_an_index_past_the_end_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        StreetsDataset("train", SMALL, count=2)[2]


def test_the_digest_names_the_generator_and_its_parameters() -> None:
    sets = [
        StreetsDataset("train"), StreetsDataset("val"), StreetsDataset("train", SMALL),
        StreetsDataset("train", seed=1), StreetsDataset("train", count=7),
    ]  # fmt: skip
    assert len({data.digest() for data in sets}) == len(sets)
    assert StreetsDataset("train").digest() == sets[0].digest()


def test_the_sky_is_brighter_than_the_road_and_lies_above_it(train: list[Sample]) -> None:
    for sample in train:
        mask = mask_of(sample)
        brightness = {i: sample.frame[mask == i].mean() for i in (SKY, ROAD)}
        rows = {i: np.nonzero(mask == i)[0].mean() for i in (SKY, ROAD)}
        assert brightness[SKY] > brightness[ROAD], sample.stem
        assert rows[SKY] < rows[ROAD], sample.stem


def test_class_borders_lie_on_picture_edges(train: list[Sample]) -> None:
    """A mask one pixel off would still look right; its borders would no longer be the steepest place."""

    def steepness(dy: int, dx: int) -> float:
        total = 0.0
        for sample in train:
            grey = cv2.cvtColor(sample.frame, cv2.COLOR_BGR2GRAY).astype(np.float32)
            slope = np.abs(np.diff(grey, axis=1))
            border = np.diff(mask_of(sample).astype(int), axis=1) != 0
            total += slope[np.roll(border, (dy, dx), (0, 1))].mean()
        return total

    here = steepness(0, 0)
    for shift in ((0, 2), (0, -2), (2, 0), (-2, 0)):
        assert here > 1.1 * steepness(*shift), shift


def test_dusk_is_darker_than_noon() -> None:
    lights: dict[str, list[Light]] = {}
    for seed in range(40):
        light = draw_light(np.random.default_rng(seed), {"noon": 0.5, "dusk": 0.5})
        lights.setdefault(light.name, []).append(light)
    ground = {name: np.mean([np.mean(light.on((0, 1, 0))) for light in lights[name]]) for name in lights}
    assert ground["dusk"] < 0.6 * ground["noon"]


@pytest.mark.parametrize("seed", range(5))
def test_the_camera_projects_as_a_pinhole_does(seed: int) -> None:
    """Straight road, no pitch: u = u0 + f x / z, v = v0 + f (h - y) / z; twice as far is half as large."""
    rng = np.random.default_rng(seed)
    camera = Camera((360, 480), x=rng.uniform(-2, 2), y=rng.uniform(1, 2))
    point = np.array([[rng.uniform(-5, 5), rng.uniform(0, 4), rng.uniform(4, 60)]])
    (u, v), (u0, v0) = camera.project(point)[0], camera.center
    x, y, z = point[0]
    assert u == pytest.approx(u0 + camera.f * (x - camera.x) / z)
    assert v == pytest.approx(v0 + camera.f * (camera.y - y) / z)
    assert camera.pixels_per_metre(2 * z) == pytest.approx(camera.pixels_per_metre(z) / 2)


def test_a_drive_repeats_and_moves_a_little_at_a_time(ride: list[Sample]) -> None:
    assert np.array_equal(next(drive(0.8, size=SMALL, seed=3)).frame, ride[0].frame)
    step = [np.mean(mask_of(a) != mask_of(b)) for a, b in pairwise(ride)]
    other = next(drive(0.2, size=SMALL, seed=4))
    assert np.mean(step) > 0
    assert max(step) < 0.25
    assert np.mean(step) < 0.5 * np.mean(mask_of(ride[0]) != mask_of(other))


def test_the_number_of_frames_of_a_drive_follows_its_rate() -> None:
    assert len(list(drive(0.5, size=(16, 24), fps=10))) == 5


def test_a_written_folder_opens_as_camvid_with_the_rendered_pixels(tmp_path: Path) -> None:
    report = write_folder(tmp_path / "set", size=SMALL, train=2, val=1, seconds=0.3)
    spec = f"camvid:{tmp_path / 'set'}"
    train, val, clip = (open_dataset(spec, split) for split in ("train", "val", "clip"))
    assert (len(train), len(val), len(clip)) == (2, 1, report["clip"]["frames"])
    for index, rendered in enumerate(StreetsDataset("train", SMALL, count=2)):
        assert np.array_equal(train[index].mask, rendered.mask)
        error = train[index].frame.astype(int) - rendered.frame
        assert np.abs(error).mean() < 6, "JPEG at quality 95"
    assert train.classes == CAMVID_11
    assert train.name == "streets", "reports must not call rendered frames CamVid"
    assert IGNORE not in np.unique(clip[0].mask)


def test_the_written_clip_plays_its_frames(tmp_path: Path) -> None:
    assert render_clip(tmp_path / "ride.mp4", seconds=0.4, size=SMALL, seed=3) == 6
    capture = cv2.VideoCapture(str(tmp_path / "ride.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 6
    played, frame = capture.read()
    assert played
    rendered = next(drive(0.4, size=SMALL, seed=3)).frame
    assert np.abs(frame.astype(int) - rendered).mean() < 12
    assert [path.name for path in tmp_path.iterdir()] == ["ride.mp4"]


def test_a_failed_write_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "set"
    write_folder(out, size=SMALL, train=1, val=1, seconds=0.1)
    monkeypatch.setattr("fcn_edge.data.streets.folder.StreetsDataset", _full_disk)
    with pytest.raises(FcnEdgeError, match="No space left"):
        write_folder(out, size=SMALL, train=1, val=1, seconds=0.1)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert len(open_dataset(f"camvid:{out}", "train")) == 1


def test_other_peoples_files_stay_and_an_earlier_set_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "set"
    for train in (1, 2):
        write_folder(out, size=SMALL, train=train, val=1, seconds=0.1)
        assert len(open_dataset(f"camvid:{out}", "train")) == train
    (out / "mine.txt").write_text("kept")
    with pytest.raises(MisuseError, match=r"holds mine\.txt, which fcn-edge did not write"):
        write_folder(out, size=SMALL, train=1, val=1, seconds=0.1)
    assert (out / "mine.txt").read_text() == "kept"


def _full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_cars_and_poles_stand_on_the_ground(train: list[Sample]) -> None:
    """The lowest row of every class of upright things is below the horizon, where the ground is."""
    horizon = int(0.3 * SMALL[0])
    for sample in train:
        for class_id in (CAR, POLE):
            rows = np.nonzero(mask_of(sample) == class_id)[0]
            assert rows.size < 3 or rows.max() > horizon, (sample.stem, class_id)


def test_a_folder_whose_name_is_no_utf_8_is_written(tmp_path):
    folder = tmp_path / "b\udcff"  # as Python names the byte 255
    write_folder(folder, size=(96, 128), train=1, val=1, seconds=0.2)
    assert (folder / "clip.mp4").stat().st_size > 100
