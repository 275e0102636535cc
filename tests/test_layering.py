"""Data flows one way through the folders: a module imports what stands to its left, never to its right."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "fcn_edge"

# Left to right, as in docs/architecture.md: a room imports only rooms that stand before it.
ORDER = (
    "ground",
    "runtime",
    "doctor",
    "data",
    "models",
    "train",
    "network",
    "surgery",
    "quantize",
    "backends",
    "bundle",
    "evaluation",
    "compilation",
    "bench",
    "report",
    "demo",
    "cli",
    "__main__",
)
RANK = {name: rank for rank, name in enumerate(ORDER)}

# Packages of the extras, imported only inside the functions that need them.
OPTIONAL = (
    "tensorrt",
    "tensorrt_rtx_bindings",
    "torch_tensorrt",
    "tensorboard",
    "modelopt",
    "nncf",
    "psutil",
)

# Everything that takes noticeable time to import; none of it may load before a command needs it.
HEAVY = ("torch", "cv2", "numpy", "onnx", "onnxruntime", "openvino", "rich.progress")


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("fcn_edge.")}
    return found


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_what_stands_to_its_left(path: Path) -> None:
    part = _part(path)
    assert part in RANK, f"{part} has no place in the pipeline: add it to ORDER and to docs/architecture.md"
    rightward = {name for name in _imports(path) & RANK.keys() if RANK[name] > RANK[part]}
    assert not rightward, f"{path.name} imports {rightward}, which stand to the right of {part}"


def test_no_module_uses_relative_imports_that_would_escape_the_check() -> None:
    for path in MODULES:
        nodes = ast.walk(ast.parse(path.read_text()))
        assert not [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level], path


def _loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_command_line_loads_no_heavy_library() -> None:
    assert not _loaded_after("import fcn_edge.cli") & set(HEAVY)


def test_help_of_every_command_loads_no_heavy_library() -> None:
    from fcn_edge.cli import app

    commands = [command.name for command in app.registered_commands]
    statement = f"""
from fcn_edge.cli import run
import contextlib, io
for name in {commands!r}:
    with contextlib.redirect_stdout(io.StringIO()):
        assert run([name, "--help"]) == 0"""
    assert not _loaded_after(statement) & set(HEAVY)


def test_every_module_imports_with_the_base_dependencies_only() -> None:
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in MODULES]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    code = f"import sys, importlib\nfor b in {OPTIONAL!r}: sys.modules[b] = None\n"
    code += f"for name in {names!r}: importlib.import_module(name)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_root_of_the_package_holds_rooms_and_no_loose_modules() -> None:
    loose = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert loose == {"__init__.py", "__main__.py", "py.typed"}
