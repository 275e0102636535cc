"""The C++ program as its users meet it: a command line, files, signals and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "tiny.fcne"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def binary() -> Path:
    path = Path(os.environ.get("FCN_EDGE_STREAM", ROOT / "build" / "fcn-edge-stream"))
    if not path.is_file():
        pytest.skip(f"{path} is not built; run make build")
    return path


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {**os.environ, "FCN_EDGE_CACHE": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture
def stream(binary: Path, environment: dict[str, str]) -> Run:
    """Run fcn-edge-stream to its end and return what it said; `golden` stands for the golden bundle."""

    def run(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [str(binary), *(str(GOLDEN) if word == "golden" else str(word) for word in words)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=120, env=environment, check=False, **options
        )

    return run


def pictures(count: int, size: tuple[int, int], seed: int) -> list[np.ndarray]:
    """Return smooth random colour pictures (H, W, 3): shapes rather than noise, so that codecs keep them."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        found.append(cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC))
    return found


def write_clip(path: Path, frames: list[np.ndarray], fps: float = 25.0) -> Path:
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


def read_clip(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    found = []
    while True:
        ok, frame = capture.read()
        if not ok:
            return found
        found.append(frame)


def read_report(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())
