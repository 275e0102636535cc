"""Training on several processes, as torchrun starts them: every rank learns, rank 0 scores and saves.

An error on one rank ends them all. The rank that failed waits for nobody: it leaves its message in the store
that the ranks met at, and goes. That breaks the connections of the others, who then find the message.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from fcn_edge.ground.errors import FcnEdgeError

FAILED = "fcn_edge/failed"  # key in the store: what ended the first rank that failed
PATIENCE = timedelta(seconds=10)  # for that key, once a rank has gone


@dataclass(frozen=True)
class Ranks:
    """This process among all: rank 0..world-1."""

    rank: int = 0
    world: int = 1
    store: dist.Store | None = None  # where the ranks met

    @property
    def is_main(self) -> bool:
        """Return whether this process is the one that scores, saves and speaks."""
        return self.rank == 0

    def agree(self, value: float) -> float:
        """Return rank 0's value on every rank: clocks differ, decisions must not."""
        if self.world == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        if dist.get_backend() == "nccl":
            shared = shared.cuda()
        dist.broadcast(shared, src=0)
        return shared.item()

    def parallel(self, model: nn.Module) -> nn.Module:
        """Return `model`, wrapped so that gradients are averaged over the ranks."""
        return DistributedDataParallel(model) if self.world > 1 else model

    @contextmanager
    def together(self) -> Iterator[None]:
        """Run a block on every rank and end the group after it; an error on one rank ends the block on all.

        Raises what the block raises. A rank that another one left alone raises FcnEdgeError with that rank's
        message instead of the broken connection.
        """
        if self.world == 1:
            yield
            return
        try:
            yield
            dist.barrier()
        except BaseException as error:
            first = self._first_to_fail(f"process {self.rank} of {self.world} failed: {_message(error)}")
            _abandon()
            own = isinstance(error, FcnEdgeError) or not isinstance(error, Exception)
            if own or (first is None and not _left_alone(error)):
                raise
            raise FcnEdgeError(first or "another process ended without a word") from error
        dist.destroy_process_group()

    def _first_to_fail(self, mine: str) -> str | None:
        """Return the message of the rank that failed first; None where it is this one or cannot be known."""
        assert self.store is not None
        try:
            self.store.set_timeout(PATIENCE)
            first = self.store.compare_set(FAILED, "", mine).decode()
        except (RuntimeError, OSError):  # rank 0 may have kept the store, and gone
            return None
        return None if first == mine else first


ALONE = Ranks()


def join(device: torch.device) -> Ranks:
    """Return this process's place; joins the group that torchrun announces in the environment, if any."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return ALONE
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    store, rank, world = next(dist.rendezvous("env://"))
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=dist.PrefixStore("group", store), rank=rank, world_size=world)
    return Ranks(rank, world, store)


def synchronized(model: nn.Module, ranks: Ranks, device: torch.device) -> nn.Module:
    """Return the model with BatchNorm over all ranks where torch can (on GPUs)."""
    if ranks.world > 1 and device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return model


def _message(error: BaseException) -> str:
    """Return the first line of an error; those that carry no text by their name."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _left_alone(error: BaseException) -> bool:
    """Return whether a connection to another rank broke; gloo has no class of its own for that."""
    words = ("closed by peer", "reset by peer", "broken pipe", "gloo")
    return isinstance(error, dist.DistError) or any(word in str(error).lower() for word in words)


def _abandon() -> None:
    """End the group without waiting for anybody, so that no other rank waits for this one."""
    if dist.get_backend() == "gloo":  # NCCL's end waits for work that will not come: the process ends it
        dist.destroy_process_group()
