"""The networks of surgery_table.py: FCN-8s with learned transposed convolutions at x2, x2 and x8."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fcn_edge.artifacts import hash_json
from fcn_edge.config import TrainConfig
from fcn_edge.data import Classes, Dataset, Sample, open_dataset
from fcn_edge.train.checkpoint import Checkpoint, load_checkpoint
from fcn_edge.train.loop import Trainer

# CamVid's eleven classes in four groups, for the second class count.
GROUPS = {
    "ground": ("road", "pavement"),
    "things that stand": ("building", "pole", "sign", "fence", "tree"),
    "sky": ("sky",),
    "things that move": ("car", "pedestrian", "bicyclist"),
}


@dataclass(frozen=True)
class Net:
    """One row group of the table."""

    name: str
    model: str
    weights: str | None  # file of pretrained backbone weights
    paper_head: bool  # class scores are fused (narrow deconvolutions) or 96 channels (wide ones)
    grouped: bool = False  # four classes instead of eleven


NETS = (
    Net("resnet18, paper head, 11 classes", "fcn8s-resnet18", None, True),
    Net("resnet18, paper head, 4 classes", "fcn8s-resnet18", None, True, grouped=True),
    Net("mobilenet_v2, paper head, 11 classes", "fcn8s-mobilenet_v2", "mobilenet_v2_in1k", True),
    Net(
        "efficientnet_lite0, edge head, 11 classes",
        "fcn8s-efficientnet_lite0",
        "efficientnet_lite0_in1k",
        False,
    ),
)


class InMemory:
    """A data set read once, with its classes grouped if asked for: training then waits for no renderer."""

    def __init__(self, dataset: Dataset, count: int, grouped: bool) -> None:
        self.name, self.split = dataset.name, dataset.split
        self.classes = grouped_classes(dataset.classes) if grouped else dataset.classes
        table = group_table(dataset.classes) if grouped else np.arange(256, dtype=np.uint8)
        chosen = [dataset[i] for i in range(min(count, len(dataset)))]
        self.samples = [Sample(s.stem, s.frame, None if s.mask is None else table[s.mask]) for s in chosen]
        self._digest = hash_json([dataset.digest(), len(chosen), grouped])

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def stem(self, index: int) -> str:
        return self.samples[index].stem

    def digest(self) -> str:
        return self._digest


def grouped_classes(classes: Classes) -> Classes:
    colors = [classes.palette[classes.names.index(members[0])] for members in GROUPS.values()]
    return Classes(tuple(GROUPS), tuple(colors))


def group_table(classes: Classes) -> np.ndarray:
    """Return uint8 (256,): class id -> group id; void stays."""
    table = np.arange(256, dtype=np.uint8)
    for group, members in enumerate(GROUPS.values()):
        for name in members:
            table[classes.names.index(name)] = group
    return table


def load_data(spec: str, split: str, count: int, net: Net) -> InMemory:
    return InMemory(open_dataset(spec, split), count, net.grouped)


def trained(net: Net, data: str, folder: Path, minutes: float, frames: int, weights: Path) -> Checkpoint:
    """Return the network, trained for `minutes` unless `folder` has it already."""
    out = folder / f"{net.model}-{'4' if net.grouped else '11'}"
    if not (out / "model.safetensors").is_file():
        pretrained = weights / f"{net.weights}.safetensors" if net.weights else None
        config = TrainConfig(
            data=data,
            out=out,
            model=net.model,
            weights=pretrained if pretrained and pretrained.is_file() else None,
            paper_head=net.paper_head,
            final="deconv",
            minutes=minutes,
            batch=4,
            lr=4e-3 if net.weights is None else 2e-3,
            ema=0.98,
            val_every=1000,  # once, at the end
        )
        Trainer(config, load_data(data, "train", frames, net), load_data(data, "val", 16, net)).run()
    return load_checkpoint(out)
