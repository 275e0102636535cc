"""What is known of every candidate before an engine runs: residual, checkerboard, fidelity in fp32."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn

from fcn_edge.network.parts import behind
from fcn_edge.network.run import run, tensor_values
from fcn_edge.surgery.apply import substitute
from fcn_edge.surgery.candidates import KINDS, Candidate, make_candidate, unavailable
from fcn_edge.surgery.checkerboard import checkerboard_index, median_checkerboard, phase_gains
from fcn_edge.surgery.fidelity import FloatArray, Measurement, agreement, power_ratio_db, sqnr_db
from fcn_edge.surgery.find import Upsampler, list_upsamplers
from fcn_edge.surgery.refit import refit
from fcn_edge.surgery.table import CandidateRow, LayerRow

Frames = Sequence[npt.NDArray[np.uint8]]

FRAMES = 8  # lossy candidates are fitted to what their layer is given on half of these and scored on the rest


def describe(model: onnx.ModelProto, frames: Frames) -> list[LayerRow]:
    """Return every transposed convolution with its candidates; lossy ones are fitted to `frames`, if any.

    Every frame passes through the whole graph once: a candidate is given what its layer was given, and only
    what lies behind it is computed again.
    """
    frames = [
        frames[int(i)] for i in np.unique(np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).round())
    ]
    layers = list_upsamplers(model)
    seen, unseen = _Recorded(model, layers, frames[::2]), _Recorded(model, layers, frames[1::2] or frames)
    rows = []
    for layer in layers:
        row = LayerRow(
            layer.name, layer.stride, layer.kernel, layer.in_channels, layer.out_channels, layer.groups
        )
        for kind in KINDS:
            candidate = _describe(layer, kind, seen.inputs(layer), unseen.inputs(layer))
            if candidate.candidate is not None and frames:
                scores = unseen.scores_with(layer, candidate.candidate)
                candidate.fp32 = compare_scores(unseen.scores, scores, pattern_period(layers))
            row.candidates.append(candidate)
        rows.append(row)
    return rows


class _Recorded:
    """What a graph computed on some frames, at the places where layers will be replaced."""

    def __init__(self, model: onnx.ModelProto, layers: Sequence[Upsampler], frames: Frames) -> None:
        self._behind = {layer.name: behind(model, [layer.name]) for layer in layers}
        self._output = model.graph.output[0].name
        crossing = [name for cut in self._behind.values() for name in cut.sources]
        tensors = dict.fromkeys([*crossing, *(layer.source for layer in layers), self._output])
        self._values = list(tensor_values(model, list(tensors), frames))
        self.scores = [values[self._output][0] for values in self._values]

    def inputs(self, layer: Upsampler) -> list[Tensor]:
        """Return what a layer is given on each frame, (1, C, h, w)."""
        return [torch.from_numpy(values[layer.source]) for values in self._values]

    def scores_with(self, layer: Upsampler, candidate: Candidate) -> list[FloatArray]:
        """Return the scores (C, h, w) of each frame with one layer replaced."""
        if candidate.form == "keep":
            return self.scores
        cut = self._behind[layer.name]
        replaced = substitute(cut.model, {layer.name: candidate.module})
        feeds = [{name: values[name] for name in cut.sources} for values in self._values]
        return [made[self._output][0] for made in run(replaced, feeds)]


def _describe(layer: Upsampler, kind: str, seen: Sequence[Tensor], unseen: Sequence[Tensor]) -> CandidateRow:
    if reason := unavailable(layer.module, kind) or _no_node(layer, kind):
        return CandidateRow(kind, skipped=reason)
    candidate = make_candidate(layer.module, kind)
    row = CandidateRow(kind, candidate.form, candidate.residual, candidate=candidate)
    if unseen:
        row.kernel_sqnr_db = row.layer_sqnr_db = output_sqnr_db(candidate.module, layer.module, unseen)
        row.candidate = _fitted(row, layer, seen, unseen)
        candidate = row.candidate
    row.checkerboard = checkerboard_index(phase_gains(candidate.module, layer.in_channels, layer.stride))
    return row


def _no_node(layer: Upsampler, kind: str) -> str:
    """Return why ONNX has no node for a candidate, or an empty string."""
    if kind == "subpixel" and layer.stride[0] != layer.stride[1]:
        return f"DepthToSpace needs one stride, not {layer.stride}"
    return ""


def _fitted(
    row: CandidateRow, layer: Upsampler, seen: Sequence[Tensor], unseen: Sequence[Tensor]
) -> Candidate:
    """Return the candidate fitted to its inputs, unless its kernel fit does better on unseen frames."""
    assert row.candidate is not None
    fitted = copy.deepcopy(row.candidate.module)
    if refit(fitted, layer.module, seen):
        reached = output_sqnr_db(fitted, layer.module, unseen)
        if row.kernel_sqnr_db is None or reached > row.kernel_sqnr_db:
            row.layer_sqnr_db = reached
            return dataclasses.replace(row.candidate, module=fitted)
    return row.candidate


def compare_scores(reference: Sequence[FloatArray], scores: Sequence[FloatArray], period: int) -> Measurement:
    """Return how close scores (C, h, w), one a frame, are to the original's, and their checkerboard."""
    return Measurement(
        agreement(reference, scores),
        sqnr_db(reference, scores),
        score_checkerboard=median_checkerboard(scores, period),
    )


def pattern_period(layers: Sequence[Upsampler]) -> int:
    """Return the period of the pattern that the last transposed convolution draws on the score map."""
    return max(layers[-1].stride)


@torch.no_grad()
def output_sqnr_db(module: nn.Module, original: nn.Module, inputs: Sequence[Tensor]) -> float:
    """Return how close a stand-in's outputs are to the layer's on the same inputs, in dB."""
    signal = noise = 0.0
    for x in inputs:
        expected = original(x)
        signal += float(expected.square().sum())
        noise += float((module(x) - expected).square().sum())
    return power_ratio_db(signal, noise)
