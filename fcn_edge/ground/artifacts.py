"""Files that are either whole or absent, their hashes, and where they came from."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.ground.folders import Kind, check_replaceable, put_in_place

PathLike = str | os.PathLike[str]


def sha256_bytes(data: bytes) -> str:
    """Return the hex SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: PathLike) -> str:
    """Return the hex SHA-256 of a file, read in 1 MiB blocks."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def hash_json(value: Any) -> str:
    """Return the hex SHA-256 of a JSON value in canonical form (sorted keys, no spaces)."""
    return sha256_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def read_json(path: PathLike, hint: str = "") -> Any:
    """Return the JSON value of a file; a missing or broken file is one sentence that names it, and `hint`."""
    path = Path(path)
    try:
        return json.loads(path.read_bytes())  # finds out UTF-8, UTF-16 or UTF-32, byte-order mark and all
    except FileNotFoundError as error:
        raise FcnEdgeError(f"no such file: {path}", hint=hint) from error
    except OSError as error:
        raise FcnEdgeError(f"{path} cannot be read: {error.strerror}", hint=hint) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise FcnEdgeError(f"{path} is not valid JSON ({error})", hint=hint) from error


def atomic_write_bytes(path: PathLike, data: bytes) -> Path:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part.

    The bytes go to a temporary file in the same folder, are flushed to disk, and the file is renamed. A link
    is followed. What is no regular file (a device, a named pipe, /dev/fd/N) is written through and stays.
    """
    path = Path(path)
    with _writing(path):
        if not _write_through(path, data):
            _replace_file(Path(os.path.realpath(path)), data)
    return path


def _replace_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_through(path: Path, data: bytes) -> bool:
    """Write into what stands at `path` where it must not be replaced; False where it may be."""
    number = _descriptor(path)
    if number is None:
        if not path.exists() or path.is_file() or path.is_dir():
            return False
        handle = os.open(path, os.O_WRONLY | os.O_NOCTTY)
    else:
        if number == 1 and sys.stdout is not None:
            sys.stdout.flush()  # what was printed before comes first
        handle = os.dup(number)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return True


def _descriptor(path: Path) -> int | None:
    """Return N where `path` is our own open file N: /dev/fd/N, /proc/self/fd/N, /dev/stdout."""
    for _ in range(40):  # as many links as Linux follows
        if path.name.isdecimal() and os.path.realpath(path.parent) in (f"/proc/{os.getpid()}/fd", "/dev/fd"):
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


def atomic_write_text(path: PathLike, text: str) -> Path:
    """Write UTF-8 text atomically (see atomic_write_bytes)."""
    return atomic_write_bytes(path, text.encode("utf-8"))


def atomic_write_json(path: PathLike, value: Any) -> Path:
    """Write a JSON value atomically, indented, with a final newline; NaN and infinity are refused."""
    return atomic_write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def check_folder(path: PathLike, flag: str = "--out") -> None:
    """Raise MisuseError where no folder can be at `path`, which `flag` named: asked before long work."""
    for place in (Path(path), *Path(path).parents):
        if place.is_dir():
            return
        if place.exists():
            raise MisuseError(f"{flag} {path}: {place} is a file", hint="name a folder, there or to be made")


def check_file(path: PathLike, flag: str = "--out") -> None:
    """Raise MisuseError where no file can be written at `path`, which `flag` named."""
    if Path(path).is_dir():
        raise MisuseError(f"{flag} {path} is a folder", hint="name a file in it")
    check_folder(Path(path).parent, flag)


@contextmanager
def atomic_directory(path: PathLike, kind: Kind | None = None) -> Iterator[Path]:
    """Yield an empty folder beside `path` that becomes `path` on success and vanishes on failure.

    A folder at `path` is exchanged in one step, at the end: a killed run leaves the old one in place. That is
    done to an empty folder, or to one of the same `kind` that holds nothing else (check_replaceable), and to
    no other. A link is followed.
    """
    path = Path(path)
    with _writing(path):
        check_folder(path)
        check_replaceable(path, kind)
        place = Path(os.path.realpath(path))
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name[:40]}.", suffix=".tmp"))
        try:
            work.chmod(0o777 & ~_umask())
            yield work
            if kind is not None:
                kind.mark(work)
            check_replaceable(path, kind)  # again: the work may have taken hours
            put_in_place(work, place)
        finally:
            shutil.rmtree(work, ignore_errors=True)  # what failed, or the older folder


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        target = error.filename or path
        raise FcnEdgeError(f"cannot write {path}: {error.strerror or error} ({target})") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def provenance(command: str | None = None) -> dict[str, Any]:
    """Return how an artefact came to be: command line, versions, git commit, platform, time (UTC)."""
    return {
        "command": command if command is not None else " ".join(["fcn-edge", *sys.argv[1:]]),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "git": _git_commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: found for name in _RECORDED if (found := _version(name))},
    }


_RECORDED = (
    "fcn-edge",
    "torch",
    "onnx",
    "onnxsim",
    "onnxruntime",
    "openvino",
    "opencv-python-headless",
    "numpy",
)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    here = Path(__file__).resolve().parent
    try:
        done = subprocess.run(
            ["git", "-C", str(here), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
