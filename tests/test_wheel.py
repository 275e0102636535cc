"""A wheel built from the tree and installed elsewhere is whole: it has the zoo and loads it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fcn_edge.ground.artifacts import sha256_file

ROOT = Path(__file__).resolve().parents[1]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def run(*command: object, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=os.environ | environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build in a copy: setuptools leaves a build folder where it works."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    shutil.copytree(ROOT / "fcn_edge", source / "fcn_edge", ignore=shutil.ignore_patterns("__pycache__"))
    run(*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", out, ".", cwd=source)
    return next(out.glob("*.whl"))


def test_the_wheel_has_every_file_of_the_package(wheel):
    with zipfile.ZipFile(wheel) as packed:
        inside = set(packed.namelist())
    listed = subprocess.run(
        ["git", "ls-files", "fcn_edge"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout: the files of the package are not listed anywhere")
    assert sorted(set(listed.stdout.split()) - inside) == []


def test_zoo_road_loads_from_an_installed_wheel(wheel, tmp_path):
    site, out = tmp_path / "site", tmp_path / "run"
    run(*PIP, "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel, cwd=tmp_path)
    found = run(
        sys.executable, "-c", "import fcn_edge; print(fcn_edge.__file__)", cwd=tmp_path, PYTHONPATH=str(site)
    )
    assert Path(found.strip()).is_relative_to(site)
    said = run(
        sys.executable, "-m", "fcn_edge", "load", "zoo:road", "--out", out, "--json", cwd=tmp_path,
        PYTHONPATH=str(site),
    )  # fmt: skip
    assert json.loads(said)["ready"]
    ours = ROOT / "fcn_edge" / "zoo" / "road.safetensors"
    assert sha256_file(site / "fcn_edge" / "zoo" / "road.safetensors") == sha256_file(ours)
    assert (out / "model.safetensors").is_file()
