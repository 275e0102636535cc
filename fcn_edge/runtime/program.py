"""The C++ binary fcn-edge-stream: where it is, and what it says when it is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcn_edge.ground.artifacts import read_json
from fcn_edge.ground.errors import FcnEdgeError

BINARY = "fcn-edge-stream"
ENV = "FCN_EDGE_STREAM"
BUILD_COMMAND = "make build"


def find_stream() -> Path:
    """Return the binary: $FCN_EDGE_STREAM, else build/ of this checkout or of the cwd, else PATH."""
    named = os.environ.get(ENV)
    if named:
        if _runs(Path(named)):
            return Path(named)
        raise FcnEdgeError(
            f"{ENV}={named} is not a program that can be run", hint=f"point it at {BINARY}, or unset it"
        )
    checkout = Path(__file__).resolve().parents[2]
    for folder in (checkout / "build", Path.cwd() / "build"):
        if _runs(folder / BINARY):
            return folder / BINARY
    on_path = shutil.which(BINARY)
    if on_path:
        return Path(on_path)
    raise FcnEdgeError(
        f"{BINARY} is not built (looked in {checkout / 'build'}, ./build and PATH)",
        hint=f"build it with `{BUILD_COMMAND}`, or set {ENV} to where it is",
    )


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


@dataclass(frozen=True)
class StreamRun:
    """One finished run of the binary."""

    report: dict[str, Any]  # its --report, see docs/latency.md
    wall_s: float


def run_stream(bundle: Path, source: Path | str, *arguments: str) -> StreamRun:
    """Run the binary to its end and return its report; its own one-line error becomes an FcnEdgeError.

    A `--report FILE` among the arguments is kept; without one the report goes to a temporary file.
    """
    with tempfile.TemporaryDirectory(prefix="fcn-edge-") as work:
        report = _named_report(arguments) or Path(work) / "report.json"
        command = [str(find_stream()), str(bundle), "--source", str(source), *arguments]
        if _named_report(arguments) is None:
            command += ["--report", str(report)]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        wall = time.perf_counter() - start
        if done.returncode != 0:
            exit_code = 2 if done.returncode == 2 else 1
            raise FcnEdgeError(last_words(done.stderr, done.returncode), exit_code=exit_code)
        return StreamRun(report=read_json(report), wall_s=wall)


def _named_report(arguments: Sequence[str]) -> Path | None:
    for option, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if option == "--report":
            return Path(value)
        if option.startswith("--report="):
            return Path(option.removeprefix("--report="))
    return None


def last_words(complaint: str, returncode: int) -> str:
    """Return the sentence with which the binary failed, from all it said on stderr."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if "error" in line.lower()), lines[-1] if lines else "")
    said = said.removeprefix(f"{BINARY}: ").removeprefix("error: ").removeprefix("Error: ")
    return f"{BINARY}: {said}" if said else f"{BINARY} ended with code {returncode} and said nothing"
