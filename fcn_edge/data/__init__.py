"""Data sets: one adapter a file, one table of them, one function to open any.

>>> from fcn_edge.data import open_dataset
>>> sample = open_dataset("streets:90x120", "train")[0]
>>> sample.frame.shape, sample.mask.shape
((90, 120, 3), (90, 120))
"""

from __future__ import annotations

from collections.abc import Callable

from fcn_edge.data.camvid import open_camvid
from fcn_edge.data.cityscapes import open_cityscapes
from fcn_edge.data.dataset import IGNORE, Classes, ClassFile, Dataset, Sample
from fcn_edge.data.folder import holds_masks, open_folder
from fcn_edge.data.labels import check_labels
from fcn_edge.data.shown_source import shown
from fcn_edge.data.streets import open_streets
from fcn_edge.data.video import open_video
from fcn_edge.data.voc import open_voc
from fcn_edge.ground.errors import MisuseError, unknown_name

__all__ = [
    "ADAPTERS",
    "IGNORE",
    "ClassFile",
    "Classes",
    "Dataset",
    "Sample",
    "check_labels",
    "open_dataset",
    "split_to_calibrate_on",
]

# Each takes (what follows the colon, split, labelled=) and returns a Dataset.
ADAPTERS: dict[str, Callable[..., Dataset]] = {
    "camvid": open_camvid,  # camvid:FOLDER   SPLIT/ and SPLITannot/
    "folder": open_folder,  # folder:FOLDER   images/, masks/, classes.json
    "voc": open_voc,  # voc:FOLDER   JPEGImages/, SegmentationClass/, ImageSets/Segmentation/
    "cityscapes": open_cityscapes,  # cityscapes:FOLDER   leftImg8bit/SPLIT/CITY/, gtFine/SPLIT/CITY/
    "video": open_video,  # video:FILE   frames without labels, evenly spaced
    "streets": open_streets,  # streets or streets:HEIGHTxWIDTH, rendered on the fly
}


def open_dataset(spec: str, split: str, *, labelled: bool = True) -> Dataset:
    """Open the data set that `spec` names, e.g. "camvid:data/camvid", "streets" or "streets:256x512".

    With labelled=False masks are not looked for and every Sample.mask is None. Raises FcnEdgeError for data
    that cannot be used, MisuseError (listing the valid ones) for an adapter or a split that does not exist.
    """
    name, _, where = spec.partition(":")
    if spec and not where and any(mark in spec for mark in "/\\."):
        raise MisuseError(
            f"'{spec}' is a path without a data set's name",
            hint=f"type NAME:{spec}; names: {', '.join(ADAPTERS)}",
        )
    if name not in ADAPTERS:
        raise unknown_name("data set", name, tuple(ADAPTERS))
    if "://" in where:
        raise MisuseError(
            f"--data {name}:{shown(where)} is an address",
            hint="keep frames of it first: fcn-edge calibrate --data camera:ADDRESS --record FOLDER",
        )
    return ADAPTERS[name](where, split, labelled=labelled)


def split_to_calibrate_on(spec: str) -> str:
    """Return `all` for frames without masks, of which none are held out to score on; else `train`."""
    name, _, where = spec.partition(":")
    bare = name == "video" or (name == "folder" and not holds_masks(where))
    return "all" if bare else "train"
