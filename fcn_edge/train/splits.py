"""The training and the validation set of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator

from fcn_edge.data import Classes, Dataset, Sample, check_labels, open_dataset
from fcn_edge.data.labels import require_every_class
from fcn_edge.ground.config import TrainConfig
from fcn_edge.ground.errors import FcnEdgeError, MisuseError


class Subset:
    """Some samples of a data set, in the order given."""

    def __init__(self, dataset: Dataset, indices: list[int]) -> None:
        self.dataset, self.indices = dataset, indices
        self.name, self.split = dataset.name, dataset.split
        self.classes: Classes = dataset.classes

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        """Read sample `index` of the subset."""
        return self.dataset[self.indices[index]]

    def __iter__(self) -> Iterator[Sample]:
        """Yield the samples in order."""
        return (self[i] for i in range(len(self)))

    def stem(self, index: int) -> str:
        """Return the name of sample `index` without reading it."""
        return self.dataset.stem(self.indices[index])

    def digest(self) -> str:
        """Return the SHA-256 of the whole set and the choice."""
        from fcn_edge.ground.artifacts import hash_json

        return hash_json([self.dataset.digest(), self.indices])


def open_splits(config: TrainConfig) -> tuple[Dataset, Dataset | None]:
    """Return (train, val or None where the data has no labelled val split).

    Every label is read first. Raises FcnEdgeError for one that cannot be used, and, where a network starts
    anew on the whole set, for a class without a pixel.
    """
    train = open_dataset(config.data, "train")
    if len(train) == 0:
        raise FcnEdgeError(f"{config.data} has no training frames")
    try:
        val: Dataset | None = open_dataset(config.data, "val")
    except MisuseError:
        val = None
    if os.environ.get("RANK", "0") == "0":  # of several processes one looks
        pixels = check_labels(train, config.limit)
        if pixels is not None and config.limit is None and config.start is None:
            require_every_class(train, pixels, config.data)
        if val is not None:
            check_labels(val, config.limit)
    return _first(train, config.limit), _first(val, config.limit) if val is not None else None


def _first(dataset: Dataset, limit: int | None) -> Dataset:
    return dataset if limit is None or limit >= len(dataset) else Subset(dataset, list(range(limit)))
