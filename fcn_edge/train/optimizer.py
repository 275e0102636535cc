"""AdamW with the backbone learning slower than the head."""

from __future__ import annotations

import torch

from fcn_edge.models.fake_quant import FakeQuantized
from fcn_edge.models.fcn import FCN

BACKBONE_RATE = 0.2  # the pretrained part moves a fifth as fast
RANGE_RATE = 10.0  # INT8 ranges, as logarithms, may move by a factor within an epoch


def make_optimizer(model: FCN | FakeQuantized, lr: float, weight_decay: float) -> torch.optim.AdamW:
    """Return AdamW over backbone and head; each group keeps its peak rate in `peak`.

    Biases and BatchNorm scales are not decayed: pulling them to zero is no prior worth having.
    """
    backbone = set(model.backbone.parameters())
    ranges = {model.log_range} if isinstance(model, FakeQuantized) else set()
    others = [p for p in model.parameters() if p not in ranges]
    groups = []
    for inside, peak in ((True, BACKBONE_RATE * lr), (False, lr)):
        part = [p for p in others if p.requires_grad and (p in backbone) == inside]
        groups.append({"params": [p for p in part if p.ndim > 1], "peak": peak, "weight_decay": weight_decay})
        groups.append({"params": [p for p in part if p.ndim <= 1], "peak": peak, "weight_decay": 0.0})
    if ranges:
        groups.append({"params": list(ranges), "peak": RANGE_RATE * lr, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=lr)


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> float:
    """Set every group to `factor` times its peak; return the head's rate (the second pair of groups)."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["peak"]
    return optimizer.param_groups[3]["lr"]


def states_of(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Return the optimizer's tensors by "parameter number.name", as `restore_states` takes them."""
    state = optimizer.state_dict()["state"]
    return {f"{number}.{name}": value for number, slots in state.items() for name, value in slots.items()}


def restore_states(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Put back what `states_of` gave."""
    slots: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split(".")
        slots.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})
