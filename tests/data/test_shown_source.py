"""What is shown of a source: the table that the C++ program is held against too, and secrets."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from fcn_edge.compilation.calibrate import calibrate
from fcn_edge.data import open_dataset
from fcn_edge.data.record import open_camera
from fcn_edge.data.shown_source import shown
from fcn_edge.ground.errors import FcnEdgeError

TABLE = json.loads((Path(__file__).parent / "shown_sources.json").read_text())
FORMS = (
    "rtsp://admin:{}@cam/live",
    "rtsp://{}@cam/live",
    "http://cam/video.cgi?password={}",
    "http://cam/video.cgi?user=me&password={}&channel=1",
    "http://admin:abc@cam/video.cgi?password={}#end",
    "rtspsrc location=rtsp://cam/live user-pw={} ! decodebin ! appsink",
    "rtspsrc location=rtsp://me:{}@cam/live ! decodebin ! appsink",
    "admin:{}@cam/live",
    "rtsp:/admin:{}@cam/live",
)
MARKS = "/?#@:;&=%!. +-_[]|\\,~"


@pytest.mark.parametrize(("given", "expected"), TABLE, ids=[given for given, _ in TABLE])
def test_source_is_shown_as_the_table_says(given: str, expected: str) -> None:
    assert shown(given) == expected


def test_no_letter_of_a_secret_is_shown() -> None:
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    for _ in range(5000):
        middle = "".join(rng.choice(MARKS) if rng.random() < 0.5 else rng.choice("XYZ") for _ in range(12))
        secret = "X" + middle.replace(" !", "!") + "Z"  # " ! " ends an element of a pipeline
        given = rng.choice(FORMS).format(secret)
        assert not set(shown(given)) & set("XYZ"), f"{given!r} is shown as {shown(given)!r}; seed {seed}"


@pytest.mark.parametrize("address", ["rtsp://me:pa55@127.0.0.1:9/x", "http://127.0.0.1:9/?password=pa55"])
def test_errors_do_not_show_the_password_of_a_camera(address: str) -> None:
    failing = (
        lambda: open_camera(address),
        lambda: calibrate(f"camera:{address}"),
        lambda: open_dataset(f"video:{address}", "all", labelled=False),
        lambda: open_dataset(f"folder:{address}", "train"),
    )
    for call in failing:
        with pytest.raises(FcnEdgeError) as caught:
            call()
        assert "pa55" not in str(caught.value)
        assert "127.0.0.1:9" in str(caught.value)
