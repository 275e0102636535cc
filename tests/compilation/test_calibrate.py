"""Frames from anywhere: folders without masks, a live camera, and sets used beside other data."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from golden.make_golden import smooth_frames
from golden.tiny_fcn import TinyFCN

from fcn_edge.compilation.calibrate import Recording, calibrate
from fcn_edge.compilation.compile import compile_checkpoint
from fcn_edge.data import open_dataset, split_to_calibrate_on
from fcn_edge.ground.config import CompileConfig
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.models.spec import ModelSpec
from fcn_edge.network import door
from fcn_edge.train.checkpoint import Checkpoint

SIZE = (48, 64)


def images(folder: Path, count: int, seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    for index, frame in enumerate(smooth_frames(count, seed, SIZE)):
        cv2.imwrite(str(folder / f"{index:03d}.png"), frame)
    return folder


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a checkpoint of random weights."""
    classes, spec = open_dataset("streets:48x64", "val").classes, ModelSpec("fcn8s-mobilenet_v2", 11)
    net = TinyFCN(11)
    net.spec = spec
    made = Checkpoint(net, spec, classes, {}, "")
    monkeypatch.setattr(door, "load_checkpoint", lambda where: made)
    return "tiny"


class Camera(BaseHTTPRequestHandler):
    """An MJPEG camera that sends `shown` frames, fifty a second, and hangs up."""

    shown = 0

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=part")
        self.end_headers()
        for frame in smooth_frames(self.shown, size=SIZE):
            jpeg = cv2.imencode(".jpg", frame)[1].tobytes()
            head = b"--part\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
            try:
                self.wfile.write(head + jpeg + b"\r\n")
            except ConnectionError:
                return
            time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def camera(request: pytest.FixtureRequest) -> Iterator[str]:
    handler = type("Handler", (Camera,), {"shown": request.param})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()


def test_frames_without_masks_are_all_picked_from_and_those_with_masks_from_train(tmp_path: Path) -> None:
    bare, labelled, split = tmp_path / "bare", tmp_path / "labelled", tmp_path / "split"
    images(bare, 8)
    images(labelled / "images", 8)
    (labelled / "masks").mkdir()
    images(split / "images" / "train", 8)
    found = [split_to_calibrate_on(f"folder:{path}") for path in (bare, labelled, split)]
    assert found == ["all", "train", "train"]
    assert split_to_calibrate_on("video:drive.mp4") == "all"
    assert split_to_calibrate_on("camvid:data") == "train"
    assert calibrate(f"folder:{bare}", count=8)["frames"] == [f"{index:03d}" for index in range(8)]


@pytest.mark.parametrize("camera", [400], indirect=True)
def test_a_live_camera_is_recorded_and_the_set_is_picked_from_the_recording(
    camera: str, tmp_path: Path
) -> None:
    folder, out = tmp_path / "seen", tmp_path / "set.json"
    record = calibrate(f"camera:{camera}", count=8, recording=Recording(folder, 1.0), out=out)
    kept = sorted(folder.glob("*.png"))
    assert len(kept) == 24
    assert record["data"] == f"folder:{folder}"
    assert record["count"] == 8
    assert set(record["frames"]) <= {path.stem for path in kept}
    frames = [cv2.imread(str(path)) for path in kept]
    assert {frame.shape for frame in frames} == {(*SIZE, 3)}
    assert len({frame.tobytes() for frame in frames}) > 12  # spread over the second, not one frame repeated
    assert json.loads(out.read_text())["sha256"] == record["sha256"]


@pytest.mark.parametrize("camera", [5], indirect=True)
def test_a_camera_that_ends_early_leaves_what_it_gave_and_too_few_are_refused(
    camera: str, tmp_path: Path
) -> None:
    with pytest.raises(FcnEdgeError, match=r"readable calibration frames in folder all"):
        calibrate(f"camera:{camera}", count=8, recording=Recording(tmp_path / "seen", 0.1))
    assert 1 <= len(list((tmp_path / "seen").glob("*.png"))) <= 5


@pytest.mark.parametrize(
    ("data", "recorded", "meant"),
    [
        ("camera:0", None, "--data camera:0 without --record.*add --record FOLDER"),
        ("streets", "seen", "--record with --data streets"),
        ("camera:{file}", "seen", "is a file.*type --data video:"),
        ("camera:", "seen", "names no camera"),
        ("camera:/dev/video99", "seen", "cannot open camera /dev/video99"),
        ("camera:rtsp://me:secret@127.0.0.1:9/x", "seen", r"cannot open camera rtsp://\*\*\*@127"),
        ("camera:0", "full", "is not empty.*name a new folder"),
    ],
)
def test_mistakes_about_cameras_end_in_a_sentence(
    data: str, recorded: str | None, meant: str, tmp_path: Path
) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"x")
    images(tmp_path / "full", 1)
    recording = Recording(tmp_path / recorded) if recorded else None
    with pytest.raises(FcnEdgeError, match=meant):
        calibrate(data.format(file=file), recording=recording)


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ({"count": 3}, "3 calibration frames are too few"),
        ({"split": "val"}, "--split val with --data camera:0"),
        ({"labelled": True}, "--labels with --data camera:0"),
    ],
)
def test_what_a_camera_cannot_give_is_said_before_it_is_watched(
    wanted: dict[str, Any], meant: str, tmp_path: Path
) -> None:
    with pytest.raises(MisuseError, match=meant):
        calibrate("camera:0", recording=Recording(tmp_path / "seen"), **wanted)
    assert not (tmp_path / "seen").exists()


def test_compile_takes_its_ranges_from_other_frames_than_it_is_judged_on(tmp_path: Path, tiny: str) -> None:
    """Frames of the deployment without masks set the ranges; labelled data judges."""
    deployment = f"folder:{images(tmp_path / 'deployment', 12, seed=1)}"
    calibrate(deployment, count=8, out=tmp_path / "set.json")
    common = {"data": "streets:48x64", "int8": True, "limit": 2, "upsample": "keep", "max_drop": 1.0}
    by_set = CompileConfig(tiny, tmp_path / "set.fcne", calibration=tmp_path / "set.json", **common)
    by_data = CompileConfig(
        tiny, tmp_path / "data.fcne", calibration_data=deployment, calibration_count=8, **common
    )
    sources = []
    for config in (by_set, by_data):
        compile_checkpoint(config)
        sources.append(json.loads((config.out / "evidence" / "calibration.json").read_text()))
    assert [one["source"] for one in sources] == ["folder all"] * 2
    assert sources[0]["sha256"] == sources[1]["sha256"]


def test_a_set_whose_frames_lie_elsewhere_now_is_read_from_there(tmp_path: Path, tiny: str) -> None:
    folder = images(tmp_path / "here", 8)
    out = tmp_path / "set.json"
    calibrate(f"folder:{folder}", count=8, out=out)
    folder.rename(tmp_path / "there")
    common = {"data": "streets:48x64", "int8": True, "limit": 1, "upsample": "keep", "max_drop": 1.0}
    config = CompileConfig(tiny, tmp_path / "net.fcne", calibration=out, **common)
    with pytest.raises(FcnEdgeError, match=r"no such folder.*--calibration-data NAME:PATH"):
        compile_checkpoint(config)
    moved = CompileConfig(
        tiny, tmp_path / "net.fcne", calibration=out,
        calibration_data=f"folder:{tmp_path / 'there'}", **common,
    )  # fmt: skip
    compile_checkpoint(moved)
    damaged = cv2.imread(str(tmp_path / "there" / "003.png"))
    cv2.imwrite(str(tmp_path / "there" / "003.png"), np.zeros_like(damaged))
    with pytest.raises(FcnEdgeError, match="have changed in folder all"):
        compile_checkpoint(moved)


def test_frames_to_calibrate_on_without_int8_are_misuse(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match=r"nothing to calibrate.*add --int8"):
        compile_checkpoint(CompileConfig("zoo:road", tmp_path / "x", calibration_data="streets"))
