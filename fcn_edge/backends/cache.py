"""Where engines compiled on this machine are kept; the C++ runtime uses the same folders."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(engine: str) -> Path | None:
    """Return the folder of one engine's compiled models, created; None when it cannot be written.

    $FCN_EDGE_CACHE, else $XDG_CACHE_HOME/fcn-edge, else ~/.cache/fcn-edge; below it the engine's name.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("FCN_EDGE_CACHE") or home / "fcn-edge") / engine
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None
