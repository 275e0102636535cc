"""Fit a lossy stand-in to what the layer really sees: least squares on activations, still in closed form.

The kernel fit (fit.py) counts every input as equally likely. Feature maps are smooth and have favourite
channels, so a fit on their own values loses less where it matters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn_edge.models.upsample import BilinearConv2d, ResizeConv2d, axes_of

SAMPLES = 8_000  # output pixels at least, spread over all inputs
SAMPLES_A_WEIGHT = 10  # of one filter: more of them gained 0.1 dB on trained layers, and take as much longer
PRIOR = 1e-3  # weight of the kernel fit against the data, relative to the features' mean power
WINDOW = 96  # output pixels, height and width, that are looked at in one input: bounds the memory


@torch.no_grad()
def refit(module: nn.Module, deconv: nn.ConvTranspose2d, inputs: Sequence[Tensor], seed: int = 0) -> bool:
    """Bring a stand-in's outputs closest to `deconv`'s on `inputs`, by changing its convolution in place.

    inputs: (1, C, h, w) each, as the layer is given them. Minimises ||W f - y||^2 + prior ||W - W0||^2 over
    sampled output pixels, W0 being the present weights. Returns False, and changes nothing, for a module that
    has no convolution to fit (an exact form) or for grouped layers, which keep their kernel fit.
    """
    if not isinstance(module, (ResizeConv2d, BilinearConv2d)) or not inputs:
        return False
    conv = module.conv
    if not isinstance(conv, nn.Conv2d) or conv.groups != 1:
        return False
    generator = torch.Generator().manual_seed(seed)
    size = conv.weight[0].numel() + (conv.bias is not None)
    gram, moment = torch.zeros(size, size).double(), torch.zeros(size, conv.out_channels).double()
    samples = max(SAMPLES, SAMPLES_A_WEIGHT * size)
    for x in inputs:
        window, inner = _window(x, deconv, generator)
        features = _features(module, conv, window)[..., inner[0], inner[1]].flatten(1).T
        targets = deconv(window)[0][..., inner[0], inner[1]].flatten(1).T
        picked = torch.randperm(len(features), generator=generator)[: max(1, samples // len(inputs))]
        f, y = features[picked], targets[picked]
        gram += (f.T @ f).double()  # float32 products: their rounding is a thousandth of the prior
        moment += (f.T @ y).double()
    _solve(conv, gram, moment)
    return True


def _window(x: Tensor, deconv: nn.ConvTranspose2d, generator: torch.Generator) -> tuple[Tensor, list[slice]]:
    """Return a random part of an input and, per axis, its outputs that are those of the whole input."""
    inner = []
    for dim, axis in zip((2, 3), axes_of(deconv), strict=True):
        margin = math.ceil(axis.kernel / axis.stride) + 1
        wanted = math.ceil(WINDOW / axis.stride)
        size = x.shape[dim]
        if size <= wanted + 2 * margin:
            inner.append(slice(None))
            continue
        first = int(torch.randint(size - wanted - 2 * margin + 1, (), generator=generator))
        x = x.narrow(dim, first, wanted + 2 * margin)
        inner.append(slice(margin * axis.stride, (margin + wanted) * axis.stride))
    return x, inner


def _features(module: ResizeConv2d | BilinearConv2d, conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Return (weights, H, W): what the weights of one filter (and its bias) are multiplied with."""
    height, width = (int(size) for size in conv.padding)
    pads = module.pads or [width, width, height, height]
    first = F.interpolate(x, scale_factor=module.scale) if isinstance(module, ResizeConv2d) else x
    padded = F.pad(first, pads)
    rows, columns = (padded.shape[2 + i] - conv.kernel_size[i] + 1 for i in (0, 1))
    features = F.unfold(padded, conv.kernel_size).reshape(1, -1, rows, columns)
    if isinstance(module, BilinearConv2d):
        features = module.resize(features, x)
    if conv.bias is None:
        return features[0]
    return torch.cat([features[0], torch.ones_like(features[0, :1])])


def _solve(conv: nn.Conv2d, gram: Tensor, moment: Tensor) -> None:
    present = conv.weight.flatten(1).double().T
    if conv.bias is not None:
        present = torch.cat([present, conv.bias.double()[None]])
    prior = PRIOR * gram.diagonal().mean().clamp_min(1e-12)
    solved = torch.linalg.solve(
        gram + prior * torch.eye(len(gram), dtype=gram.dtype), moment + prior * present
    )
    count = conv.weight[0].numel()
    conv.weight.copy_(solved[:count].T.reshape(conv.weight.shape))
    if conv.bias is not None:
        conv.bias.copy_(solved[count])
