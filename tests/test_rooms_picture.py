"""The picture in docs/architecture.md is that of the code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_picture_of_the_rooms_is_drawn_from_todays_imports() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "draw_rooms.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_room_is_described() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rooms = [path.name for path in (ROOT / "fcn_edge").iterdir() if path.is_dir() and path.name[0] != "_"]
    assert [room for room in rooms if f"`{room}`" not in text] == []
