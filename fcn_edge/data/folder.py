"""A user's own data: images/, masks/ and classes.json, paired by stem; splits optional."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from fcn_edge.data.dataset import NO_CLASSES, ClassFile
from fcn_edge.data.listing import folders_of_pictures, list_pictures
from fcn_edge.data.pairs import PairDataset, data_root, pair_by_stem
from fcn_edge.data.splits import find_split, is_usual_split, unknown_split
from fcn_edge.ground.errors import FcnEdgeError

T = TypeVar("T")

FLAT_SPLITS = ("train", "val", "all")
VAL_SHARE = 5  # a flat folder gives its last fifth to val


def open_folder(where: str, split: str, *, labelled: bool = True) -> PairDataset:
    """Open WHERE/images with WHERE/masks.

    Where images/ has only sub-folders, they are the splits (images/train with masks/train). Where it holds
    the images itself, the first four fifths in name order are `train` and the last fifth is `val`: neighbours
    in a video do not fall on both sides of a random split. `all` is everything. Other folders beside the
    images are passed over, split folders (`train`, `val`, ...) beside them are refused. Unlabelled data needs
    neither masks/ nor classes.json, and WHERE may hold the images itself.
    """
    root = data_root("folder", where)
    images = root / "images"
    if not images.is_dir():
        if labelled:
            raise FcnEdgeError(
                f"no folder images/ in {root}", hint="a folder data set is images/, masks/, classes.json"
            )
        images = root
    classes = _classes(root, labelled)
    masks = root / "masks" if labelled else None
    present = _split_folders(images)
    if present:
        folder = find_split(split, present, images)
        pairs = pair_by_stem(images / folder, masks / folder if masks else None)
    else:
        if split not in FLAT_SPLITS:
            raise unknown_split(split, list(FLAT_SPLITS), root)
        pairs = flat_split(pair_by_stem(images, masks), split)
    return PairDataset(classes.name or "folder", split, classes.classes, pairs, classes.void_id)


def holds_masks(where: str) -> bool:
    """Return whether WHERE has masks, or splits: a folder to train and score on, not a heap of frames."""
    root = Path(where).expanduser()
    images = root / "images"
    return (root / "masks").is_dir() or (images.is_dir() and bool(_split_folders(images)))


def flat_split(items: tuple[T, ...], split: str) -> tuple[T, ...]:
    """Return the share of `items` that `split` names; a single item is both train and val."""
    held_out = max(1, len(items) // VAL_SHARE)
    if split == "all" or len(items) == 1:
        return items
    return items[:-held_out] if split == "train" else items[-held_out:]


def _classes(root: Path, labelled: bool) -> ClassFile:
    path = root / "classes.json"
    if path.exists() or labelled:
        return ClassFile.read(path)
    return ClassFile(NO_CLASSES)


def _split_folders(images: Path) -> list[str]:
    """Return the splits that `images` holds as folders; none where it holds the images itself."""
    folders, beside = folders_of_pictures(images), list_pictures(images)
    if not beside:
        return folders
    splits = [name for name in folders if is_usual_split(name)]
    if splits:
        raise FcnEdgeError(
            f"{images} holds both the split {splits[0]}/ and images beside it, the first {beside[0].name}",
            hint="move the images into a split's folder, or the folder away",
        )
    return []
