"""Which folders may be replaced: empty ones, and those that hold our own work of the same kind alone."""

from __future__ import annotations

import ctypes
import errno
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from fcn_edge.ground.errors import MisuseError

MARKER = ".fcn-edge.json"  # in folders that have no record of their own: the kind, and every file in it
LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})  # left by file managers, no loss
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h
_CANNOT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)  # old kernels, some file systems


@dataclass(frozen=True)
class Kind:
    """A kind of folder that we write: its name ("bundle"), and how to read what such a folder says it holds.

    listed: folder -> relative paths of the files that belong to it, or None where it is not of this kind.
    Without it the folder gets a marker, `.fcn-edge.json`, that lists them.
    """

    name: str
    listed: Callable[[Path], set[str] | None] | None = None

    def own_files(self, folder: Path) -> set[str] | None:
        """Return the files that belong to a folder of this kind; None where it is not one."""
        return self.listed(folder) if self.listed else self._marked(folder)

    def mark(self, folder: Path) -> None:
        """Write the marker, unless the kind has a record of its own."""
        if self.listed is None:
            about = {"magic": "fcn-edge-folder", "kind": self.name, "files": sorted(files_in(folder))}
            (folder / MARKER).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")

    def _marked(self, folder: Path) -> set[str] | None:
        about = read_record(folder / MARKER)
        if about.get("magic") != "fcn-edge-folder" or about.get("kind") != self.name:
            return None
        files = about.get("files")
        return {*map(str, files), MARKER} if isinstance(files, list) else None


def read_record(path: Path) -> dict[str, object]:
    """Return the JSON object of a file; an empty one where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def files_in(folder: Path) -> set[str]:
    """Return the relative paths of everything under `folder` that is not a folder, with forward slashes."""
    found = set()
    for root, folders, files in os.walk(folder, onerror=_raise):
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        found |= {(Path(root) / name).relative_to(folder).as_posix() for name in (*files, *links)}
    return found


def _raise(error: OSError) -> None:
    raise error


def check_replaceable(path: Path, kind: Kind | None, flag: str = "--out") -> None:
    """Raise MisuseError unless a folder of `kind` may be put at `path`: asked before long work.

    It may where nothing stands, in place of an empty folder, and of one of the same kind that holds only the
    files it lists. kind None: only where nothing or an empty folder stands. A link means what it points to.
    """
    place = Path(os.path.realpath(path))
    if _stands_in(place):
        raise MisuseError(f"{flag} {path} is the folder that this runs in", hint="name a new folder in it")
    if not place.exists():
        return
    if not place.is_dir():
        raise MisuseError(f"{flag} {path} is a file", hint="name a folder, there or to be made")
    if place.is_mount():
        raise MisuseError(f"{flag} {path} is a mount point and stays", hint="name a new folder in it")
    present = {name for name in files_in(place) if Path(name).name not in LITTER}
    own = kind.own_files(place) if kind is not None else None
    foreign = sorted(present - (own or set()))
    if not foreign:
        return
    holds = foreign[0] if len(foreign) == 1 else f"{foreign[0]} and {len(foreign) - 1} more"
    if kind is None:
        what = f"{flag} {path} is not empty: it holds {holds}"
    elif own is None:
        what = f"{flag} {path} is not an earlier {kind.name}: it holds {holds}"
    else:
        what = f"{flag} {path} holds {holds}, which fcn-edge did not write"
    raise MisuseError(what, hint="name a new folder, or move what stands there")


def check_names(folder: Path, names: Iterable[str], kind: str, own: bool, flag: str = "--out") -> None:
    """Raise MisuseError where one of the files `names` stands in `folder` and no earlier `kind` wrote it.

    For commands that add files of fixed names to a folder, which may hold anything else. own: an earlier one
    did write there.
    """
    taken = [name for name in names if not own and (folder / name).exists()]
    if taken:
        raise MisuseError(
            f"{flag} {folder} holds {taken[0]}, which is not of an earlier {kind}", hint="name another folder"
        )


def _stands_in(place: Path) -> bool:
    try:
        here = Path.cwd()
    except OSError:  # it was removed
        return False
    return place == here or place in here.parents


def put_in_place(work: Path, path: Path) -> None:
    """Put the finished folder `work` at `path`, on the same file system; an older folder there is exchanged.

    Everything is on the disk before the exchange. Afterwards `work` is the older folder, if there was one. A
    failure leaves the older folder at `path`.
    """
    _sync_tree(work)
    if not path.exists() or not any(path.iterdir()):
        work.rename(path)  # also in place of an empty folder
    elif not _exchange(work, path):
        _swap(work, path)
    _sync(path.parent)


def _exchange(a: Path, b: Path) -> bool:
    """Exchange two folders in one step; False where the system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    names = os.fsencode(a), os.fsencode(b)
    if rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(_RENAME_EXCHANGE)) == 0:
        return True
    code = ctypes.get_errno()
    if code in _CANNOT_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(b))


def _swap(work: Path, path: Path) -> None:
    """Exchange two folders in three renames; the older one comes back when one fails."""
    old = work.with_name(f"{work.name}.old")
    try:
        path.rename(old)
        work.rename(path)
    except BaseException:
        if old.exists() and not path.exists():
            old.rename(path)
        raise
    old.rename(work)


def _sync_tree(folder: Path) -> None:
    for root, _, files in os.walk(folder):
        for name in files:
            _sync(Path(root) / name)
        _sync(Path(root))


def _sync(path: Path) -> None:
    if path.is_symlink():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # what file systems say that cannot sync a folder
            raise
    finally:
        os.close(handle)
