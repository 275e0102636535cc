"""Training on several processes, as torchrun starts them: every rank learns, rank 0 scores and saves."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Ranks:
    """This process among all: rank 0..world-1."""

    rank: int = 0
    world: int = 1

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

    def leave(self) -> None:
        """Wait for the others and end the group."""
        if self.world > 1:
            dist.barrier()
            dist.destroy_process_group()


ALONE = Ranks()


def join(device: torch.device) -> Ranks:
    """Return this process's place; joins the group that torchrun announces in the environment, if any."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return ALONE
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Ranks(dist.get_rank(), world)


def synchronized(model: nn.Module, ranks: Ranks, device: torch.device) -> nn.Module:
    """Return the model with BatchNorm over all ranks where torch can (on GPUs)."""
    if ranks.world > 1 and device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return model
