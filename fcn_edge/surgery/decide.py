"""Decide, by measurement on the target, what each transposed convolution becomes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from fcn_edge.errors import MisuseError, unknown_name
from fcn_edge.surgery.candidates import KINDS, make_candidate, replace, unavailable
from fcn_edge.surgery.checkerboard import checkerboard_index, phase_gains
from fcn_edge.surgery.fidelity import (
    Measurement,
    agreement,
    inputs_of,
    power_ratio_db,
    scores_of,
    sqnr_db,
)
from fcn_edge.surgery.find import Upsampler, list_upsamplers
from fcn_edge.surgery.rule import Choice, Rule
from fcn_edge.surgery.table import CandidateRow, LayerRow, SurgeryTable

Frames = Sequence[npt.NDArray[np.uint8]]
Measure = Callable[[nn.Module], Measurement]
Progress = Callable[[str], None]

MODES = ("auto", *KINDS)
MOST_COMBINATIONS = 64  # beyond this a search of all combinations is refused: a measurement takes 10 s or so
PROBE_FRAMES = 4  # frames for the fp32 numbers of each candidate
HOPELESS = 0.005  # agreement lost in fp32, beyond what keeping loses in INT8, that saves a measurement


def decide(
    model: nn.Module,
    frames: Frames,
    measure: Measure | None,
    mode: str = "auto",
    *,
    rule: Rule | None = None,
    search_all: bool = False,
    progress: Progress | None = None,
) -> SurgeryTable:
    """Return the decision for every ConvTranspose2d of `model`, which is not changed.

    frames: uint8 (H, W, 3) BGR, from the data the network is for. measure: exports, quantizes and runs a
    network on the target and compares it with the original in fp32; it is called once for the original, once
    for every candidate of every layer, and once for the combination of the winners. A lossy candidate that
    disagrees with the original more in fp32 than keeping does in INT8 is not measured. search_all measures
    every combination of candidates instead. mode: a kind to force wherever a layer has it, or "auto" to
    choose by `rule`.
    """
    if mode not in MODES:
        raise unknown_name("--upsample", mode, MODES)
    layers = list_upsamplers(model)
    if not layers:
        return SurgeryTable(
            mode, [], model, "no transposed convolution in this network: nothing to operate on"
        )
    rows = describe(model, layers, frames)
    if mode == "auto" and measure is not None:
        return _Search(
            model, rows, measure, rule or Rule(), search_all, progress or (lambda text: None)
        ).run()
    return _forced(mode, model, rows, measure)


def describe(model: nn.Module, layers: Sequence[Upsampler], frames: Frames) -> list[LayerRow]:
    """Return every layer with what is known of its candidates without an engine."""
    frames = frames[:PROBE_FRAMES]
    reference = scores_of(model, frames)
    inputs = inputs_of(model, [layer.name for layer in layers], frames)
    rows = []
    for layer in layers:
        row = LayerRow(
            layer.name, layer.stride, layer.kernel, layer.in_channels, layer.out_channels, layer.groups
        )
        for kind in KINDS:
            if reason := unavailable(layer.module, kind):
                row.candidates.append(CandidateRow(kind, skipped=reason))
                continue
            candidate = _describe(layer, kind, inputs[layer.name])
            if frames:
                changed = scores_of(replace(model, {layer.name: kind}), frames)
                candidate.fp32 = Measurement(agreement(reference, changed), sqnr_db(reference, changed))
            row.candidates.append(candidate)
        rows.append(row)
    return rows


def _describe(layer: Upsampler, kind: str, inputs: Sequence[Tensor]) -> CandidateRow:
    candidate = make_candidate(layer.module, kind)
    signal = noise = 0.0
    for x in inputs:
        expected = layer.module(x).detach()
        signal += float(expected.square().sum())
        noise += float((candidate.module(x).detach() - expected).square().sum())
    return CandidateRow(
        kind,
        form=candidate.form,
        residual=candidate.residual,
        checkerboard=checkerboard_index(phase_gains(candidate.module, layer.in_channels, layer.stride)),
        layer_sqnr_db=power_ratio_db(signal, noise) if inputs else None,
    )


def _forced(mode: str, model: nn.Module, rows: list[LayerRow], measure: Measure | None) -> SurgeryTable:
    """Apply one kind wherever a layer has it; "auto", without a measure, keeps all."""
    kind = "keep" if mode == "auto" else mode
    asked = "kept: nothing was measured" if mode == "auto" else f"--upsample {kind} was asked for"
    for row in rows:
        reason = row.row(kind).skipped
        row.chosen = "keep" if reason else kind
        row.why = f"{asked}, but {reason}" if reason else asked
    choice = {row.name: row.chosen for row in rows}
    table = SurgeryTable(mode, rows, replace(model, choice))
    if measure is not None:
        table.keep = measure(model)
        table.chosen = measure(table.model) if table.changed else table.keep
    return table


class _Search:
    """Measure the network with one layer replaced at a time, then with the winners together."""

    def __init__(
        self,
        model: nn.Module,
        rows: list[LayerRow],
        measure: Measure,
        rule: Rule,
        search_all: bool,
        progress: Progress,
    ) -> None:
        self.model, self.rows, self.rule, self.search_all = model, rows, rule, search_all
        self._measure, self._progress = measure, progress
        self.keep: Choice = ("keep",) * len(rows)
        self.measured: dict[Choice, Measurement] = {}

    def run(self) -> SurgeryTable:
        base = self.measure(self.keep)
        for position, row in enumerate(self.rows):
            for candidate in row.candidates:
                self._measure_single(position, candidate, base)
        for choice in self._combinations():
            self.measure(choice)
        best = self.rule.pick(self.measured, self.keep)
        for position, row in enumerate(self.rows):
            row.chosen = best[position]
            row.why = self._why(position, best)
        table = SurgeryTable("auto", self.rows, replace(self.model, self._named(best)))
        table.keep, table.chosen = base, self.measured[best]
        table.note = f"{len(self.measured)} networks measured"
        return table

    def measure(self, choice: Choice) -> Measurement:
        if choice not in self.measured:
            changed = [f"{name} as {kind}" for name, kind in self._named(choice).items() if kind != "keep"]
            self._progress(f"measuring the network with {', '.join(changed) or 'all layers kept'}")
            self.measured[choice] = self._measure(replace(self.model, self._named(choice)))
        return self.measured[choice]

    def _measure_single(self, position: int, candidate: CandidateRow, base: Measurement) -> None:
        if candidate.skipped:
            return
        assert candidate.fp32 is not None
        hopeless = candidate.fp32.agreement < base.agreement - HOPELESS
        if hopeless and not self.search_all:
            candidate.skipped = (
                f"{candidate.kind} not measured: agreement {candidate.fp32.agreement:.4f} already in fp32, "
                f"the kept layer {base.agreement:.4f} in INT8"
            )
            return
        candidate.measured = self.measure(self._single(position, candidate.kind))

    def _single(self, position: int, kind: str) -> Choice:
        return tuple(kind if i == position else "keep" for i in range(len(self.rows)))

    def _combinations(self) -> list[Choice]:
        kinds = [[c.kind for c in row.candidates if c.measured is not None] for row in self.rows]
        if self.search_all:
            every = list(itertools.product(*kinds))
            if len(every) > MOST_COMBINATIONS:
                raise MisuseError(
                    f"{len(every)} combinations of {len(self.rows)} layers (at most {MOST_COMBINATIONS})",
                    hint="leave the search of all combinations off",
                )
            return every
        singles = [
            {self._single(i, kind): self.measured[self._single(i, kind)] for kind in row_kinds}
            for i, row_kinds in enumerate(kinds)
        ]
        return [tuple(self.rule.pick(single, self.keep)[i] for i, single in enumerate(singles))]

    def _named(self, choice: Choice) -> dict[str, str]:
        return {row.name: kind for row, kind in zip(self.rows, choice, strict=True)}

    def _why(self, position: int, best: Choice) -> str:
        base, row = self.measured[self.keep], self.rows[position]
        if best[position] != "keep":
            single = self.measured.get(self._single(position, best[position]))
            assert single is not None
            return self.rule.why(best[position], single, base)
        reasons = [
            c.skipped if c.measured is None else self.rule.why(c.kind, c.measured, base)
            for c in row.candidates
            if c.kind != "keep"
        ]
        return "kept: " + "; ".join(reasons)
