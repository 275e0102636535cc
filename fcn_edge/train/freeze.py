"""Keep the first layers as they were loaded: fewer steps to compute, and general features stay general."""

from __future__ import annotations

from torch import nn

from fcn_edge.ground.errors import MisuseError


class Frozen:
    """The modules of a backbone whose weights and BatchNorm statistics do not move.

    prefixes: names of its children, as in its keys ("stem", "blocks.0", "layer1"); "" freezes nothing.
    """

    def __init__(self, backbone: nn.Module, prefixes: str) -> None:
        names = [name.strip() for name in prefixes.split(",") if name.strip()]
        found = dict(backbone.named_modules())
        for name in names:
            if name not in found:
                children = ", ".join(child for child, _ in backbone.named_children())
                raise MisuseError(
                    f"--freeze names '{name}', which the backbone has not", hint=f"its parts: {children}"
                )
        self.modules = [found[name].requires_grad_(False) for name in names]

    def hold(self) -> None:
        """Put the frozen modules back into eval mode; call it after every `model.train()`."""
        for module in self.modules:
            module.eval()
