"""The example units: systemd accepts them, and they start the program as it is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.runtime.conftest import GOLDEN, ROOT, Run

UNIT = ROOT / "cpp_runtime" / "service" / "fcn-edge-stream.service"


@pytest.mark.parametrize("drop_in", [None, "jetson.conf"])
def test_systemd_finds_nothing_wrong_with_the_unit(binary: Path, drop_in: str | None, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    text = UNIT.read_text().replace("/usr/local/bin/fcn-edge-stream", str(binary.resolve()))
    (tmp_path / UNIT.name).write_text(text)
    names = [UNIT.name]
    if drop_in is not None:
        folder = tmp_path / f"{UNIT.name}.d"
        folder.mkdir()
        shutil.copy(UNIT.with_name(drop_in), folder)
        names.append(drop_in)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / UNIT.name], capture_output=True, text=True, check=False
    )
    # other lines are about this machine's own units
    complaints = [line for line in done.stderr.splitlines() if any(name in line for name in names)]
    assert complaints == []


def test_the_unit_starts_with_the_self_test_of_its_bundle(stream: Run) -> None:
    line = next(line for line in UNIT.read_text().splitlines() if line.startswith("ExecStartPre="))
    words = line.split()[1:]
    assert words == ["${BUNDLE}", "--selftest"]
    done = stream(*[str(GOLDEN) if word == "${BUNDLE}" else word for word in words])
    assert done.returncode == 0, done.stderr
    assert "self-test" in done.stderr
