"""A compilation under way: what was decided first, and what its stages found since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcn_edge.backends import load_backend
from fcn_edge.bundle import Segmenter
from fcn_edge.ground.config import CompileConfig
from fcn_edge.ground.targets import ORACLE, ORACLE_OPTIONS, Target
from fcn_edge.network import Network

Note = Callable[[str], None]


@dataclass
class Build:
    """The state that the stages of compile.py hand on."""

    config: CompileConfig
    target: Target
    original: Network  # as it was trained: what the gate compares with
    network: Network  # as it is after surgery
    work: Path  # temporary folder; work/engines goes into the bundle
    note: Note
    layers: dict[str, int] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)  # what the backend said when it built
    evidence: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def precision(self) -> str:
        """int8 | fp16 | fp32."""
        return self.config.precision

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames that the graph takes."""
        return self.network.size

    @property
    def learned(self) -> dict[str, Any] | None:
        """INT8 ranges that the checkpoint learned (train --qat), unless a recipe asks for calibration."""
        wanted = self.config.int8 and self.config.recipe is None
        return self.network.origin.learned if wanted else None

    @property
    def stride(self) -> int | None:
        """Pixels a score stands for; None when the graph gives masks."""
        return self.network.tail.scale if self.target.tail == "scores" else None

    def warn(self, text: str) -> None:
        """Say it now and keep it for the result."""
        self.warnings.append(text)
        self.note(f"warning: {text}")

    def open(self, model: Path) -> Segmenter:
        """Return the target's engine on an ONNX file, or the oracle where it cannot run here."""
        options = dict(self.config.options) if self.target.engine else ORACLE_OPTIONS
        engine = load_backend(self.target.engine or ORACLE).open(model, self.work / "engines", options)
        return Segmenter(engine, self.size, self.stride)
