"""Archives that are given where their content is wanted."""

from __future__ import annotations

import zipfile
from pathlib import Path

from fcn_edge.ground.errors import FcnEdgeError

MARK = "manifest.sha256"  # in every bundle, and hardly anywhere else


def refuse_zipped_bundle(path: Path) -> None:
    """Raise FcnEdgeError where `path` is a ZIP archive with a bundle in it; anything else is left alone."""
    try:
        if not path.is_file() or not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            holds_one = any(name.split("/")[-1] == MARK for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return
    if holds_one:
        raise FcnEdgeError(f"{path} is a zipped bundle", hint="unzip it and give the folder NAME.fcne in it")
