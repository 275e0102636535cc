"""Pictures of a layer's checkerboard: answer to a constant input, spectrum, map before and after."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn

from fcn_edge.ground.artifacts import atomic_write_bytes
from fcn_edge.network.run import tensor_values
from fcn_edge.surgery.checkerboard import (
    checkerboard_index,
    phase_gains,
    power_spectrum,
    score_checkerboard,
)
from fcn_edge.surgery.fidelity import FloatArray
from fcn_edge.surgery.find import Upsampler, list_upsamplers
from fcn_edge.surgery.table import SurgeryTable

Image = npt.NDArray[np.uint8]

TILE = 256  # pixels, height and width of each picture
CAPTION = 24  # pixels of text above it
GAP = 8
WHITE, BLACK, RED = (255, 255, 255), (30, 30, 30), (60, 60, 230)
FULL_SCALE = 0.25  # ripple, relative to the mean gain, that is drawn black or white
CROP = 48  # samples of the map that are shown


def draw_layer(layer: Upsampler, modules: dict[str, nn.Module], x: Tensor) -> Image:
    """Return one row of three pictures for each named module, all on the same scales.

    x: (1, C, h, w), what the layer is given on a frame. Left: the output for a constant input, mean grey; a
    checkerboard shows as a pattern with the stride's period. Middle: power spectrum of the output, frequency
    0 in the centre, circles at the multiples of 1 / stride. Right: part of the channel with the most
    checkerboard.
    """
    period = max(layer.stride)
    maps = {name: _output(module, x) for name, module in modules.items()}
    channel = int(np.argmax([score_checkerboard(one[None], period) for one in next(iter(maps.values()))]))
    low, high = np.percentile(next(iter(maps.values()))[channel], [1, 99])
    rows = []
    for name, module in modules.items():
        gains = phase_gains(module, layer.in_channels, layer.stride)
        scores = maps[name]
        rows.append(
            np.hstack(
                [
                    _titled(_phases(gains), f"{name}: constant in, ripple {checkerboard_index(gains):.3f}"),
                    _titled(
                        _spectrum(scores, period), f"spectrum, index {score_checkerboard(scores, period):.1f}"
                    ),
                    _titled(_map(scores[channel], low, high), f"output, channel {channel}"),
                ]
            )
        )
    return np.vstack(rows)


def write_pictures(model: onnx.ModelProto, table: SurgeryTable, frame: Image, folder: Path) -> list[Path]:
    """Write FOLDER/LAYER.png for every layer of a decision: kept, as resize-conv, and as chosen; return them.

    frame: uint8 (H, W, 3) BGR. The names of layers keep their dots.
    """
    layers = list_upsamplers(model)
    inputs = next(iter(tensor_values(model, [layer.source for layer in layers], [frame])))
    written = []
    for layer, row in zip(layers, table.layers, strict=True):
        candidates = {kind: row.row(kind).candidate for kind in ("keep", "resize-conv", row.chosen)}
        modules = {kind: one.module for kind, one in candidates.items() if one is not None}
        done, data = cv2.imencode(".png", draw_layer(layer, modules, torch.from_numpy(inputs[layer.source])))
        assert done
        written.append(atomic_write_bytes(folder / f"{layer.name}.png", data.tobytes()))
    return written


@torch.no_grad()
def _output(module: nn.Module, x: Tensor) -> FloatArray:
    return np.asarray(module(x)[0].numpy())


def _phases(gains: Tensor) -> Image:
    """Return the response to the input 1, tiled, in grey, of the output channel where it is largest."""
    response = gains.sum(dim=0).numpy()
    mean = response.mean(axis=(1, 2), keepdims=True)
    loudest = int(np.argmax(np.abs(mean)))
    ripple = response[loudest] / mean[loudest] - 1
    periods = -(-16 // ripple.shape[0]), -(-16 // ripple.shape[1])
    grey = 127.5 + 127.5 * np.clip(np.tile(ripple, periods)[:16, :16] / FULL_SCALE, -1, 1)
    return _scaled(cv2.cvtColor(grey.astype(np.uint8), cv2.COLOR_GRAY2BGR))


def _spectrum(scores: FloatArray, period: int) -> Image:
    """Return the power spectrum in dB over 60 dB, with circles around the stride's harmonics."""
    power = power_spectrum(scores, period)
    if power is None:
        return np.full((TILE, TILE, 3), 200, np.uint8)
    decibel = 10 * np.log10(np.fft.fftshift(power) + 1e-30)
    level = np.clip((decibel - decibel.max() + 60) / 60, 0, 1)
    image = _scaled(cv2.applyColorMap((255 * level).astype(np.uint8), cv2.COLORMAP_VIRIDIS), smooth=True)
    for a in range(period):
        for b in range(period):
            if a or b:
                at = ((b / period + 0.5) % 1, (a / period + 0.5) % 1)
                cv2.circle(image, tuple(int(TILE * v) for v in at), 7, RED, 1, cv2.LINE_AA)
    return image


def _map(values: FloatArray, low: float, high: float) -> Image:
    """Return the middle of a map in colour, `low`..`high` over the whole range."""
    height, width = values.shape
    top, left = max(0, (height - CROP) // 2), max(0, (width - CROP) // 2)
    middle = values[top : top + CROP, left : left + CROP]
    level = np.clip((middle - low) / max(high - low, 1e-12), 0, 1)
    return _scaled(cv2.applyColorMap((255 * level).astype(np.uint8), cv2.COLORMAP_VIRIDIS))


def _scaled(image: npt.NDArray[np.generic], *, smooth: bool = False) -> Image:
    how = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(np.asarray(image), (TILE, TILE), interpolation=how), np.uint8)


def _titled(image: Image, title: str) -> Image:
    framed = np.full((TILE + CAPTION + GAP, TILE + GAP, 3), WHITE, np.uint8)
    framed[CAPTION : CAPTION + TILE, :TILE] = image
    cv2.putText(framed, title, (2, CAPTION - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.42, BLACK, 1, cv2.LINE_AA)
    return framed
