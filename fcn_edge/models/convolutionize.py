"""Convolutionization: a classifier becomes a net for any size by reshaping weights (Long et al. 2015, 3.1).

A fully connected layer on a C x k x k map is a k x k convolution with the same weights; one after it is a
1x1 convolution. A classifier that averages its last map before its linear layers averages each window and
goes on with 1x1 convolutions. On the classifier's own input size both give its logits; on larger inputs, a
heat map.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from fcn_edge.ground.errors import FcnEdgeError


def as_conv_weight(weight: Tensor, shape: torch.Size) -> Tensor:
    """Return a linear weight (out, C*k*k) as that of a conv of `shape` (out, C, k, k).

    torch flattens maps as (C, k, k), so the order of the values is that of the conv already.
    """
    if weight.ndim != 2 or len(shape) != 4 or weight.numel() != shape.numel():
        raise FcnEdgeError(
            f"a linear layer of shape {tuple(weight.shape)} is no conv of shape {tuple(shape)}"
        )
    return weight.reshape(shape)


def as_conv_weights(found: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `found` with each linear weight that `own` holds as a conv of as many values reshaped to it."""
    made = dict(found)
    for key, value in found.items():
        target = own.get(key)
        if target is not None and value.ndim == 2 and target.ndim == 4 and value.numel() == target.numel():
            made[key] = as_conv_weight(value, target.shape)
    return made


class HeatMap(nn.Module):
    """A classifier in convolutional form: (N, 3, H, W) to class scores (N, classes, h, w).

    features: all before the flattening or averaging, with map size `pooled` on the classifier's own input.
    linears: its fully connected layers, an `activation` between each two. averaged: the classifier averages
    its last map before them.
    """

    def __init__(
        self,
        features: nn.Module,
        linears: list[nn.Linear],
        pooled: int,
        *,
        averaged: bool,
        activation: type[nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        self.features = features
        first, *others = linears
        layers: list[nn.Module] = [nn.AvgPool2d(pooled, stride=1)] if averaged else []
        layers.append(linear_to_conv(first, 1 if averaged else pooled))
        for linear in others:
            layers += [activation(), linear_to_conv(linear, 1)]
        self.scores = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return one vector of class scores for each window of the classifier's own input size."""
        return self.scores(self.features(x))


def linear_to_conv(linear: nn.Linear, kernel: int) -> nn.Conv2d:
    """Return the conv of `kernel` that equals `linear` on a flattened map of that size."""
    channels, rest = divmod(linear.in_features, kernel * kernel)
    if rest:
        raise FcnEdgeError(
            f"a linear layer of {linear.in_features} inputs does not see a {kernel}x{kernel} map"
        )
    conv = nn.Conv2d(channels, linear.out_features, kernel, bias=linear.bias is not None)
    with torch.no_grad():
        conv.weight.copy_(as_conv_weight(linear.weight, conv.weight.shape))
        if linear.bias is not None and conv.bias is not None:
            conv.bias.copy_(linear.bias)
    return conv
