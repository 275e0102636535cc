"""The networks of surgery_table.py: FCN-8s with learned transposed convolutions at x2, x2 and x8."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from common.in_memory import InMemory

from fcn_edge.data import Classes, Sample, open_dataset
from fcn_edge.ground.artifacts import hash_json
from fcn_edge.ground.config import TrainConfig
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.train.checkpoint import Checkpoint, load_checkpoint
from fcn_edge.train.loop import Trainer

# CamVid's eleven classes in four groups, for the second class count.
GROUPS = {
    "ground": ("road", "pavement"),
    "things that stand": ("building", "pole", "sign_symbol", "fence", "tree"),
    "sky": ("sky",),
    "things that move": ("car", "pedestrian", "bicyclist"),
}


@dataclass(frozen=True)
class Net:
    """One row group of the table."""

    key: str  # folder of its files, and what --net takes
    name: str
    model: str
    weights: str | None  # file of pretrained backbone weights
    paper_head: bool  # class scores are fused (narrow deconvolutions) or 96 channels (wide ones)
    grouped: bool = False  # four classes instead of eleven


NETS = (
    Net("resnet18", "resnet18, paper head, 11 classes", "fcn8s-resnet18", None, True),
    Net("resnet18-4", "resnet18, paper head, 4 classes", "fcn8s-resnet18", None, True, grouped=True),
    Net(
        "mobilenet_v2",
        "mobilenet_v2, paper head, 11 classes",
        "fcn8s-mobilenet_v2",
        "mobilenet_v2_in1k",
        True,
    ),
    Net(
        "efficientnet_lite0",
        "efficientnet_lite0, edge head, 11 classes",
        "fcn8s-efficientnet_lite0",
        "efficientnet_lite0_in1k",
        False,
    ),
)


@cache
def rendered(spec: str, split: str, count: int) -> InMemory:
    """Return the first `count` frames of a split, rendered once for all networks."""
    data = open_dataset(spec, split)
    samples = [data[index] for index in range(min(count, len(data)))]
    return InMemory(data.name, split, data.classes, samples, hash_json([data.digest(), len(samples)]))


def load_data(spec: str, split: str, count: int, net: Net) -> InMemory:
    """Return the frames of a split with the classes of `net`."""
    data = rendered(spec, split, count)
    if not net.grouped:
        return data
    table = group_table(data.classes)
    samples = [Sample(s.stem, s.frame, None if s.mask is None else table[s.mask]) for s in data]
    return InMemory(data.name, split, grouped_classes(data.classes), samples, hash_json([data.digest(), "4"]))


def grouped_classes(classes: Classes) -> Classes:
    """Return the four groups, each in the colour of its first member."""
    colors = [classes.palette[classes.names.index(members[0])] for members in GROUPS.values()]
    return Classes(tuple(GROUPS), tuple(colors))


def group_table(classes: Classes) -> np.ndarray:
    """Return uint8 (256,): class id -> group id; void stays."""
    table = np.arange(256, dtype=np.uint8)
    for group, members in enumerate(GROUPS.values()):
        for name in members:
            table[classes.names.index(name)] = group
    return table


def trained(net: Net, data: str, out: Path, epochs: int, frames: int, weights: Path) -> Checkpoint:
    """Return the network, trained unless `out` holds it already. The same steps on every machine."""
    if not (out / "curve.png").is_file():  # the last thing that training writes
        pretrained = weights / f"{net.weights}.safetensors" if net.weights else None
        if pretrained is not None and not pretrained.is_file():
            raise FcnEdgeError(
                f"no backbone weights {pretrained}",
                hint="see docs/models.md, and give their folder with --weights",
            )
        config = TrainConfig(
            data=data,
            out=out,
            model=net.model,
            weights=pretrained,
            paper_head=net.paper_head,
            final="deconv",
            epochs=epochs,
            batch=8,
            lr=4e-3 if net.weights is None else 2e-3,
            ema=0.98,
            val_every=epochs,  # once, at the end
            resume=(out / "state.safetensors").is_file(),
        )
        Trainer(config, load_data(data, "train", frames, net), load_data(data, "val", 16, net)).run()
    return load_checkpoint(out)
