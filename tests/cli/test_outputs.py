"""No command writes over what it reads, nor over files that it did not write: exit code 2 before any work."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from fcn_edge.bundle import read_bundle
from fcn_edge.cli import run
from fcn_edge.train.checkpoint import ZOO

GOLDEN = Path(__file__).parents[1] / "golden" / "tiny.fcne"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in: a run, two bundles, frames, a clip, a report, and files that are not ours."""
    (tmp_path / "run").mkdir()
    shutil.copy(ZOO / "road.safetensors", tmp_path / "run" / "model.safetensors")
    for name in ("a.fcne", "b.fcne"):
        shutil.copytree(GOLDEN, tmp_path / name)
    (tmp_path / "frames" / "images").mkdir(parents=True)
    frame = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    for index in range(2):
        cv2.imwrite(str(tmp_path / "frames" / "images" / f"{index}.png"), frame)
    (tmp_path / "clip.mp4").write_bytes(b"a clip")
    (tmp_path / "net.onnx").write_bytes(b"a graph")
    (tmp_path / "foreign").mkdir()
    for name in ("model.safetensors", "report.md", "diff.json", "sensitivity.png", "curve.csv"):
        (tmp_path / "foreign" / name).write_text("not ours")
    (tmp_path / "alias").symlink_to("run")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def state(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


READ = "which is read; name another place"


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("compile run --data streets --out run", f"--out run would overwrite run, {READ}"),
        ("compile run --data streets --out alias", f"--out alias would overwrite run, {READ}"),
        ("compile run/model.safetensors --data streets --out run", READ),
        ("compile run --data folder:frames --no-labels --out frames", READ),
        ("compile run --data folder:frames/images --no-labels --out frames", READ),
        ("compile run --data folder:frames --no-labels --out .", READ),
        ("compile zoo:road --data streets --out .", "runs in"),
        ("compile run --data streets --out foreign", "not an earlier bundle"),
        ("compile run --data streets --out clip.mp4", "clip.mp4 is a file"),
        (
            "compile run --data streets --target onnx --layout triton --out b.triton",
            "--layout b.triton would overwrite b.triton",
        ),
        (
            "compile run --data streets --target onnx --layout ovms --out foreign.x",
            "--layout foreign.ovms is not an earlier model repository",
        ),
        ("diff run zoo:road --data streets --out run", READ),
        ("diff zoo:road zoo:road --data folder:frames --out frames", READ),
        ("diff zoo:road zoo:road --data streets --out foreign", "diff.json"),
        ("diff zoo:road zoo:road --data folder:frames --split all --out frames/images", "0.png"),
        ("surgery run --data streets --out run", READ),
        ("surgery run --data streets --out alias", READ),
        ("surgery run --data streets --out foreign", "model.safetensors, which is not of an earlier run"),
        ("surgery run --data streets --pictures run", READ),
        ("surgery run --data streets --pictures clip.mp4", "clip.mp4 is a file"),
        ("surgery net.onnx --out net.onnx", READ),
        ("surgery net.onnx --out ./frames/../net.onnx", READ),
        ("surgery net.onnx --out frames", "is a folder"),
        ("data streets foreign", "not an earlier streets set"),
        ("data streets a.fcne", "not an earlier streets set"),
        ("data streets .", "runs in"),
        ("demo --out foreign", "no earlier demo"),
        ("demo --out clip.mp4", "is a file"),
        ("bench a.fcne --report a.fcne", READ),
        ("bench a.fcne --source frames --report frames", READ),
        ("bench a.fcne --baseline last/report.json --report last", READ),
        ("bench a.fcne --report foreign", "report.md, which is not of an earlier report"),
        ("calibrate --data video:clip.mp4 --out clip.mp4", READ),
        ("calibrate --data streets --like video:clip.mp4 --out clip.mp4", READ),
        ("calibrate --data camera:/dev/video99 --record seen --out seen", READ),
        ("load run --out run", READ),
        ("load vgg16:foreign/model.safetensors --data streets --out foreign", READ),
        ("load vgg16 --weights clip.mp4 --data streets --out foreign", "earlier run"),
        ("train --data streets --from run --out run", READ),
        ("train --data streets --weights run/model.safetensors --out run", READ),
        ("train --data camvid:frames --out frames", READ),
        ("train --data streets --out foreign", "model.safetensors"),
        ("train --data streets --out clip.mp4", "is a file"),
        ("sensitivity run --data streets --out run", READ),
        ("sensitivity run --data streets --out foreign", "sensitivity.png"),
    ],
)
def test_an_output_that_would_destroy_is_refused_and_nothing_changes(
    line: str, meant: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "last").mkdir()
    (place / "last" / "report.json").write_text('{"magic": "fcn-edge-report", "bundles": [1]}')
    (place / "foreign.ovms").mkdir()
    (place / "foreign.ovms" / "config.json").write_text("mine")
    before = state(place)
    assert run(line.split()) == 2
    assert state(place) == before
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("fcn-edge: error: ")
    assert output.err.count("\n") == 1
    assert meant in output.err


def test_a_hard_link_to_the_input_is_seen_through(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "same.onnx").hardlink_to(place / "net.onnx")
    assert run(["surgery", "net.onnx", "--out", "same.onnx"]) == 2
    assert READ in capsys.readouterr().err


def test_outputs_beside_and_inside_inputs_are_fine(place: Path) -> None:
    """A diff into a new folder within the run, then again into the same, which is then its own."""
    for _ in range(2):
        assert run(["diff", "a.fcne", "b.fcne", "--data", "folder:frames", "--split", "all",
                    "--out", "run/changed"]) == 0  # fmt: skip
    names = {path.name for path in (place / "run" / "changed").iterdir()}
    assert {"diff.json", "heat.png", "0.png"} <= names


def test_a_checkpoint_is_loaded_into_an_earlier_run_again(place: Path) -> None:
    for _ in range(2):
        assert run(["load", "zoo:road", "--out", "mine"]) == 0
    assert (place / "mine" / "model.json").is_file()


def test_a_bundle_with_a_foreign_file_stays(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "a.fcne" / "notes.txt").write_text("mine")
    assert run(["compile", "run", "--data", "streets", "--out", "a.fcne"]) == 2
    assert "a.fcne holds notes.txt, which fcn-edge did not write" in capsys.readouterr().err
    assert read_bundle(place / "a.fcne").name
