"""A box with a read-only file system and no network."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.runtime.conftest import GOLDEN, Run

# In name spaces of its own: the root file system read-only, no network but a loopback that is down.
SEALED = ["unshare", "--map-root-user", "--mount", "--net", "sh", "-c", 'mount -o remount,bind,ro / && exec "$@"', "sh"]  # fmt: skip # noqa: E501


def test_a_cache_that_cannot_be_written_is_a_warning(stream: Run) -> None:
    done = stream(
        "golden", "--source", "test:640x480", "--limit", 5, "--report", "-", "--cache-dir", "/proc/no"
    )
    assert done.returncode == 0, done.stderr
    warnings = {warning["type"]: warning for warning in json.loads(done.stdout)["warnings"]}
    assert "--cache-dir" in warnings["no_engine_cache"]["remedy"]


def test_a_cache_that_can_be_written_is_no_warning(stream: Run) -> None:
    done = stream("golden", "--source", "test:640x480", "--limit", 5, "--report", "-")
    assert "no_engine_cache" not in [warning["type"] for warning in json.loads(done.stdout)["warnings"]]


@pytest.mark.parametrize("words", [["--selftest"], ["--source", "test:640x480", "--limit", "5"]])
def test_it_runs_on_a_read_only_file_system_without_a_network(binary: Path, words: list[str]) -> None:
    probe = subprocess.run([*SEALED, "touch", "/sealed"], capture_output=True, text=True, check=False)
    if "Read-only file system" not in probe.stderr:
        pytest.skip(f"no name spaces to seal a process in here: {probe.stderr.strip()}")
    done = subprocess.run(
        [*SEALED, binary, GOLDEN, *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
