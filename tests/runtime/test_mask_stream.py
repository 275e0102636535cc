"""Masks on stdout for another program: Python reads what C++ writes."""

from __future__ import annotations

import fcntl
import io
import json
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import IO

import cv2
import numpy as np
import pytest

import fcn_edge
from tests.runtime.conftest import GOLDEN, Run, pictures, write_clip


@pytest.mark.parametrize("encoding", ["raw", "rle"])
def test_streamed_masks_equal_those_written_as_files(
    binary: Path, environment: dict[str, str], tmp_path: Path, encoding: str
) -> None:
    clips = [write_clip(tmp_path / f"{seed}.mp4", pictures(6, (90, 150), seed=seed)) for seed in (1, 2)]
    command = [binary, GOLDEN, "--source", clips[0], "--source", clips[1], "--masks", tmp_path / "masks",
               "--masks-stream", encoding]  # fmt: skip
    begun = time.time_ns()
    with subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as stream:
        assert stream.stdout is not None
        found = list(fcn_edge.read_masks(stream.stdout))
    assert [(one.source, one.index) for one in found] == [(s, i) for i in range(6) for s in (0, 1)]
    for one in found:
        path = tmp_path / "masks" / str(one.source) / f"{one.index:06d}.png"
        np.testing.assert_array_equal(one.mask, cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
        assert begun < one.taken_ns < time.time_ns()
        assert one.mask.max() < len(one.classes)


def test_a_damaged_or_foreign_stream_is_one_sentence(binary: Path, environment: dict[str, str]) -> None:
    command = [binary, GOLDEN, "--source", "test:160x120", "--limit", "2", "--masks-stream", "rle"]
    data = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    assert len(list(fcn_edge.read_masks(io.BytesIO(data)))) == 2
    start = data.index(b"\n") + 1
    cases = {
        b"hello\n": "not a mask stream",
        b"": "not a mask stream",
        data[:-5]: "ended within a frame",
        data[:start] + b"XXXX" + data[start + 4 :]: "damaged",
    }
    for bad, says in cases.items():
        with pytest.raises(fcn_edge.FcnEdgeError, match=says):
            list(fcn_edge.read_masks(io.BytesIO(bad)))


def test_a_reader_that_goes_away_ends_the_program_with_one_line(
    binary: Path, environment: dict[str, str]
) -> None:
    command = [binary, GOLDEN, "--source", "test:160x120", "--masks-stream", "raw"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as stream:
        assert stream.stdout is not None
        next(fcn_edge.read_masks(stream.stdout))
        stream.stdout.close()
        assert stream.stderr is not None
        said = stream.stderr.read().decode().splitlines()
    assert stream.returncode == 1
    assert "did the reader go away?" in said[-1]


@pytest.mark.parametrize("output", [("--masks-stream", "raw"), ("--areas", "-")])
def test_a_reader_that_stopped_reading_does_not_hold_the_end(
    binary: Path, environment: dict[str, str], tmp_path: Path, output: tuple[str, str]
) -> None:
    report = tmp_path / "r.json"
    command = [binary, GOLDEN, "--source", "test:320x240", *output, "--report", report]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as stream:
        assert stream.stdout is not None
        stream.stdout.read(100)
        wait_until_full(stream.stdout)
        begun = time.monotonic()
        stream.send_signal(signal.SIGTERM)
        assert stream.wait(timeout=20) == 0
        assert time.monotonic() - begun < 5
        assert stream.stderr is not None
        assert "stopped reading" in stream.stderr.read().decode()
    assert json.loads(report.read_text())["frames_out"] > 0


def wait_until_full(pipe: IO[bytes]) -> None:
    """Return once the pipe holds bytes and has got none for half a second."""
    before, since = -1, time.monotonic()
    while time.monotonic() - since < 0.5 or before < 4096:
        waiting = int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4), sys.byteorder)
        if waiting != before:
            before, since = waiting, time.monotonic()
        time.sleep(0.02)


def test_stdout_has_one_user(stream: Run) -> None:
    done = stream("golden", "--source", "test:160x120", "--masks-stream", "raw", "--report", "-")
    assert done.returncode == 2
    assert "want stdout" in done.stderr
