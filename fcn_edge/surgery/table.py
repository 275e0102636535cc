"""The record of a decision: every layer, every candidate, what was chosen and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fcn_edge.surgery.candidates import Candidate
from fcn_edge.surgery.fidelity import Measurement
from fcn_edge.surgery.recover import Recovered


@dataclass
class CandidateRow:
    """One way to write one layer, and what is known of it. `skipped` says why it was not measured."""

    kind: str
    form: str = ""
    residual: float | None = None
    checkerboard: float | None = None  # of the layer it draws (checkerboard.checkerboard_index)
    kernel_sqnr_db: float | None = None  # of the layer's own output in fp32, fitted to the kernel
    layer_sqnr_db: float | None = None  # the same after the fit to the layer's inputs (refit.py)
    fp32: Measurement | None = None  # the whole network in fp32 with only this layer replaced
    measured: Measurement | None = None  # the same network quantized, on the engine
    skipped: str = ""
    candidate: Candidate | None = None  # the module itself; not part of the record

    def to_json(self) -> dict[str, Any]:
        """Return kind, form, residual, checkerboard, layer_sqnr_db, fp32{}, and the measured numbers."""
        row: dict[str, Any] = {"kind": self.kind, "form": self.form or self.kind}
        for key in ("residual", "checkerboard", "kernel_sqnr_db", "layer_sqnr_db"):
            value = getattr(self, key)
            row[key] = None if value is None else round(value, 2 if key.endswith("_db") else 6)
        if self.fp32 is not None:
            row["fp32"] = self.fp32.to_json()
        measured = {} if self.measured is None else self.measured.to_json()
        row |= {key: measured.get(key) for key in ("agreement", "sqnr_db", "latency_ms")} | measured
        return row | ({"skipped": self.skipped} if self.skipped else {})


@dataclass
class LayerRow:
    """One transposed convolution and what became of it."""

    name: str
    stride: tuple[int, int]
    kernel: tuple[int, int]
    in_channels: int
    out_channels: int
    groups: int
    candidates: list[CandidateRow] = field(default_factory=list)
    chosen: str = "keep"
    why: str = ""

    def row(self, kind: str) -> CandidateRow:
        """Return the row of one kind."""
        return next(row for row in self.candidates if row.kind == kind)

    def to_json(self) -> dict[str, Any]:
        """Return the layer with its candidates; sizes are [vertical, horizontal]."""
        return {
            "name": self.name,
            "stride": list(self.stride),
            "kernel": list(self.kernel),
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "groups": self.groups,
            "candidates": [row.to_json() for row in self.candidates],
            "chosen": self.chosen,
            "why": self.why,
        }


@dataclass
class SurgeryTable:
    """The decision for a network. `candidates`: layer name -> what it becomes (apply.py applies them)."""

    mode: str  # "auto" or the kind asked for
    layers: list[LayerRow]
    candidates: dict[str, Candidate] = field(default_factory=dict)
    note: str = ""  # one sentence on the whole network
    recovery: Recovered | None = None  # distillation after a lossy choice
    keep: Measurement | None = None  # all layers kept, on the engine
    chosen: Measurement | None = None  # the choice, on the engine

    @property
    def choice(self) -> dict[str, str]:
        """Layer name -> chosen kind."""
        return {layer.name: layer.chosen for layer in self.layers}

    @property
    def changed(self) -> bool:
        """Whether any layer was replaced."""
        return any(kind != "keep" for kind in self.choice.values())

    def to_json(self) -> dict[str, Any]:
        """Return the table as a JSON object (evidence/surgery.json of a bundle)."""
        network = {"keep": self.keep, "chosen": self.chosen}
        table = {
            "mode": self.mode,
            "layers": [layer.to_json() for layer in self.layers],
            "network": {key: value.to_json() for key, value in network.items() if value is not None},
            "note": self.note,
        }
        return table | ({"recovery": self.recovery.to_json()} if self.recovery else {})
