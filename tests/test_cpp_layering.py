"""A frame goes one way through the folders of fcn-edge-stream: a file includes what stands to its left."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

RUNTIME = Path(__file__).parents[1] / "cpp_runtime"
APP = RUNTIME / "apps" / "fcn-edge-stream"
LIBRARY = RUNTIME / "src"
PUBLIC = RUNTIME / "include"

# Left to right, as in docs/architecture.md; sinks and the live page stand beside each other.
ALLOWED = {
    "ground": set(),
    "options": {"ground"},
    "sources": {"ground"},
    "stream": {"ground", "sources"},
    "sinks": {"ground", "options", "sources", "stream"},
    "live": {"ground", "options", "sources", "stream"},
    "report": {"ground", "options", "sources", "stream", "sinks", "live"},
    "main": {"ground", "options", "sources", "stream", "sinks", "live", "report"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if re.search(r"\.[ch]pp(\.in)?$", path.name))


def _includes(path: Path) -> list[str]:
    return INCLUDE.findall(path.read_text())


def _room(place: str) -> str:
    """Return the folder of a path below the program's, or the name of a file that lies in none."""
    return Path(place).parts[0].split(".")[0]


def _name(path: Path) -> str:
    return str(path.relative_to(RUNTIME))


@pytest.mark.parametrize("path", _files(APP), ids=_name)
def test_file_of_the_program_includes_only_what_stands_to_its_left(path: Path) -> None:
    room = _room(str(path.relative_to(APP)))
    assert room in ALLOWED, f"{room} has no place here: add it to ALLOWED and docs/architecture.md"
    rooms = {_room(name) for name in _includes(path) if (APP / name).exists()}
    rightward = rooms - ALLOWED[room] - {room}
    assert not rightward, f"{_name(path)} includes {rightward}, which {room} may not know"


@pytest.mark.parametrize("path", _files(APP), ids=_name)
def test_file_of_the_program_names_its_includes_from_the_programs_folder(path: Path) -> None:
    quoted = re.findall(r'^\s*#\s*include\s*"([^"]+)"', path.read_text(), re.MULTILINE)
    ours = [name for name in quoted if not name.startswith("fcn_edge/")]
    lost = [name for name in ours if ".." in name or not (APP / name).is_file()]
    assert not lost, f"{_name(path)} includes {lost}, which would escape the check"


@pytest.mark.parametrize("path", [*_files(LIBRARY), *_files(PUBLIC)], ids=_name)
def test_file_of_the_library_includes_nothing_of_the_program(path: Path) -> None:
    program = [name for name in _includes(path) if ".." in name or "apps/" in name or (APP / name).exists()]
    assert not program, f"{_name(path)} includes {program}, which are the program's"
