"""Which part of a data set a split's name means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fcn_edge.ground.errors import FcnEdgeError, MisuseError

OTHER_NAMES = {"train": ("training",), "val": ("valid", "validation"), "test": ("testing",)}


def find_split(split: str, present: Sequence[str], root: Path | str) -> str:
    """Return the one of `present` that `split` means: itself, or another usual name (`valid` for `val`).

    Raises MisuseError listing `present` where there is none, FcnEdgeError where two could be meant.
    """
    if split in present:
        return split
    found = [name for name in OTHER_NAMES.get(split, ()) if name in present]
    if len(found) > 1:
        raise FcnEdgeError(
            f"{root} has both {found[0]} and {found[1]}, and either may be '{split}'",
            hint=f"name one of them {split}",
        )
    if not found:
        raise unknown_split(split, present, root)
    return found[0]


def is_usual_split(name: str) -> bool:
    """Return whether `name` is one that data sets use for a split."""
    return any(name == usual or name in others for usual, others in OTHER_NAMES.items())


def unknown_split(split: str, present: Sequence[str], root: Path | str) -> MisuseError:
    """Return the error for a split that `root` does not hold, listing those it does."""
    names = ", ".join(present) if present else "none"
    return MisuseError(f"no split '{split}' in {root}", hint=f"splits present: {names}")
