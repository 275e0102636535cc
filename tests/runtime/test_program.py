"""Running the C++ program from Python, and where its report goes; a stand-in says what it was told."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.runtime.program import find_stream, run_stream

STAND_IN = """#!/bin/bash
said="$*"
while [ $# -gt 0 ]; do [ "$1" = --report ] && echo "{\\"said\\": \\"$said\\"}" > "$2"; shift; done
exit {code}
"""


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> None:
    program = tmp_path / "stand-in"
    program.write_text(STAND_IN.replace("{code}", str(code)))
    program.chmod(0o755)
    monkeypatch.setenv("FCN_EDGE_STREAM", str(program))


@pytest.mark.parametrize("form", [["--report", "{}"], ["--report={}"]])
def test_a_named_report_is_returned_and_written(
    form: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch)
    named = tmp_path / "named.json"
    arguments = ["--limit", "3", *(part.format(named) for part in form), "--seconds", "2"]
    report = run_stream(Path("b.fcne"), "0", *arguments).report
    assert report["said"].startswith("b.fcne --source 0 --limit 3 --seconds 2 --report ")
    assert json.loads(named.read_text()) == report


@pytest.mark.parametrize("named", ["/dev/null", "-"])
def test_a_report_to_nowhere_is_returned_all_the_same(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert "said" in run_stream(Path("b.fcne"), "0", "--report", named).report
    assert [path.name for path in tmp_path.iterdir()] == ["stand-in"]
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_report_into_a_pipe_of_the_caller_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Process substitution: the program that runs below does not inherit the descriptor."""
    stand_in(tmp_path, monkeypatch)
    reading, writing = os.pipe()
    with ThreadPoolExecutor() as pool, os.fdopen(reading, "rb") as pipe:
        read = pool.submit(pipe.read)
        report = run_stream(Path("b.fcne"), "0", "--report", f"/dev/fd/{writing}").report
        os.close(writing)
        assert json.loads(read.result(timeout=60)) == report


def test_the_report_of_a_run_that_fails_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, code=1)
    with pytest.raises(FcnEdgeError, match="ended with code 1"):
        run_stream(Path("b.fcne"), "0", "--report", str(tmp_path / "named.json"))
    assert "said" in json.loads((tmp_path / "named.json").read_text())


def test_the_program_is_looked_for_in_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FCN_EDGE_STREAM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    root = Path(__file__).parents[2]
    if (root / "build" / "fcn-edge-stream").is_file():
        assert find_stream() == root / "build" / "fcn-edge-stream"
    else:
        with pytest.raises(FcnEdgeError, match=f"looked in {root / 'build'},"):
            find_stream()
