"""The contract: what every stage after training takes and returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from fcn_edge.data import Classes
from fcn_edge.ground.artifacts import atomic_write_bytes
from fcn_edge.network.tail import Tail, ending_in
from fcn_edge.train.checkpoint import Checkpoint

Triple = tuple[float, float, float]  # one value a channel, RGB


@dataclass(frozen=True)
class Normalisation:
    """What the graph does to a frame first: (x / 255 - mean) / std, RGB. It is for people and for proofs."""

    mean: Triple
    std: Triple


@dataclass(frozen=True)
class Origin:
    """Where a network comes from.

    where: as the user named it. name: of the architecture. about: for the manifest, {"spec",
    "weights_sha256"} of a checkpoint. checkpoint: the network in PyTorch, for what only PyTorch can do (more
    training, ranges learned by QAT, TorchScript); None for a network that came as a graph.
    """

    where: str
    name: str
    about: dict[str, Any]
    checkpoint: Checkpoint | None = None

    @property
    def learned(self) -> dict[str, Any] | None:
        """INT8 ranges that were learned with the weights (train --qat)."""
        return self.checkpoint.info.get("qat") if self.checkpoint is not None else None


@dataclass(frozen=True)
class Network:
    """A trained network for frames of one size, as a graph that every engine reads.

    graph: input `frame` uint8 (1, H, W, 3) BGR, output `scores` float32 (1, C, h, w); nothing of the tail is
    inside. size: (H, W). Stages replace the graph and hand the rest on.
    """

    graph: onnx.ModelProto
    size: tuple[int, int]
    tail: Tail
    classes: Classes
    normalisation: Normalisation
    origin: Origin

    def write(self, path: Path, end: str = "scores") -> Path:
        """Write the graph, ending in `scores` or going on to the `mask`, and return the path."""
        model = ending_in(self.graph, self.tail, self.size, end)
        return atomic_write_bytes(path, model.SerializeToString(deterministic=True))
