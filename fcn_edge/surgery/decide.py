"""Decide, by measurement on the target, what each transposed convolution becomes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace

import onnx
from torch import nn

from fcn_edge.ground.errors import FcnEdgeError, MisuseError, unknown_name
from fcn_edge.surgery.candidates import EXACT, KINDS, Candidate
from fcn_edge.surgery.describe import Frames, describe
from fcn_edge.surgery.fidelity import Measurement
from fcn_edge.surgery.find import left_alone, list_upsamplers
from fcn_edge.surgery.recover import FEWEST_FRAMES, recover
from fcn_edge.surgery.rule import Choice, Rule
from fcn_edge.surgery.table import CandidateRow, LayerRow, SurgeryTable

Stand = Mapping[str, nn.Module]  # node name -> its stand-in; nodes that are kept are not in it
Measure = Callable[[Stand], Measurement]
Progress = Callable[[str], None]

MODES = ("auto", *KINDS)
MOST_COMBINATIONS = 64  # beyond this a search of all combinations is refused: a measurement takes 10 s or so
RECOVERY_FRAMES = 24  # at least: enough for the few weights of the stand-ins
HOPELESS = 0.005  # agreement lost in fp32, beyond what keeping loses in INT8, that saves a measurement


def decide(
    model: onnx.ModelProto,
    frames: Frames,
    measure: Measure | None,
    mode: str = "auto",
    *,
    rule: Rule | None = None,
    search_all: bool = False,
    progress: Progress | None = None,
) -> SurgeryTable:
    """Return the decision for every ConvTranspose of a scores graph, which is not changed.

    frames: uint8 (H, W, 3) BGR, from the data the network is for; without any, lossy candidates keep the fit
    to their kernel. measure: takes the stand-ins of some nodes, quantizes and runs the graph with them on the
    target and compares it with the original in fp32; it is called once for the original, once for every
    candidate of every layer, once for the combination of the winners, and once more for the best: of many
    noisy measurements the best one flatters itself, so it has to win again, and the second measurement is the
    one reported. A lossy candidate that disagrees with the original more in fp32 than keeping does in INT8 is
    not measured. search_all measures every combination of candidates instead. `frames` should not be those
    that `measure` judges by. mode: a kind to force wherever a layer has it, or "auto" to choose by `rule`. A
    lossy choice is distilled from the original at the end (recover.py).
    """
    if mode not in MODES:
        raise unknown_name("--upsample", mode, MODES)
    layers, alone = list_upsamplers(model), left_alone(model)
    untouched = "; ".join(f"{name} is left alone: {why}" for name, why in alone.items())
    if not layers:
        none = "no transposed convolution in this network: nothing to operate on"
        return SurgeryTable(mode, [], note=untouched or none)
    say = progress or (lambda text: None)
    say(f"fitting {len(KINDS) - 1} stand-ins for each of {len(layers)} transposed convolutions")
    search = _Search(describe(model, frames), measure, rule or Rule(), say)
    table = search.auto(search_all) if mode == "auto" and measure is not None else search.forced(mode)
    _note(table, untouched)
    return _recovered(table, model, frames, measure, say)


def _recovered(
    table: SurgeryTable, original: onnx.ModelProto, frames: Frames, measure: Measure | None, say: Progress
) -> SurgeryTable:
    """Distil a lossy choice from the original, and measure it again."""
    lossy = any((row.row(row.chosen).residual or 0) > EXACT for row in table.layers)
    if not lossy:
        return table
    if len(frames) < FEWEST_FRAMES:
        few = f"{len(frames)} frames are too few to distil the lossy layers from the original"
        _note(table, few)
        return table
    say("recovering the replaced layers by distillation from the original")
    try:
        chosen = frames[:: max(1, len(frames) // RECOVERY_FRAMES)]
        table.recovery = recover(original, modules_of(table.candidates), chosen)
    except FcnEdgeError as error:
        _note(table, f"the lossy layers are not distilled: {error.what}")
        return table
    for name, module in table.recovery.modules.items():
        table.candidates[name] = replace(table.candidates[name], module=module)
    if measure is not None and table.recovery.steps:
        table.chosen = measure(modules_of(table.candidates))
    return table


def _note(table: SurgeryTable, text: str) -> None:
    table.note = ". ".join(filter(None, [table.note, text]))


def modules_of(candidates: Mapping[str, Candidate]) -> dict[str, nn.Module]:
    """Return the stand-ins of the layers that are not kept."""
    return {name: one.module for name, one in candidates.items() if one.kind != "keep"}


class _Search:
    """Measure the network with one layer replaced at a time, then with the winners together."""

    def __init__(self, rows: list[LayerRow], measure: Measure | None, rule: Rule, say: Progress) -> None:
        self.rows, self.rule = rows, rule
        self._measure, self._say = measure, say
        self.keep: Choice = ("keep",) * len(rows)
        self.measured: dict[Choice, Measurement] = {}

    def forced(self, mode: str) -> SurgeryTable:
        """Apply one kind wherever a layer has it; "auto", without a measure, keeps all."""
        kind = "keep" if mode == "auto" else mode
        asked = "kept: nothing was measured" if mode == "auto" else f"--upsample {kind} was asked for"
        for row in self.rows:
            reason = row.row(kind).skipped
            row.chosen = "keep" if reason else kind
            row.why = f"{asked}, but {reason}" if reason else asked
        return self._table(mode, tuple(row.chosen for row in self.rows))

    def auto(self, search_all: bool) -> SurgeryTable:
        """Measure and choose by the rule."""
        base = self.measure(self.keep)
        for position, row in enumerate(self.rows):
            for candidate in row.candidates:
                self._measure_single(position, candidate, base, search_all)
        for choice in self._combinations(search_all):
            self.measure(choice)
        best = self._confirmed()
        for position, row in enumerate(self.rows):
            row.chosen = best[position]
            row.why = self._why(position, best)
        return self._table("auto", best)

    def measure(self, choice: Choice, which: str = "") -> Measurement:
        """Return the latest measurement of a choice, taken if there is none. which: for the progress."""
        assert self._measure is not None
        if choice not in self.measured:
            pairs = zip(self.rows, choice, strict=True)
            changed = [f"{row.name} as {kind}" for row, kind in pairs if kind != "keep"]
            self._say(f"measuring {which}the network with {', '.join(changed) or 'all layers kept'}")
            self.measured[choice] = self._measure(modules_of(self._candidates(choice)))
        return self.measured[choice]

    def _confirmed(self) -> Choice:
        """Return the best choice whose second measurement is taken too."""
        left = dict(self.measured)
        while (best := self.rule.pick(left, self.keep)) != self.keep:
            del self.measured[best]
            if self.rule.takes(self.measure(best, "once more "), left[self.keep]):
                return best
            del left[best]
        return self.keep

    def _table(self, mode: str, choice: Choice) -> SurgeryTable:
        table = SurgeryTable(mode, self.rows, self._candidates(choice))
        if self._measure is not None:
            table.keep, table.chosen = self.measure(self.keep), self.measure(choice)
            table.note = f"{len(self.measured)} networks measured"
        for position, row in enumerate(self.rows):
            for candidate in row.candidates:
                candidate.measured = self.measured.get(self._single(position, candidate.kind))
        return table

    def _candidates(self, choice: Choice) -> dict[str, Candidate]:
        chosen = {row.name: row.row(kind).candidate for row, kind in zip(self.rows, choice, strict=True)}
        return {name: candidate for name, candidate in chosen.items() if candidate is not None}

    def _measure_single(
        self, position: int, candidate: CandidateRow, base: Measurement, search_all: bool
    ) -> None:
        if candidate.skipped:
            return
        in_fp32 = candidate.fp32.agreement if candidate.fp32 else 1.0
        if in_fp32 < base.agreement - HOPELESS and not search_all:
            candidate.skipped = (
                f"{candidate.kind} not measured: agreement {in_fp32:.4f} already in fp32, "
                f"the kept layer {base.agreement:.4f} in INT8"
            )
            return
        candidate.measured = self.measure(self._single(position, candidate.kind))

    def _single(self, position: int, kind: str) -> Choice:
        return tuple(kind if i == position else "keep" for i in range(len(self.rows)))

    def _combinations(self, search_all: bool) -> list[Choice]:
        kinds = [[c.kind for c in row.candidates if c.measured is not None] for row in self.rows]
        if search_all:
            every = list(itertools.product(*kinds))
            if len(every) > MOST_COMBINATIONS:
                raise MisuseError(
                    f"{len(every)} combinations of {len(self.rows)} layers (at most {MOST_COMBINATIONS})",
                    hint="leave the search of all combinations off",
                )
            return every
        winners = []
        for position, own in enumerate(kinds):
            singles = [self._single(position, kind) for kind in own]
            best = self.rule.pick({single: self.measured[single] for single in singles}, self.keep)
            winners.append(best[position])
        return [tuple(winners)]

    def _why(self, position: int, best: Choice) -> str:
        base, row = self.measured[self.keep], self.rows[position]
        if best[position] != "keep":
            alone = self.measured[self._single(position, best[position])]
            if self.rule.takes(alone, base):
                return self.rule.why(best[position], alone, base)
            together = self.rule.why("all of it together", self.measured[best], base)
            return f"{best[position]} only with what the other layers became: {together}"
        reasons = [
            c.skipped or self.rule.why(c.kind, self.measured[self._single(position, c.kind)], base)
            for c in row.candidates
            if c.kind != "keep"
        ]
        return "kept: " + "; ".join(reasons)
