"""CamVid and every data set laid out as it is: SPLIT/ holds the frames, SPLITannot/ the masks.

Brostow, Fauqueur, Cipolla, "Semantic Object Classes in Video", Pattern Recognition Letters 30(2), 2009; the
11-class 480x360 form with its split is that of SegNet (Badrinarayanan, Kendall, Cipolla, PAMI 2017).
"""

from __future__ import annotations

from pathlib import Path

from fcn_edge.data.dataset import Classes, ClassFile
from fcn_edge.data.listing import folders_of_pictures
from fcn_edge.data.pairs import PairDataset, data_root, pair_by_stem
from fcn_edge.data.splits import find_split

CAMVID_11 = Classes(
    names=(
        "sky", "building", "pole", "road", "pavement", "tree",
        "sign_symbol", "fence", "car", "pedestrian", "bicyclist",
    ),
    palette=(
        (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (0, 0, 192), (128, 128, 0),
        (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
    ),
)  # fmt: skip
CAMVID_VOID = 11  # void id in SegNet's masks

_ANNOT = "annot"


def open_camvid(where: str, split: str, *, labelled: bool = True) -> PairDataset:
    """Open WHERE/SPLIT with WHERE/SPLITannot.

    The classes are those of WHERE/classes.json, else CamVid's eleven.
    """
    root = data_root("camvid", where)
    class_file = root / "classes.json"
    classes = ClassFile.read(class_file) if class_file.exists() else ClassFile(CAMVID_11, CAMVID_VOID)
    folder = split if split and (root / split).is_dir() else find_split(split, splits_of(root), root)
    pairs = pair_by_stem(root / folder, root / f"{folder}{_ANNOT}" if labelled else None)
    return PairDataset(classes.name or "camvid", split, classes.classes, pairs, classes.void_id)


def splits_of(root: Path) -> list[str]:
    """Return the names of the folders of `root` that hold images and are not masks."""
    return [name for name in folders_of_pictures(root) if not name.endswith(_ANNOT)]
