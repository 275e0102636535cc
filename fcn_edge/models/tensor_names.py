"""Names for the tensors inside a network that PyTorch and ONNX agree on.

Exporters number operators as they please, but both sides know which layer made a value. A tensor is named
after the layer it comes from, then after what was done to it:

    frame                 the normalised input
    up.16                 what layer up.16 gives, its BatchNorm included, cropped or not
    lateral.16.0:relu     the same after ReLU or ReLU6
    (up.16+lateral.16.0:relu)    a sum
    (+layer1.1.conv2)     a sum one part of which is a sum, as where residual blocks follow each other
    lateral.32.0:relu'    what any other operator makes of it (a mean, a resize)
"""

from __future__ import annotations

import operator

import torch
from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from fcn_edge.models.upsample import Cut, Interleave

FRAME = "frame"
KEEP = (nn.Identity, nn.Dropout, nn.MaxPool2d, Interleave, Cut)  # values stay, or only some of them do
LAYERS = (nn.Conv2d, nn.ConvTranspose2d)


def relu(name: str) -> str:
    """Return the name after ReLU, ReLU6 or a clip."""
    return f"{name}:relu"


def total(first: str, second: str) -> str:
    """Return the name of a sum."""
    direct = [name for name in (first, second) if "+" not in name]
    return f"(+{direct[0]})" if len(direct) == 1 else f"({first}+{second})"


def other(name: str) -> str:
    """Return the name after an operator that has no rule of its own."""
    return name if name.endswith("'") else f"{name}'"


class ScoreTracer(fx.Tracer):
    """Follows `forward_scores` of an FCN, layer by layer."""

    def __init__(self) -> None:
        super().__init__()
        self.traced_func_name = "forward_scores"

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Return whether `m` is one operator: what asks for sizes cannot be followed inside."""
        return isinstance(m, KEEP) or super().is_leaf_module(m, module_qualified_name)


def traced_names(graph: fx.Graph, modules: dict[str, nn.Module]) -> dict[fx.Node, str]:
    """Return the name of every tensor that an operator of the traced network makes anew.

    A layer that a BatchNorm follows is named at the BatchNorm, since the two are one in the exported graph.
    """
    names: dict[fx.Node, str] = {}
    kept: set[fx.Node] = set()  # pass their input on: named, but not made anew
    for node in graph.nodes:
        sources = [names[source] for source in node.all_input_nodes if source in names]
        module = modules.get(str(node.target)) if node.op == "call_module" else None
        if node.op == "placeholder":
            names[node] = FRAME
        elif isinstance(module, LAYERS):
            names[node] = str(node.target)
        elif isinstance(module, _BatchNorm):
            names[node] = sources[0]
            kept.add(node.all_input_nodes[0])
        elif isinstance(module, nn.ReLU | nn.ReLU6):
            names[node] = relu(sources[0])
        elif isinstance(module, KEEP) or node.target is operator.getitem:
            names[node] = sources[0]
            kept.add(node)
        elif node.target in (operator.add, operator.iadd, torch.add) and len(sources) == 2:
            names[node] = total(*sources)
        elif sources and node.op != "output":
            names[node] = other(sources[0])
    return {node: name for node, name in names.items() if node not in kept}
