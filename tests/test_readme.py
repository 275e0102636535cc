"""The README does what it says: its commands and its Python run as written, its links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_of_a_document_lead_to_files(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
    local = [target for target in targets if "://" not in target]
    missing = [target for target in local if not (document.parent / target).exists()]
    assert not missing


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the shell block of the README from top to bottom in an empty folder."""
    folder = tmp_path_factory.mktemp("tour")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in "\n".join(_blocks("bash")).splitlines():
        done = subprocess.run(
            command, shell=True, cwd=folder, env=os.environ | {"PATH": path},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return folder


def test_commands_of_the_readme_run_as_written(tour: Path) -> None:
    assert (tour / "tour.fcne" / "manifest.json").is_file()
    assert (tour / "overlay.mp4").stat().st_size > 1000
    assert (tour / "latency.json").is_file()
    assert (tour / "bench" / "report.html").is_file()


def test_python_of_the_readme_runs_as_written(tour: Path) -> None:
    code = "\n".join(_blocks("python")) + "\nassert mask.shape == (192, 256), mask.shape"
    done = subprocess.run([sys.executable, "-c", code], cwd=tour, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_cpp_of_the_readme_is_in_the_example_that_is_compiled() -> None:
    example = " ".join((ROOT / "cpp_runtime/examples/minimal.cpp").read_text().split())
    for line in "\n".join(_blocks("cpp")).splitlines():
        call = line.split("=", 1)[1].split("(")[0].strip()
        assert call in example, f"{call} is not in minimal.cpp"
