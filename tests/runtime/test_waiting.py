"""A source that stays silent holds up neither --seconds nor a signal nor what is already made."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

import fcn_edge
from tests.runtime.conftest import GOLDEN, pictures


@pytest.mark.parametrize("policy", ["block", "latest"])
@pytest.mark.parametrize("frames", [0, 3])
def test_seconds_end_a_run_whose_pipe_is_silent(
    binary: Path, environment: dict[str, str], policy: str, frames: int
) -> None:
    words = [binary, GOLDEN, "--source", "raw:64x48", "--policy", policy, "--seconds", "2"]
    process = subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    for frame in pictures(frames, (48, 64), seed=0):
        process.stdin.write(frame.tobytes())
    process.stdin.flush()
    began = time.monotonic()
    said = process.stderr.read() if process.stderr else b""
    assert process.wait(timeout=30) == 0, said
    assert time.monotonic() - began < 9  # the start is in it
    assert f"{frames} frames in".encode() in said


def test_a_frame_comes_out_though_the_pipe_gives_no_other(binary: Path, environment: dict[str, str]) -> None:
    """Who waits for a mask before it sends the next frame must get it."""
    words = [binary, GOLDEN, "--source", "raw:64x48", "--masks-stream", "raw"]
    process = subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    masks = None
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    for index, frame in enumerate(pictures(3, (48, 64), seed=0)):
        process.stdin.write(frame.tobytes())
        process.stdin.flush()
        masks = masks or fcn_edge.read_masks(process.stdout)
        assert next(masks).index == index
    watchdog.cancel()
    process.stdin.close()
    assert process.wait(timeout=30) == 0


HANGS = "#include <unistd.h>\n__attribute__((constructor)) static void hang(void) { for (;;) pause(); }\n"


def test_a_signal_ends_a_start_that_hangs(binary: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """An engine that never comes back from being loaded, and does not hear of signals."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    engine = tmp_path / "libfcn_edge_openvino.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", engine], input=HANGS, text=True, check=True
    )
    process = subprocess.Popen(
        [binary, GOLDEN, "--source", "test:160x120"], env={**environment, "FCN_EDGE_BACKENDS": str(tmp_path)}
    )
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)
        process.terminate()
        assert process.wait(timeout=15) == 128 + signal.SIGTERM
    finally:
        process.kill()


def bare(*hidden: str) -> list[str]:
    """Return the words that run a program where the folders `hidden` are empty, as in some containers."""
    mounts = " && ".join(f"mount -t tmpfs none {folder}" for folder in hidden)
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh"]


@pytest.mark.parametrize("hidden", [["/sys"], ["/proc"], ["/proc", "/sys"]])
def test_it_runs_or_says_why_not_without_proc_and_sys(
    binary: Path, environment: dict[str, str], hidden: list[str]
) -> None:
    probe = subprocess.run([*bare(*hidden), "ls", *hidden], capture_output=True, text=True, check=False)
    if probe.returncode != 0 or "cpu" in probe.stdout:
        pytest.skip(f"no name spaces here: {probe.stderr.strip()}")
    for words in (["--selftest"], ["--source", "test:160x120", "--limit", "3"]):
        done = subprocess.run(
            [*bare(*hidden), binary, GOLDEN, *words],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if len(hidden) == 1:
            assert done.returncode == 0, done.stderr
        else:
            assert done.returncode == 1
            assert "neither /proc nor /sys is mounted" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_pipeline_that_hangs_while_it_is_opened(
    binary: Path, environment: dict[str, str], number: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/camera"
        pipeline = f"souphttpsrc location={address} ! decodebin ! videoconvert ! appsink"
        command = [str(binary), str(GOLDEN), "--source", pipeline]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            server.settimeout(20)
            try:
                asking, _ = server.accept()
            except TimeoutError:
                process.kill()
                pytest.skip("GStreamer's souphttpsrc is not installed: nothing asked")
            with asking:  # who never gets an answer
                time.sleep(0.5)
                process.send_signal(number)
                assert process.wait(timeout=20) == 128 + number, "no crash inside the library"
