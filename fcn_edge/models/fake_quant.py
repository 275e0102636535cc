"""A network that rounds while it learns: weights and activations take the values INT8 will give them.

B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018. Rounding hands gradients straight through; the ranges of activations are learned with
the weights (S. Esser et al., "Learned Step Size Quantization", ICLR 2020).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models.fcn import FCN, Triple
from fcn_edge.models.layers import crop, upsample_bilinear
from fcn_edge.models.spec import ModelSpec
from fcn_edge.models.tensor_names import LAYERS, ScoreTracer, traced_names

LOWEST, HIGHEST = -128, 127  # of an int8 activation; weights stay within -127..127


class FakeQuantized(nn.Module):
    """An FCN that computes what its Q/DQ graph computes, for training.

    fcn: it is changed: BatchNorm is folded into the convolutions and keeps only their bias, which still
    learns. ranges: tensor (models/tensor_names.py) -> largest magnitude INT8 represents, where learning
    starts. weights: the rule for the scale of weights, "full" or "pairs" (quantize/weights.py).
    """

    def __init__(self, fcn: FCN, ranges: Mapping[str, float], weights: str) -> None:
        super().__init__()
        self.graph = trace(fcn)
        fold_batchnorm(fcn, self.graph)
        self.fcn, self.weights, self.tensors = fcn, weights, list(ranges)
        # The logarithm: a step of the optimizer moves every range by the same share of itself.
        self.log_range = nn.Parameter(torch.tensor([ranges[name] for name in self.tensors]).log())
        self.places = self._find_places()
        self.stem = next(name for name, layer in fcn.named_modules() if isinstance(layer, LAYERS))

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores (N, classes, H, W) of normalised RGB x, float (N, 3, H, W)."""
        scores = _Rounding(self).run(x)
        if self.score_stride > 1:
            scores = upsample_bilinear(scores, self.score_stride)
        return crop(scores, x.shape[-2], x.shape[-1])

    def forward_scores(self, x: Tensor) -> Tensor:
        """Return class scores (N, classes, ceil(H/S), ceil(W/S)) at S = score_stride."""
        return _Rounding(self).run(x)

    def train(self, mode: bool = True) -> FakeQuantized:
        """Set the mode of everything but BatchNorm, whose statistics are folded and stay."""
        super().train(mode)
        for module in self.fcn.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        return self

    def record(self) -> dict[str, Any]:
        """Return what the export needs: rule, ranges, and the hash of the weights that they belong to."""
        ranges = dict(zip(self.tensors, self.log_range.detach().exp().tolist(), strict=True))
        return {"weights": self.weights, "ranges": ranges, "weights_sha256": weights_digest(self.fcn)}

    @property
    def backbone(self) -> nn.Module:
        """The network's backbone."""
        return self.fcn.backbone

    @property
    def spec(self) -> ModelSpec:
        """The network's architecture."""
        return self.fcn.spec

    @property
    def mean(self) -> Triple:
        """Mean of the input normalisation, RGB."""
        return self.fcn.mean

    @property
    def std(self) -> Triple:
        """Standard deviation of the input normalisation, RGB."""
        return self.fcn.std

    @property
    def score_stride(self) -> int:
        """Pixels a score stands for."""
        return self.fcn.score_stride

    def _find_places(self) -> dict[str, int]:
        """Return operator of the traced graph -> which range its output is rounded to."""
        named = traced_names(self.graph, dict(self.fcn.named_modules()))
        if missing := sorted(set(self.tensors) - set(named.values())):
            raise FcnEdgeError(
                f"{self.fcn.spec.name} cannot be trained for INT8: tensor {missing[0]} was not found in it",
                hint="please report this network",
            )
        return {node.name: self.tensors.index(name) for node, name in named.items() if name in self.tensors}


class _Rounding(fx.Interpreter):
    """Runs the traced network with rounded weights, rounding activations where INT8 does."""

    def __init__(self, net: FakeQuantized) -> None:
        super().__init__(net.fcn, graph=net.graph)
        self.net, self.ranges = net, net.log_range.exp()

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        place = self.net.places.get(n.name)
        return value if place is None else _RoundActivation.apply(value, self.ranges[place])

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        layer = self.fetch_attr(target)
        if not isinstance(layer, LAYERS):
            return super().call_module(target, args, kwargs)
        axis = 0 if isinstance(layer, nn.Conv2d) else 1
        rounded = round_weight(layer.weight, axis, self.net.weights, reverse=target == self.net.stem)
        return torch.func.functional_call(layer, {"weight": rounded}, args, kwargs)


class _RoundActivation(torch.autograd.Function):
    """x -> the nearest of 256 multiples of range / 127; what lies beyond them saturates."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, largest: Tensor) -> Tensor:
        ctx.save_for_backward(x, largest)
        scale = largest / HIGHEST
        return (x / scale).round_().clamp_(LOWEST, HIGHEST).mul_(scale)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        x, largest = ctx.saved_tensors
        steps = x / (largest / HIGHEST)
        rounded = steps.round().clamp_(LOWEST, HIGHEST)
        inside = (steps >= LOWEST) & (steps <= HIGHEST)
        change = torch.where(inside, rounded - steps, rounded)  # of the output as the scale changes
        return grads[0] * inside, (grads[0] * change).sum() / HIGHEST


def round_weight(weight: Tensor, axis: int, rule: str, *, reverse: bool = False) -> Tensor:
    """Return `weight` as INT8 gives it back, by the rule of quantize.weights.quantize_weight.

    axis: the output channels. reverse: the export turns the input channels round (RGB to BGR), which decides
    which of them are neighbours. Gradients pass straight through.
    """
    with torch.no_grad():
        scale = _weight_scale(weight.flip(1) if reverse else weight, axis, rule)
        rounded = (weight / scale).round_().clamp_(-HIGHEST, HIGHEST).mul_(scale)
    return rounded + (weight - weight.detach())


def _weight_scale(weight: Tensor, axis: int, rule: str) -> Tensor:
    others = [i for i in range(weight.ndim) if i != axis]
    peak = weight.abs().amax(dim=others, keepdim=True)
    if rule == "pairs":
        paired = weight.shape[1 - axis] // 2 * 2
        if paired:
            sums = weight.narrow(1 - axis, 0, paired).unflatten(1 - axis, (-1, 2)).sum(dim=2 - axis)
            peak = torch.maximum(peak, sums.abs().amax(dim=others, keepdim=True))
    return torch.where(peak > 0, peak / HIGHEST, 1.0)


def trace(fcn: FCN) -> fx.Graph:
    """Return the operators of `forward_scores`; FcnEdgeError for a network that torch.fx cannot follow."""
    try:
        return ScoreTracer().trace(fcn)
    except Exception as error:  # fx raises many types for control flow that it cannot follow
        raise FcnEdgeError(
            f"{fcn.spec.name} cannot be followed layer by layer ({type(error).__name__})",
            hint="please report this network",
        ) from error


@torch.no_grad()
def fold_batchnorm(fcn: nn.Module, graph: fx.Graph) -> None:
    """Move the scale of every BatchNorm that follows a convolution into its weights, in place (exact).

    The BatchNorm stays, so that the architecture does, and only adds a bias, which alone still learns.
    """
    modules = dict(fcn.named_modules())
    for node in graph.nodes:
        norm = modules.get(str(node.target)) if node.op == "call_module" else None
        if not isinstance(norm, _BatchNorm):
            continue
        norm.weight.requires_grad_(False)
        conv = modules.get(str(node.args[0].target))
        if not isinstance(conv, nn.Conv2d):
            continue
        assert norm.running_mean is not None
        assert norm.running_var is not None
        gain = norm.weight * (norm.running_var + norm.eps).rsqrt()
        conv.weight.mul_(gain[:, None, None, None])
        norm.bias.sub_(norm.running_mean * gain)
        if conv.bias is not None:
            norm.bias.add_(conv.bias * gain)
            conv.bias.zero_()
        norm.weight.fill_(1)
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)


def weights_digest(model: nn.Module) -> str:
    """Return the SHA-256 of a network's tensors, names and values."""
    digest = hashlib.sha256()
    for key, value in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
