"""No output may be an input: asked before the work starts, since afterwards the input is gone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from fcn_edge.ground.errors import MisuseError

PathLike = str | os.PathLike[str]


def data_place(spec: str | None) -> Path | None:
    """Return the path in NAME:PATH; None where there is none ("streets")."""
    where = (spec or "").partition(":")[2]
    return Path(where).expanduser() if where else None


def check_apart(
    flag: str,
    out: PathLike | None,
    inputs: Iterable[PathLike | None],
    *,
    data: Iterable[str | None] = (),
    names: Iterable[str] | None = None,
) -> None:
    """Raise MisuseError where writing `out`, which `flag` named, would overwrite something that is read.

    inputs: files and folders that are read; zoo:NAME is none. data: data sets, as NAME:PATH. names: the files
    that are written into the folder `out`; None: `out` itself is replaced, with all that is in it. Links and
    other names of the same file are seen through.
    """
    if out is None:
        return
    place = Path(out)
    read = [(str(one), Path(one)) for one in inputs if one is not None and not str(one).startswith("zoo:")]
    read += [(str(spec), where) for spec in data if (where := data_place(spec)) is not None]
    written = [place] if names is None else [place, *(place / name for name in names)]
    for shown, path in read:
        inside = names is None and _real(place) in _real(path).parents
        if inside or any(_same(one, path) for one in written):
            raise MisuseError(
                f"{flag} {out} would overwrite {shown}, which is read", hint="name another place to write to"
            )


def _same(a: Path, b: Path) -> bool:
    if _real(a) == _real(b):
        return True
    try:
        return a.samefile(b)
    except OSError:  # one is not there yet
        return False


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
