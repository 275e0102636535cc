"""Which files of a folder are pictures, in which order: one rule, for data sets and the stream program.

docs/data.md states it under "What counts as a picture"; `is_image_name` of the stream program follows it.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from fcn_edge.ground.errors import FcnEdgeError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".pgm")  # lossless only: JPEG would invent class ids


def list_pictures(folder: Path, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> list[Path]:
    """Return the files directly in `folder` that end in one of `suffixes`, in order of their names' bytes.

    Upper and lower case of the suffix are alike. Hidden files (`.x.png`, macOS's `._x.png`) are left out.
    """
    named = (path for path in visible(folder) if path.suffix.lower() in suffixes)
    return [path for path in named if path.is_file()]


def visible(folder: Path) -> list[Path]:
    """Return what stands in `folder`, without hidden names, in the order of the names' bytes."""
    found = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(found, key=lambda path: os.fsencode(path.name))


def folders_of_pictures(folder: Path) -> list[str]:
    """Return the names of the visible folders in `folder` that hold a picture."""
    return [path.name for path in visible(folder) if path.is_dir() and list_pictures(path)]


def stem_of(path: Path) -> str:
    """Return the name without suffix, accents composed (NFC): macOS writes the same name in parts (NFD)."""
    return unicodedata.normalize("NFC", path.stem)


def as_written(path: Path) -> Path:
    """Return `path` as the disk has it, where accents are in parts there (NFD) or composed (NFC)."""
    forms = (unicodedata.normalize(form, path.name) for form in ("NFC", "NFD"))
    written = (path.with_name(name) for name in forms)
    return path if path.exists() else next((other for other in written if other.exists()), path)


def files_by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Return the pictures of `folder` by stem, in name order.

    Two files of one stem are refused: which of them a mask belongs to cannot be known.
    """
    found: dict[str, Path] = {}
    for path in list_pictures(folder, suffixes):
        stem = stem_of(path)
        if stem in found:
            raise FcnEdgeError(
                f"{folder} has both {found[stem].name} and {path.name}", hint="keep one of them"
            )
        found[stem] = path
    return found
