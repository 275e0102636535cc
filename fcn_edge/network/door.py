"""The door: whatever a user names becomes a Network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fcn_edge.data import Classes
from fcn_edge.network.network import Network, Normalisation, Origin
from fcn_edge.network.onnx_export import frame_graph
from fcn_edge.network.tail import Tail
from fcn_edge.train.checkpoint import Checkpoint, load_checkpoint


@dataclass(frozen=True)
class Named:
    """What a user named, before the size of its frames is known.

    at: (H, W) -> the network for such frames; exporting a checkpoint takes seconds. size: the only size it
    takes; None: any.
    """

    classes: Classes
    origin: Origin
    at: Callable[[tuple[int, int]], Network]
    size: tuple[int, int] | None = None


def open_named(where: str) -> Named:
    """Open a run folder, a .safetensors file or zoo:NAME. Raises FcnEdgeError for anything else."""
    checkpoint = load_checkpoint(where)
    origin = origin_of(checkpoint, where)
    return Named(checkpoint.classes, origin, lambda size: exported(checkpoint, origin, size))


def exported(checkpoint: Checkpoint, origin: Origin, size: tuple[int, int]) -> Network:
    """Return the network of a checkpoint for frames of `size` = (H, W)."""
    model = checkpoint.model
    return Network(
        frame_graph(model, size, "scores"),
        size,
        Tail(model.score_stride),
        checkpoint.classes,
        Normalisation(model.mean, model.std),
        origin,
    )


def origin_of(checkpoint: Checkpoint, where: str) -> Origin:
    """Return the origin of a checkpoint of ours."""
    about = {"spec": checkpoint.spec.to_json(), "weights_sha256": checkpoint.weights_sha256}
    return Origin(where, checkpoint.spec.name, about, checkpoint)


def load_network(where: str, size: tuple[int, int]) -> Network:
    """Return the network that `where` names (see open_named) for frames of `size` = (H, W)."""
    return open_named(where).at(size)
