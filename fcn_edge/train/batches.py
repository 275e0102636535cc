"""Batches of augmented frames that depend on the seed, the epoch and the frame, and on nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from fcn_edge.data import Dataset
from fcn_edge.data.transforms import Augmentation
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.train.distributed import ALONE, Ranks
from fcn_edge.train.evaluate import labels

SCALE = (0.7, 1.7)  # on frames of driving data at deployment size; a smaller one would mostly add padding
SHARED_MEMORY = "/dev/shm"  # through which batches come back from the workers
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

    Every random choice comes from (seed, epoch, index of the frame): a resumed run, or one with more workers,
    sees the same batches. An incomplete last batch is dropped, unless it is all there is.
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
        self.dataset, self.seed, self.ranks = dataset, seed, ranks
        self.batch = min(batch, max(1, len(dataset) // ranks.world))
        self.order = _Order(self)
        # Workers are spawned, not forked: a fork of a process with running threads may hang in OpenCV's pool.
        self.loader = DataLoader(
            _Augmented(dataset, augmentation, seed),
            batch_sampler=self.order,
            num_workers=workers,
            persistent_workers=workers > 0,
            multiprocessing_context="spawn" if workers else None,
            worker_init_fn=_one_thread,
            collate_fn=_collate,
        )

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return max(1, len(self.dataset) // (self.batch * self.ranks.world))

    def indices(self, epoch: int) -> list[list[int]]:
        """Return the frames of each batch of this process in an epoch."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.dataset)).tolist()
        places = range(self.ranks.rank, self.batch * self.ranks.world * len(self), self.ranks.world)
        mine = [order[place % len(order)] for place in places]
        return [mine[i * self.batch : (i + 1) * self.batch] for i in range(len(self))]

    def epoch(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (frames uint8 (N, H, W, 3) BGR, masks uint8 (N, H, W)) of an epoch.

        Raises FcnEdgeError for a frame that cannot be read.
        """
        self.order.epoch = epoch
        for batch in self.loader:
            if isinstance(batch, FcnEdgeError):
                raise batch
            yield batch

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn torch's errors about data workers into FcnEdgeError; those of killed ones come up anywhere."""
        try:
            yield
        except (RuntimeError, OSError) as error:
            raise _worker_error(error, self.loader.num_workers) or error from error

    def stems(self, epoch: int, batch: int) -> list[str]:
        """Return the names of the frames of one batch, for messages."""
        return [self.dataset.stem(i) for i in self.indices(epoch)[batch]]


class _Order(torch.utils.data.Sampler):
    """Hands (epoch, frame) to the data workers, which outlive an epoch."""

    def __init__(self, batches: Batches) -> None:
        self.batches, self.epoch = batches, 0

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return ([(self.epoch, i) for i in batch] for batch in self.batches.indices(self.epoch))

    def __len__(self) -> int:
        return len(self.batches)


class _Augmented(torch.utils.data.Dataset):
    def __init__(self, dataset: Dataset, augmentation: Augmentation, seed: int) -> None:
        self.dataset, self.augmentation, self.seed = dataset, augmentation, seed

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor] | FcnEdgeError:
        """Return (frame, mask), or the error of one that cannot be read: torch would add a traceback."""
        epoch, index = place
        try:
            sample = self.dataset[index]
            target = labels(sample)
        except FcnEdgeError as error:
            return error
        rng = np.random.default_rng([self.seed, epoch, index])
        frame, mask = self.augmentation(sample.frame, target, rng)
        return torch.from_numpy(frame), torch.from_numpy(mask)


def _collate(samples: list[tuple[Tensor, Tensor] | FcnEdgeError]) -> list[Tensor] | FcnEdgeError:
    errors = [sample for sample in samples if isinstance(sample, FcnEdgeError)]
    batch: list[Tensor] = [] if errors else default_collate(samples)
    return errors[0] if errors else batch


def _worker_error(error: Exception, workers: int) -> FcnEdgeError | None:
    """Return in one sentence what happened to the data workers; None for an error that is not theirs."""
    text = str(error)
    if workers and any(sign in text for sign in ("shared memory", "No space left on device")):
        found = shutil.disk_usage(SHARED_MEMORY)
        return FcnEdgeError(
            f"{SHARED_MEMORY} of {found.total / 1e6:.1f} MB is too small for --workers {workers}",
            hint="type --workers 0, or give the container more (docker run --shm-size 1g)",
        )
    if "DataLoader worker" in text and any(sign in text for sign in ("killed by", "exited unexpectedly")):
        return FcnEdgeError(
            f"one of the {workers} processes of --workers was ended from outside, perhaps for its memory",
            hint="type fewer --workers",
        )
    return None


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(1)
