"""What a transposed convolution can be replaced by, with the weights put in and the loss stated."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fcn_edge.ground.errors import FcnEdgeError, unknown_name
from fcn_edge.models.upsample import shape_like, why_not
from fcn_edge.surgery.fit import bilinear_residual, fit_bilinear_conv, fit_resize_conv, subpixel_weight

KINDS = ("keep", "subpixel", "bilinear", "resize-conv")  # what --upsample takes, besides "auto"
LOSSY = ("bilinear", "resize-conv")  # those that have to be fitted, unless the kernel is one of theirs

EXACT = 1e-6  # a relative residual below this is float32 rounding, not a loss


@dataclass(frozen=True)
class Candidate:
    """One way to write one layer."""

    kind: str  # one of KINDS
    form: str  # the module's form (models.upsample.FORMS): "bilinear" is with or without a convolution
    module: nn.Module
    residual: float  # ||kernel - drawn kernel|| / ||kernel||
    note: str  # what it does, in words


def make_candidate(deconv: nn.ConvTranspose2d, kind: str) -> Candidate:
    """Return the candidate of `kind` for a layer; `deconv` itself is not changed.

    Raises MisuseError for an unknown kind and FcnEdgeError, with the reason, for one the layer lacks.
    """
    if kind not in KINDS:
        raise unknown_name("upsampling kind", kind, KINDS)
    if kind == "keep":
        return Candidate(kind, "keep", deconv, 0.0, "the transposed convolution as it is")
    if kind == "subpixel":
        module = _filled(deconv, "subpixel", subpixel_weight(deconv))
        return Candidate(kind, "subpixel", module, 0.0, "exact: convolution, then depth to space")
    if kind == "bilinear":
        return _bilinear(deconv)
    fit = fit_resize_conv(_checked(deconv, "resize-conv"))
    height, width = fit.weight.shape[-2:]
    note = f"nearest resize, then a {height}x{width} convolution: no checkerboard"
    return Candidate(kind, "resize-conv", _filled(deconv, "resize-conv", fit.weight), fit.residual, note)


def unavailable(deconv: nn.ConvTranspose2d, kind: str) -> str:
    """Return why a layer has no candidate of `kind`, in words, or an empty string when it has."""
    return why_not(deconv, "bilinear-conv" if kind == "bilinear" else kind)


def _bilinear(deconv: nn.ConvTranspose2d) -> Candidate:
    _checked(deconv, "bilinear-conv")
    if _is_plain(deconv):
        module = shape_like(deconv, "bilinear")
        return Candidate("bilinear", "bilinear", module, 0.0, "exact: the kernel is a bilinear resize")
    fit = fit_bilinear_conv(deconv)
    height, width = fit.weight.shape[-2:]
    note = f"{height}x{width} convolution at low resolution, then a bilinear resize"
    module = _filled(deconv, "bilinear-conv", fit.weight)
    return Candidate("bilinear", "bilinear-conv", module, fit.residual, note)


def _is_plain(deconv: nn.ConvTranspose2d) -> bool:
    """Tell whether the layer is a resize of each channel and nothing else."""
    if why_not(deconv, "bilinear") or (deconv.bias is not None and bool(deconv.bias.any())):
        return False
    return bilinear_residual(deconv) < EXACT


def _checked(deconv: nn.ConvTranspose2d, form: str) -> nn.ConvTranspose2d:
    if reason := why_not(deconv, form):
        raise FcnEdgeError(f"this transposed convolution has no '{form}' form: {reason}")
    return deconv


@torch.no_grad()
def _filled(deconv: nn.ConvTranspose2d, form: str, weight: Tensor) -> nn.Module:
    """Return the module of `form` with `weight` and the layer's bias in its convolution."""
    module = shape_like(deconv, form)
    conv = module.conv
    assert isinstance(conv, nn.Conv2d)
    conv.weight.copy_(weight)
    if deconv.bias is not None and conv.bias is not None:
        phases = conv.out_channels // deconv.out_channels
        conv.bias.copy_(deconv.bias.repeat_interleave(phases))
    return module
