"""Frames of a data set that are made once and kept in memory, for several networks or epochs."""

from __future__ import annotations

from collections.abc import Iterator

from fcn_edge.data import Classes, Sample


class InMemory:
    """A data set (fcn_edge.data.Dataset) of samples in memory; digest: the hash of what they came from."""

    def __init__(self, name: str, split: str, classes: Classes, samples: list[Sample], digest: str) -> None:
        self.name, self.split, self.classes = name, split, classes
        self.samples, self._digest = samples, digest

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
