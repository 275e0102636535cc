"""Batches of augmented frames that depend on the seed, the epoch and the frame, and on nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from fcn_edge.data import Dataset
from fcn_edge.data.transforms import Augmentation
from fcn_edge.train.distributed import ALONE, Ranks
from fcn_edge.train.evaluate import labels

SCALE = (0.7, 1.7)  # on frames of driving data at deployment size; a smaller one would mostly add padding
LARGEST_CROP = (288, 384)  # (height, width) where none is asked for: what two CPU cores can train on


def make_augmentation(name: str, crop: tuple[int, int]) -> Augmentation:
    """Return the augmentation of that name (config.AUGMENTATIONS) with the given crop (height, width)."""
    presets = {"none": Augmentation.none, "standard": Augmentation, "strong": Augmentation.strong}
    return replace(presets[name](crop=crop), scale=(1.0, 1.0) if name == "none" else SCALE)


def choose_crop(frame_size: tuple[int, int], wanted: tuple[int, int] | None) -> tuple[int, int]:
    """Return the crop (height, width): the one asked for, else the frame cut down to LARGEST_CROP."""
    return wanted or (min(frame_size[0], LARGEST_CROP[0]), min(frame_size[1], LARGEST_CROP[1]))


class Batches:
    """Shuffled batches of one epoch after another.

    Every random choice comes from (seed, epoch, index of the frame): a resumed run, or one with more
    workers, sees the same batches. An incomplete last batch is dropped, unless it is all there is.
    """

    def __init__(
        self,
        dataset: Dataset,
        augmentation: Augmentation,
        batch: int,
        seed: int,
        workers: int = 0,
        ranks: Ranks = ALONE,
    ) -> None:
        self.dataset, self.augmentation, self.seed, self.workers = dataset, augmentation, seed, workers
        self.ranks = ranks
        self.batch = min(batch, max(1, len(dataset) // ranks.world))

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return max(1, len(self.dataset) // (self.batch * self.ranks.world))

    def indices(self, epoch: int) -> list[list[int]]:
        """Return the frames of each batch of this process in an epoch."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.dataset)).tolist()
        mine = [
            order[i % len(order)]
            for i in range(self.ranks.rank, self.batch * self.ranks.world * len(self), self.ranks.world)
        ]
        return [mine[i * self.batch : (i + 1) * self.batch] for i in range(len(self))]

    def epoch(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (frames uint8 (N, H, W, 3) BGR, masks uint8 (N, H, W)) of an epoch."""
        loader = DataLoader(
            _Augmented(self.dataset, self.augmentation, self.seed, epoch),
            batch_sampler=self.indices(epoch),
            num_workers=self.workers,
            worker_init_fn=_one_thread,
        )
        yield from loader

    def stems(self, epoch: int, batch: int) -> list[str]:
        """Return the names of the frames of one batch, for messages."""
        return [self.dataset.stem(i) for i in self.indices(epoch)[batch]]


class _Augmented(torch.utils.data.Dataset):
    def __init__(self, dataset: Dataset, augmentation: Augmentation, seed: int, epoch: int) -> None:
        self.dataset, self.augmentation, self.seed, self.number = dataset, augmentation, seed, epoch

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        sample = self.dataset[index]
        rng = np.random.default_rng([self.seed, self.number, index])
        frame, mask = self.augmentation(sample.frame, labels(sample), rng)
        return torch.from_numpy(frame), torch.from_numpy(mask)


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(1)
