"""How strongly a layer can draw, and a score map shows, a checkerboard with the period of the stride."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from fcn_edge.models.upsample import why_not
from fcn_edge.surgery.fit import fit_resize_conv

FloatArray = npt.NDArray[np.floating]

# The neighbours of a spectral peak are the bins this far from it (a Hann window smears a peak over +-1).
NEAR, FAR = 2, 5


@dataclass(frozen=True)
class AnalyticIndex:
    """What a layer's weights say about its checkerboard, before any frame is seen.

    ripple: spread of the phases on a constant input (checkerboard_index). residual: share of the kernel that
    no checkerboard-free kernel of its size expresses (fit.fit_resize_conv); None where there is no such form.
    """

    ripple: float
    residual: float | None

    def to_json(self) -> dict[str, float | None]:
        """Return both numbers."""
        return {"ripple": self.ripple, "residual": self.residual}


def analytic_index(deconv: nn.ConvTranspose2d) -> AnalyticIndex:
    """Return the checkerboard index of a transposed convolution from its weights."""
    stride_y, stride_x = deconv.stride
    ripple = checkerboard_index(phase_gains(deconv, deconv.in_channels, (stride_y, stride_x)))
    residual = None if why_not(deconv, "resize-conv") else fit_resize_conv(deconv).residual
    return AnalyticIndex(ripple, residual)


@torch.no_grad()
def phase_gains(upsampler: nn.Module, in_channels: int, stride: tuple[int, int]) -> Tensor:
    """Return the response to a constant input at each phase, (in, out, stride_y, stride_x) float64.

    Input channel `in` is 1 everywhere and the others are 0; the bias is left out. Far from the border the
    output repeats with the stride, and an upsampler without checkerboard gives one value at every phase.
    Works for a transposed convolution and for every stand-in of models.upsample.
    """
    weight = next(upsampler.parameters(), torch.zeros(()))
    size = _probe_size(upsampler)
    constant = torch.eye(in_channels, dtype=weight.dtype, device=weight.device)[:, :, None, None]
    probe = constant.expand(-1, -1, size, size).contiguous()
    response = upsampler(probe) - upsampler(torch.zeros_like(probe[:1]))
    middle = [(length // (2 * step)) * step for length, step in zip(response.shape[-2:], stride, strict=True)]
    inner = response[..., middle[0] : middle[0] + stride[0], middle[1] : middle[1] + stride[1]]
    return inner.double()


def checkerboard_index(gains: Tensor) -> float:
    """Return the spread of the phases' gains relative to their mean: 0 = none, 0.1 = a ripple of 10 %.

    Root mean square over phases and channel pairs of (gain - mean over phases), divided by that of the mean.
    By Parseval this is the energy of the kernel's frequency response at the non-zero multiples of 1 / stride,
    relative to its energy at frequency zero (tests/surgery/test_checkerboard.py).
    """
    mean = gains.mean(dim=(2, 3), keepdim=True)
    level = float(mean.square().mean().sqrt())
    ripple = float((gains - mean).square().mean().sqrt())
    return ripple / level if level > 0 else float(ripple > 0)


def score_checkerboard(scores: FloatArray, period: int) -> float:
    """Return how far the spectrum of a score map stands out at multiples of 1 / period; 1 = not at all.

    scores: (C, h, w). period: samples of the map after which the layer's pattern repeats (its stride times
    the upsampling that follows it up to the map). It is the ratio of the mean power at those frequencies to
    the median power of the bins around them; maps smaller than four periods give 1.
    """
    power = power_spectrum(scores, period)
    if power is None:
        return 1.0
    height, width = power.shape
    peaks, around = [], []
    for a in range(period):
        for b in range(period):
            if a == b == 0:
                continue
            y, x = a * height // period, b * width // period
            peaks.append(power[y, x])
            around.append(_neighbourhood(power, y, x))
    floor = float(np.mean(around))
    return float(np.mean(peaks)) / floor if floor > 0 else 1.0


def median_checkerboard(scores: Sequence[FloatArray], period: int) -> float:
    """Return the median over frames of score_checkerboard."""
    return float(np.median([score_checkerboard(one, period) for one in scores]))


def power_spectrum(scores: FloatArray, period: int) -> FloatArray | None:
    """Return the power per frequency, summed over channels, (h', w') float64, frequency 0 at [0, 0].

    The map is cropped to a multiple of `period`, so that the harmonics fall on bins, and weighted by a Hann
    window, so that its edges do not leak into them. None when it is smaller than four periods.
    """
    height, width = (size // period * period for size in scores.shape[-2:])
    if period < 2 or min(height, width) < max(4 * period, 2 * FAR + 2):
        return None
    maps = np.asarray(scores[:, :height, :width], np.float64)
    maps = maps - maps.mean(axis=(1, 2), keepdims=True)
    window = np.outer(np.hanning(height + 1)[:-1], np.hanning(width + 1)[:-1])
    return np.square(np.abs(np.fft.fft2(maps * window))).sum(axis=0)


def _neighbourhood(power: FloatArray, y: int, x: int) -> float:
    """Return the median power of the square ring of bins NEAR..FAR around a bin; the spectrum is periodic."""
    offsets = range(-FAR, FAR + 1)
    ring = [
        power[(y + dy) % power.shape[0], (x + dx) % power.shape[1]]
        for dy in offsets
        for dx in offsets
        if max(abs(dy), abs(dx)) >= NEAR
    ]
    return float(np.median(ring))


def _probe_size(upsampler: nn.Module) -> int:
    """Return an input size whose middle no border reaches: kernels here span at most `taps` input samples."""
    taps = [3]
    for module in upsampler.modules():
        if isinstance(module, nn.ConvTranspose2d):
            taps += [1 + -(-k // s) for k, s in zip(module.kernel_size, module.stride, strict=True)]
        elif isinstance(module, nn.Conv2d):
            taps += list(module.kernel_size)
    return 2 * max(taps) + 3
