"""Fold the BatchNorm that follows a transposed convolution into its weights (evaluation mode, exact)."""

from __future__ import annotations

import torch
from torch import fx, nn


def fold_following_batchnorm(model: nn.Module, name: str) -> nn.ConvTranspose2d:
    """Fold in place and return layer `name`; its BatchNorm becomes nn.Identity under the same name.

    Nothing is folded when no BatchNorm is the layer's only reader, or when the network cannot be traced by
    torch.fx: the BatchNorm then stays where it is, and the network still computes the same.
    """
    deconv = model.get_submodule(name)
    assert isinstance(deconv, nn.ConvTranspose2d)
    found = _only_reader(model, name)
    if found is None:
        return deconv
    norm = model.get_submodule(found)
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None:
        return deconv
    _fold(deconv, norm)
    parent, _, leaf = found.rpartition(".")
    setattr(model.get_submodule(parent), leaf, nn.Identity())
    return deconv


def _only_reader(model: nn.Module, name: str) -> str | None:
    """Return the one module that reads the output of module `name`, if it is called once and read once."""
    if not any(isinstance(module, nn.BatchNorm2d) for module in model.modules()):
        return None
    try:
        nodes = fx.symbolic_trace(model).graph.nodes
    except Exception:  # fx raises many types for control flow that it cannot follow
        return None
    calls = [node for node in nodes if node.op == "call_module" and node.target == name]
    if len(calls) != 1 or len(calls[0].users) != 1:
        return None
    reader = next(iter(calls[0].users))
    if reader.op != "call_module" or sum(node.target == reader.target for node in nodes) != 1:
        return None
    return str(reader.target)


@torch.no_grad()
def _fold(deconv: nn.ConvTranspose2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = (norm.running_var + norm.eps).rsqrt()
    if norm.weight is not None:
        gain = gain * norm.weight
    shift = -norm.running_mean * gain
    if norm.bias is not None:
        shift = shift + norm.bias
    if deconv.bias is not None:
        shift = shift + deconv.bias * gain
    # Weight (C, C'/g, k, k): output channel group * C'/g + o is row-block `group`, column o.
    per_group = deconv.out_channels // deconv.groups
    by_group = gain.reshape(deconv.groups, 1, per_group)
    rows = by_group.expand(-1, deconv.in_channels // deconv.groups, -1).reshape(deconv.in_channels, per_group)
    deconv.weight.mul_(rows[:, :, None, None])
    deconv.bias = nn.Parameter(shift)
