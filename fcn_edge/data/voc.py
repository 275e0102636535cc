"""PASCAL VOC segmentation: lists of names, JPEG frames, palette masks with 255 as void.

Everingham et al., "The PASCAL Visual Object Classes Challenge", IJCV 88(2), 2010. The folder to name is the
one that holds JPEGImages, e.g. VOCdevkit/VOC2012.
"""

from __future__ import annotations

from pathlib import Path

from fcn_edge.data.dataset import Classes, voc_color
from fcn_edge.data.listing import as_written, visible
from fcn_edge.data.pairs import Pair, PairDataset, data_root, require_folder, require_masks
from fcn_edge.data.splits import find_split
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.ground.text import read_text

_NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip
_UNPACK = "unpack the VOC archive again"
VOC_21 = Classes(_NAMES, tuple(voc_color(i) for i in range(len(_NAMES))))


def open_voc(where: str, split: str, *, labelled: bool = True) -> PairDataset:
    """Open the frames that WHERE/ImageSets/Segmentation/SPLIT.txt names, with masks of SegmentationClass/."""
    root = data_root("voc", where)
    lists = require_folder(root / "ImageSets" / "Segmentation", "the lists of a VOC data set")
    present = [path.stem for path in visible(lists) if path.suffix == ".txt"]
    names = lists / f"{find_split(split, present, root)}.txt"
    pairs = tuple(_pair(root, stem, labelled) for stem in read_text(names).split())
    if not pairs:
        raise FcnEdgeError(f"{names} names no frame", hint=_UNPACK)
    absent = [pair.frame for pair in pairs if not pair.frame.is_file()]
    if absent:
        raise FcnEdgeError(f"{names} names {absent[0]}, which is not there", hint=_UNPACK)
    return PairDataset("voc", split, VOC_21, require_masks(pairs))


def _pair(root: Path, stem: str, labelled: bool) -> Pair:
    mask = as_written(root / "SegmentationClass" / f"{stem}.png")
    return Pair(stem, as_written(root / "JPEGImages" / f"{stem}.jpg"), mask if labelled else None)
