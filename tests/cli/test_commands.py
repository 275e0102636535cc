"""Every command has help, an example and a place in the README; mistakes end in one line that mends them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fcn_edge.cli import app, run

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(str(command.name) for command in app.registered_commands)


def fcn_edge(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fcn_edge", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help_that_ends_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Example: fcn-edge {name}" in text
    assert "--json" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_a_place_in_the_readme(name: str) -> None:
    assert f"fcn-edge {name}" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_summary_of_a_command_fits_its_line_in_the_list(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["--help"])
    line = next(row for row in capsys.readouterr().out.splitlines() if row.strip().startswith(f"{name} "))
    assert not line.endswith("..."), f"first sentence of {name} is too long for the list of commands"


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["trian"], "Did you mean 'train'"),
        (["compile", "x", "--out", "y", "--max-dropp", "1"], "--max-drop"),
        (["train"], "Missing option"),
        (["compile", "x", "--out", "y", "--size", "360"], "--size 360x480"),
        (["train", "--data", "streets", "--out", "y", "--crop", "64"], "--crop '64' is not HEIGHTxWIDTH"),
        (["train", "--data", "streets", "--out", "x", "--epochs", "0"], "--epochs"),
        (["eval", "zoo:road", "--data", "streets", "--limit", "0"], "equal to 1, not '0'"),
        (["eval", "zoo:road", "--data", "streets", "--limit", "two"], "not 'two'"),
        (["eval", "zoo:road", "--data", "streets", "--size", "360x100000"], "at most 8192x8192"),
        (["eval", "zoo:road", "--data", "streets", "--split", "vall"], "'vall'"),
        (["eval", "{golden}", "--data", "streets", "--size", "64x64"], "leave --size out"),
        (["eval", "zoo:road", "--data", "drive.mp4"], "type NAME:drive.mp4"),
        (["inspect", "{golden}", "--size", "64x64"], "leave --size out"),
        (["inspect", "zoo:rod"], "did you mean 'road'"),
        (["inspect", "zoo:road", "--size", "99999x99999"], "--size is 99999x99999"),
        (["sensitivity", "{golden}", "--data", "streets"], "is a bundle"),
        (["sensitivity", "zoo:road", "--data", "streets", "--target", "openvno"], "'openvino'"),
        (["sensitivity", "zoo:road", "--data", "streets", "--out", "{file}"], "is a file; name a folder"),
        (["sensitivity", "zoo:road", "--data", "streets", "--calibration-count", "0"], "at least 8"),
        (["diff", "zoo:road", "zoo:road", "--data", "streets", "--out", "{file}/x"], "text.txt is a file"),
        (["diff", "zoo:road", "zoo:road", "--data", "nope", "--out", "x"], "unknown data set 'nope'"),
        (["diff", "zoo:road", "zoo:road", "--data", "streets", "--out", "x", "--limit", "0"], "not '0'"),
        (["calibrate", "--data", "streets", "--count", "3"], "3 calibration frames"),
        (["calibrate", "--data", "streets", "--like-split", "train"], "without --like"),
        (["calibrate", "--data", "streets", "--out", "{folder}"], "is a folder; name a file in it"),
        (["calibrate", "--data", "video:drive.mp4", "--labels"], "has no masks"),
        (["calibrate", "--data", "camera:0"], "add --record FOLDER"),
        (["compile", "zoo:road", "--out", "y", "--calibration-data", "streets"], "add --int8"),
        (["bench", "{golden}", "--budget-ms", "-1"], "--budget-ms is -1"),
        (["bench", "{golden}", "--percentile", "98"], "valid: 50, 90, 99, 99.9, 100"),
        (["bench", "{golden}", "--report", "{file}"], "--report"),
        (["bench", "{golden}", "--checkpoint", "zoo:road"], "add --against"),
        (["bench", "{golden}", "--cpus", "one"], "like --cpus 0,1"),
        (["bench", "{golden}", "--cpus", ","], "like --cpus 0,1"),
    ],
)
def test_misuse_is_one_line_with_the_mend_and_exit_code_2(
    arguments: list[str], meant: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text("not a folder")
    places = {"golden": ROOT / "tests/golden/tiny.fcne", "file": tmp_path / "text.txt", "folder": tmp_path}
    assert run([argument.format(**places) for argument in arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("fcn-edge: error: ")
    assert meant in output.err
    assert output.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["train", "--data", "nosuch:x", "--out", "{tmp}/run"], "camvid"),
        (["train", "--data", "camvid:{tmp}/absent", "--out", "{tmp}/run"], "absent"),
        (
            ["train", "--data", "streets", "--model", "fcn8s-vgg17", "--out", "{tmp}/run"],
            "fcn8s-efficientnet_lite0",
        ),
        (["eval", "{tmp}/absent", "--data", "streets"], "absent"),
        (["compile", "{tmp}/absent", "--data", "streets", "--out", "{tmp}/b.fcne"], "absent"),
        (["compile", "{tmp}/absent", "--target", "tpu", "--out", "{tmp}/b.fcne"], "openvino"),
        (["inspect", "{tmp}/absent"], "absent"),
        (["bench", "{tmp}/absent.fcne"], "absent.fcne"),
        (["bench", "{golden}", "--source", "{tmp}/absent.mp4"], "leave --source out"),
        (["bench", "{golden}", "--baseline", "{tmp}/absent.json"], "give the report.json"),
        (["calibrate", "--data", "video:{tmp}/absent.mp4"], "absent.mp4"),
        (["diff", "{golden}", "{tmp}/absent", "--data", "streets", "--out", "{tmp}/d"], "absent"),
        (["diff", "zoo:road", "{golden}", "--data", "streets", "--out", "{tmp}/d"], "the same classes"),
        (["eval", "{golden}", "--data", "streets"], "was trained on 5"),
        (["sensitivity", "zoo:road", "--data", "streets", "--recipe", "best"], "minmax, percentile"),
    ],
)
def test_bad_input_is_one_line_without_traceback_and_leaves_nothing(
    arguments: list[str], named: str, tmp_path: Path
) -> None:
    golden = ROOT / "tests/golden/tiny.fcne"
    done = fcn_edge(*(argument.format(tmp=tmp_path, golden=golden) for argument in arguments))
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("fcn-edge: error: ")
    assert named in last
    assert list(tmp_path.iterdir()) == []


def test_interrupt_ends_in_one_line_and_code_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fcn_edge.doctor.examine", interrupted)
    assert run(["doctor"]) == 130
    assert capsys.readouterr().err == "fcn-edge: error: interrupted\n"


def test_doctor_json_is_one_object_that_says_what_can_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["can"]["train"] is True
    assert {finding["status"] for finding in report["findings"]} <= {"ok", "missing", "warning"}
    assert all(finding["fix"] for finding in report["findings"] if finding["status"] != "ok")


def test_debug_variable_brings_the_traceback_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FCN_EDGE_DEBUG", "1")
    assert "Traceback" in fcn_edge("inspect", str(tmp_path / "absent")).stderr


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_class_names_that_the_terminal_lacks_do_not_end_a_command(tmp_path: Path, encoding: str) -> None:
    import cv2
    import numpy as np

    from fcn_edge.data import Classes
    from fcn_edge.train.checkpoint import load_checkpoint, save_checkpoint

    found = load_checkpoint("zoo:road")
    names = tuple(f"\u8def{i}" for i in range(len(found.classes)))
    save_checkpoint(tmp_path / "run", found.model, Classes(names, found.classes.palette), {})
    for folder, shape in (("val", (64, 96, 3)), ("valannot", (64, 96))):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "a.png"), np.zeros(shape, np.uint8))
    entries = json.dumps({"classes": [{"name": name} for name in names]})
    (tmp_path / "classes.json").write_text(entries)
    command = ["eval", str(tmp_path / "run"), "--data", f"camvid:{tmp_path}", "--split", "val"]
    done = subprocess.run(
        [sys.executable, "-m", "fcn_edge", *command],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert done.returncode == 0, done.stderr
    assert ("\u8def0" if encoding == "utf-8" else "\\u8def0") in done.stdout.decode(encoding)
