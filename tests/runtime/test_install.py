"""Programs outside the tree build against the installed package and get the same mask: C++, C, Python."""

from __future__ import annotations

import shlex
import subprocess
import sys
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


def expect_golden_mask(tmp_path: Path, *program: object) -> None:
    """Let a program turn a raw frame into a raw mask, and compare that with the bundle's golden mask."""
    frame = cv2.imread(str(GOLDEN / "golden" / "000.png"))
    expected = cv2.imread(str(GOLDEN / "golden" / "000.mask.png"), cv2.IMREAD_UNCHANGED)
    (tmp_path / "frame.bgr").write_bytes(frame.tobytes())
    height, width = frame.shape[:2]
    run(*program, GOLDEN, tmp_path / "frame.bgr", width, height, tmp_path / "mask.bin")
    mask = np.frombuffer((tmp_path / "mask.bin").read_bytes(), np.uint8).reshape(expected.shape)
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("program", ["consumer", "consumer_c"])
def test_a_project_outside_gets_the_golden_mask(consumer: Path, tmp_path: Path, program: str) -> None:
    expect_golden_mask(tmp_path, consumer / program)


def test_a_compiler_with_pkg_config_builds_a_program_with_the_golden_mask(
    prefix: Path, tmp_path: Path
) -> None:
    folder = next(prefix.rglob("fcn_edge.pc")).parent
    flags = run("env", f"PKG_CONFIG_PATH={folder}", "pkg-config", "--cflags", "--libs", "fcn_edge")
    source = ROOT / "cpp_runtime" / "examples" / "consumer" / "consumer.c"
    rpath = f"-Wl,-rpath,{folder.parent}"
    run("cc", source, "-o", tmp_path / "program", *shlex.split(flags), rpath)
    expect_golden_mask(tmp_path, tmp_path / "program")


def test_python_gets_the_golden_mask_over_the_c_interface(prefix: Path, tmp_path: Path) -> None:
    library = next(prefix.rglob("libfcn_edge.so"))
    program = ROOT / "cpp_runtime" / "examples" / "consumer" / "consumer.py"
    expect_golden_mask(tmp_path, sys.executable, program, library)


def test_the_installed_program_runs_from_its_new_place(prefix: Path) -> None:
    run(prefix / "bin" / "fcn-edge-stream", GOLDEN, "--selftest")


def test_the_version_names_every_engine_installed(prefix: Path) -> None:
    lines = run(prefix / "bin" / "fcn-edge-stream", "--version").splitlines()
    assert lines[0].startswith("fcn-edge-stream ")
    assert [line.split()[0] for line in lines[1:3]] == ["OpenCV", "OpenVINO"]


def test_only_what_reads_or_writes_pictures_loads_the_image_libraries(prefix: Path) -> None:
    program = prefix / "bin" / "fcn-edge-stream"
    needed = run("ldd", program)
    assert "libopencv_core" in needed
    for name in ["imgcodecs", "videoio", "highgui"]:
        assert f"libopencv_{name}" not in needed
