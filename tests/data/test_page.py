"""docs/data.md says what is so: its Python runs, its class file is one, its table lists every adapter."""

from __future__ import annotations

import json
import re
from pathlib import Path

from fcn_edge.data import ADAPTERS, ClassFile

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_the_python_of_the_page_runs_in_order() -> None:
    names: dict[str, object] = {}
    for code in blocks("python"):
        exec(code, names)
    assert getattr(names["frame"], "shape", None) == (288, 384, 3)


def test_the_class_file_of_the_page_can_be_read(tmp_path: Path) -> None:
    (content,) = blocks("json")
    path = tmp_path / "classes.json"
    path.write_text(content)
    assert ClassFile.read(path).to_json() | {"classes": 0} == json.loads(content) | {"classes": 0}


def test_the_table_of_the_page_lists_every_adapter() -> None:
    assert set(re.findall(r"^\| `(\w+)", PAGE, flags=re.MULTILINE)) == set(ADAPTERS)
