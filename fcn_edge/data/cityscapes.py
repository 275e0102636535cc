"""Cityscapes: gtFine label ids turned into the 19 classes that are trained and scored.

Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016. Ids, train ids and
colours are those of cityscapesScripts, labels.py.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from fcn_edge.data.dataset import IGNORE, Classes
from fcn_edge.data.images import read_index_mask
from fcn_edge.data.listing import list_pictures, visible
from fcn_edge.data.pairs import Pair, PairDataset, data_root, require_folder, require_masks
from fcn_edge.data.splits import find_split
from fcn_edge.ground.errors import FcnEdgeError

_LABELS = (  # id on disk, name, RGB; in the order of the train ids
    (7, "road", (128, 64, 128)), (8, "sidewalk", (244, 35, 232)), (11, "building", (70, 70, 70)),
    (12, "wall", (102, 102, 156)), (13, "fence", (190, 153, 153)), (17, "pole", (153, 153, 153)),
    (19, "traffic light", (250, 170, 30)), (20, "traffic sign", (220, 220, 0)),
    (21, "vegetation", (107, 142, 35)), (22, "terrain", (152, 251, 152)), (23, "sky", (70, 130, 180)),
    (24, "person", (220, 20, 60)), (25, "rider", (255, 0, 0)), (26, "car", (0, 0, 142)),
    (27, "truck", (0, 0, 70)), (28, "bus", (0, 60, 100)), (31, "train", (0, 80, 100)),
    (32, "motorcycle", (0, 0, 230)), (33, "bicycle", (119, 11, 32)),
)  # fmt: skip
CITYSCAPES_19 = Classes(tuple(name for _, name, _ in _LABELS), tuple(color for _, _, color in _LABELS))
LAST_ID = 33  # ids 0..33 are defined; the licence plate's -1 is written as 255

_FRAME, _MASK = "_leftImg8bit.png", "_gtFine_labelIds.png"


def open_cityscapes(where: str, split: str, *, labelled: bool = True) -> PairDataset:
    """Open the frames of WHERE/leftImg8bit/SPLIT with the masks of WHERE/gtFine/SPLIT, city by city."""
    root = data_root("cityscapes", where)
    images = require_folder(root / "leftImg8bit", "the frames of Cityscapes")
    folder = find_split(split, [path.name for path in visible(images) if path.is_dir()], root)
    cities = [path for path in visible(images / folder) if path.is_dir()]
    frames = [path for city in cities for path in list_pictures(city) if path.name.endswith(_FRAME)]
    if not frames:
        raise FcnEdgeError(
            f"no images in {images / folder}", hint=f"it should hold one folder a city with files *{_FRAME}"
        )
    pairs = require_masks(tuple(_pair(root, folder, frame, labelled) for frame in frames))
    return PairDataset("cityscapes", split, CITYSCAPES_19, pairs, decode=read_train_ids)


def _pair(root: Path, split: str, frame: Path, labelled: bool) -> Pair:
    stem = frame.name.removesuffix(_FRAME)
    mask = root / "gtFine" / split / frame.parent.name / f"{stem}{_MASK}"
    return Pair(stem, frame, mask if labelled else None)


def read_train_ids(path: Path) -> np.ndarray:
    """Return a labelIds mask as train ids uint8 (H, W): 0..18, and 255 for all that is not trained."""
    label_ids = read_index_mask(path)
    undefined = (label_ids > LAST_ID) & (label_ids != IGNORE)
    if undefined.any():
        raise FcnEdgeError(
            f"{path} has the id {label_ids[undefined][0]}, but Cityscapes' ids are 0..{LAST_ID}",
            hint="give the gtFine masks whose names end in labelIds.png",
        )
    table = np.full(256, IGNORE, np.uint8)
    for train_id, (label_id, _, _) in enumerate(_LABELS):
        table[label_id] = train_id
    return np.asarray(cv2.LUT(label_ids, table))
