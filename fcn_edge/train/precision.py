"""Mixed precision on a GPU: forward passes in 16 bits, weights and updates in 32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from fcn_edge.ground.errors import MisuseError


class Precision:
    """bfloat16 where the GPU has it, else float16 with its loss scaled so that gradients do not vanish."""

    def __init__(self, device: torch.device, amp: bool) -> None:
        if amp and device.type != "cuda":
            raise MisuseError(f"--amp on {device.type}", hint="mixed precision is for a GPU: leave out --amp")
        self.amp = amp
        self.dtype = torch.bfloat16 if amp and torch.cuda.is_bf16_supported() else torch.float16
        self.scaler = torch.amp.GradScaler(enabled=amp and self.dtype == torch.float16)

    def forward(self) -> AbstractContextManager[None]:
        """Return the context of a forward pass."""
        return torch.autocast("cuda", self.dtype) if self.amp else nullcontext()

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of `loss`."""
        self.scaler.scale(loss).backward()

    def step(self, optimizer: torch.optim.Optimizer, batches: int = 1) -> None:
        """Step along the mean of the gradients of so many batches, and forget them."""
        if batches > 1:
            parameters = (p for group in optimizer.param_groups for p in group["params"])
            torch._foreach_div_([p.grad for p in parameters if p.grad is not None], batches)
        self.scaler.step(optimizer)
        self.scaler.update()
        optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Any]:
        """Return the scale of the loss and how it was reached, as JSON; empty without scaling."""
        return self.scaler.state_dict()

    def restore(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave; a run that did not scale has nothing to put back."""
        if state and self.scaler.is_enabled():
            self.scaler.load_state_dict(state)
