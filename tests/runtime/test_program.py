"""Where Python looks for the C++ program."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcn_edge.runtime import program
from tests.runtime.conftest import ROOT


def test_it_is_found_in_the_build_folder_of_this_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(program.ENV, raising=False)
    monkeypatch.chdir(tmp_path)
    wanted = ROOT / "build" / program.BINARY
    monkeypatch.setattr(program, "_runs", lambda path: path == wanted)
    assert program.find_stream() == wanted
