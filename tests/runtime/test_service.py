"""The example units: systemd accepts them, and they start the program as it is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.runtime.conftest import GOLDEN, ROOT, Run

UNIT = ROOT / "cpp_runtime" / "service" / "fcn-edge-stream.service"


@pytest.mark.parametrize("unit", [UNIT, ROOT / "docs" / "fcn-edge.service"], ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong_with_the_unit(binary: Path, unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    text = unit.read_text()
    for installed in ["/usr/local/bin/fcn-edge-stream", "/opt/fcn-edge/bin/fcn-edge-stream"]:
        text = text.replace(installed, str(binary.resolve()))
    (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / unit.name], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if unit.name in line]  # others are this machine's
    assert complaints == []


def test_the_unit_starts_with_the_self_test_of_its_bundle(stream: Run) -> None:
    line = next(line for line in UNIT.read_text().splitlines() if line.startswith("ExecStartPre="))
    words = line.split()[1:]
    assert words == ["${BUNDLE}", "--selftest"]
    done = stream(*[str(GOLDEN) if word == "${BUNDLE}" else word for word in words])
    assert done.returncode == 0, done.stderr
    assert "self-test" in done.stderr
