"""Two lists of class names, and how they differ."""

from __future__ import annotations

from collections.abc import Sequence


def difference(first: str, ours: Sequence[str], second: str, theirs: Sequence[str]) -> str:
    """Return how the classes of `first` differ from those of `second`, in one clause.

    Numbers of classes are named where they differ; else the first class id with two names.
    """
    if len(ours) != len(theirs):
        return f"{first} has {len(ours)} classes, {second} has {len(theirs)}"
    pairs = enumerate(zip(ours, theirs, strict=True))
    index = next((index for index, (one, other) in pairs if one != other), None)
    if index is None:
        return f"{first} and {second} have the same classes"
    order = ", the same names in another order" if sorted(ours) == sorted(theirs) else ""
    return f"class {index} is '{ours[index]}' in {first} and '{theirs[index]}' in {second}{order}"
