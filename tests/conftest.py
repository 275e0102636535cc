"""Fixtures shared by all tests. Data outside the repository is optional: without it tests skip and say so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("FCN_EDGE_SHARED", Path(__file__).parents[2] / "shared"))


def _folder(path: Path, what: str) -> Path:
    if not path.is_dir():
        pytest.skip(f"{what} is not here ({path}); set FCN_EDGE_SHARED to the folder that has it")
    return path


@pytest.fixture(scope="session")
def camvid_root() -> Path:
    return _folder(SHARED / "data" / "camvid", "CamVid")


@pytest.fixture(scope="session")
def weights_root() -> Path:
    return _folder(SHARED / "weights", "the folder of pretrained weights")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Say how a worker of pytest-xdist died: by which signal (negative), or with which exit code."""
    if error:
        process = getattr(getattr(node.gateway, "_io", None), "popen", None)
        code = process.wait(timeout=10) if process is not None else "unknown"
        print(f"\nworker {node.gateway.id} ended with {code}", flush=True)
