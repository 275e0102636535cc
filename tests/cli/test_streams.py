"""Output that nobody gets is a failure; an interrupt ends the process, whatever native code is at work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = str(ROOT / "tests" / "golden" / "tiny.fcne")
COMMAND = f'"{sys.executable}" -m fcn_edge'
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a Linux device")


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, cwd=ROOT)


@needs_full
@pytest.mark.parametrize(
    "arguments", [f"inspect {GOLDEN} --json", f"inspect {GOLDEN}", "--version", "inspect --help", "--help"]
)
@pytest.mark.parametrize(("where", "why"), [("> /dev/full", "No space left"), (">&-", "it is closed")])
def test_a_lost_result_is_one_line_and_exit_code_1(arguments: str, where: str, why: str) -> None:
    done = shell(f"{COMMAND} {arguments} {where}")
    assert done.returncode == 1
    assert done.stderr.startswith(f"fcn-edge: error: cannot write to standard output: {why}")
    assert done.stderr.count("\n") == 1


@needs_full
@pytest.mark.parametrize("where", ["2> /dev/full", "2>&-"])
def test_a_lost_stderr_costs_its_lines_and_nothing_else(where: str, tmp_path: Path) -> None:
    done = shell(f"{COMMAND} inspect {GOLDEN} --json {where}")
    assert done.returncode == 0
    assert json.loads(done.stdout)
    done = shell(f"{COMMAND} inspect {tmp_path}/absent --json {where}")
    assert (done.returncode, done.stdout) == (1, "")


HELD = """
import os, sys
from fcn_edge.cli.streams import hold_streams
hold_streams()
with open(sys.argv[1], "w") as file:
    file.write(str(file.fileno()))
os.write(2, b"lost")
"""


def test_files_never_take_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    """The first file that is opened would else get the number of stdout, and what libraries print there."""
    (tmp_path / "held.py").write_text(HELD)
    shell(f'PYTHONPATH="{ROOT}" "{sys.executable}" "{tmp_path}/held.py" "{tmp_path}/number" <&- >&- 2>&-')
    assert int((tmp_path / "number").read_text()) > 2


def test_version_is_printed() -> None:
    done = shell(f"{COMMAND} --version")
    assert done.stdout.startswith("fcn-edge ")
    assert done.returncode == 0


# A run in the background of a shell ignores SIGINT: these processes set it back to Python's own handling.
INTERRUPTED = """
import atexit, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import fcn_edge.doctor
from fcn_edge.cli import main

def examine():
    atexit.register(os.kill, os.getpid(), signal.SIGSEGV)  # a native teardown gone wrong
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()

fcn_edge.doctor.examine = examine
sys.argv = ["fcn-edge", "doctor"]
main()
"""


def test_an_interrupt_does_not_wait_for_a_native_teardown_that_crashes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stderr == "fcn-edge: error: interrupted\n"
    assert done.returncode == 130


ENGINES = f"""
import os, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
import fcn_edge.doctor
from fcn_edge.cli import main
from fcn_edge.bundle import read_bundle

kept = []  # engines that live to the end of the process

def examine():
    import numpy as np
    from fcn_edge.backends import load_backend
    bundle = read_bundle({GOLDEN!r})
    for name in ("openvino", "onnxruntime"):
        kept.append(load_backend(name).open(bundle.model, None, {{"cache": "off"}}))
    frame = np.zeros((*bundle.size, 3), np.uint8)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    while True:
        for engine in kept:
            engine.infer(frame)

fcn_edge.doctor.examine = examine
sys.argv = ["fcn-edge", "doctor"]
main()
"""


def test_an_interrupt_amid_inference_ends_with_130_and_one_line() -> None:
    done = subprocess.run([sys.executable, "-c", ENGINES], capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert done.stderr == "fcn-edge: error: interrupted\n"


def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "fcn_edge", "inspect", GOLDEN, "--json"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    os.close(writing)
    assert done.returncode in (1, -signal.SIGPIPE)
    assert done.stderr == ""
