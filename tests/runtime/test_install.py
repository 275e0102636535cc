"""Another CMake project builds against the installed package and gets the same mask, in C++ and in C."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.runtime.conftest import GOLDEN, ROOT


def run(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", binary.parent, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="module")
def consumer(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("consumer")
    source = ROOT / "cpp_runtime" / "examples" / "consumer"
    run("cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build)
    return build


@pytest.mark.parametrize("program", ["consumer", "consumer_c"])
def test_a_project_outside_gets_the_golden_mask(
    consumer: Path, environment: dict[str, str], tmp_path: Path, program: str
) -> None:
    frame = cv2.imread(str(GOLDEN / "golden" / "000.png"))
    expected = cv2.imread(str(GOLDEN / "golden" / "000.mask.png"), cv2.IMREAD_UNCHANGED)
    (tmp_path / "frame.bgr").write_bytes(frame.tobytes())
    run(
        consumer / program,
        GOLDEN,
        tmp_path / "frame.bgr",
        frame.shape[1],
        frame.shape[0],
        tmp_path / "mask.bin",
    )
    mask = np.frombuffer((tmp_path / "mask.bin").read_bytes(), np.uint8).reshape(expected.shape)
    np.testing.assert_array_equal(mask, expected)


def test_the_installed_program_runs_from_its_new_place(prefix: Path) -> None:
    run(prefix / "bin" / "fcn-edge-stream", GOLDEN, "--selftest")


def test_pkg_config_gives_the_flags(prefix: Path) -> None:
    file = next(prefix.rglob("fcn_edge.pc"))
    assert "-lfcn_edge" in file.read_text()
