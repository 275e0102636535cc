"""What a network costs: multiply-accumulates, parameters and the receptive field of its scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.fx
from torch import Tensor, nn

from fcn_edge.models.fcn import FCN


@dataclass(frozen=True)
class Cost:
    """macs: multiply-accumulates of all convs for one frame of `size` (height, width); layers: by name."""

    size: tuple[int, int]
    macs: int
    parameters: int
    layers: dict[str, int]

    @property
    def gmac(self) -> float:
        """Return 1e9 multiply-accumulates."""
        return self.macs / 1e9


def count_macs(model: FCN, size: tuple[int, int]) -> Cost:
    """Return the cost of `forward_scores` on one frame, counted by running it once on zeros.

    A conv costs out_elements * in_channels/groups * k * k, a transposed conv
    in_elements * out_channels/groups * k * k. Additions, activations, resizes and the final argmax are not
    counted, as is usual.
    """
    layers: dict[str, int] = {}

    def hook(name: str) -> Callable[..., None]:
        def count(module: nn.Conv2d | nn.ConvTranspose2d, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            counted = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
            per_element = module.weight[0].numel()
            layers[name] = layers.get(name, 0) + counted.numel() // counted.shape[0] * per_element

        return count

    convs = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    handles = [module.register_forward_hook(hook(name)) for name, module in convs]
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            model.forward_scores(torch.zeros(1, 3, *size))
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    return Cost(size, sum(layers.values()), sum(p.numel() for p in model.parameters()), layers)


def receptive_field(model: FCN) -> dict[int, int]:
    """Return, by stride, how many input pixels across one position of the backbone's features depends on.

    Along the deepest path: kernel k and dilation d on a map of stride j add d * (k - 1) * j pixels.
    """
    graph = torch.fx.symbolic_trace(model.backbone)
    reach: dict[torch.fx.Node, tuple[int, int]] = {}  # node -> (pixels across, stride)
    for node in graph.graph.nodes:
        if node.op == "output":
            return {stride: reach[found][0] for stride, found in node.args[0].items()}
        sources = [reach[source] for source in node.all_input_nodes]
        pixels, stride = max(sources, default=(1, 1))
        layer = graph.get_submodule(node.target) if node.op == "call_module" else None
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            kernel, dilation, step = (_single(n) for n in (layer.kernel_size, layer.dilation, layer.stride))
            pixels, stride = pixels + dilation * (kernel - 1) * stride, stride * step
        reach[node] = pixels, stride
    return {}


def _single(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else value[0]
