"""Is INT8 worth it on this machine? Frames through both engines in turns, and a plain sentence if not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fcn_edge.ground.turns import Frame, in_turns
from fcn_edge.quantize.gate import GateVerdict

Segment = Callable[[Frame], Frame]
ROUNDS = 40  # of one frame through each engine
WORTH = 0.95  # of fp32's time: INT8 that takes more of it saves nothing that a user would notice


@dataclass(frozen=True)
class Worth:
    """Time of INT8 over time of fp32 on the same frames, in the same seconds: median and quartiles."""

    ratio: float
    quartiles: tuple[float, float]

    @property
    def worth_it(self) -> bool:
        """Return whether INT8 saves time here."""
        return self.ratio <= WORTH

    def to_json(self) -> dict[str, Any]:
        """Return the record for evidence/worth.json."""
        return {**asdict(self), "worth_it": self.worth_it}

    def sentence(self, gate: GateVerdict) -> str:
        """Say what INT8 saves, and plainly if that is nothing."""
        if self.worth_it:
            return f"a frame takes {self.ratio:.2f} of fp32's time on this machine"
        cost = f" and costs {gate.drop:.4f} of mean IU" if gate.metric == "miou" and gate.drop > 0 else ""
        return f"INT8 is not worth it here: a frame takes {self.ratio:.2f} of fp32's time{cost}"


def weigh(fp32: Segment, int8: Segment, frames: Sequence[Frame], rounds: int = ROUNDS) -> Worth:
    """Return the ratio of the times that both take for a uint8 (H, W, 3) frame, tail included."""
    before, after = in_turns([fp32, int8], frames, rounds)
    low, middle, high = np.percentile(after / before, [25, 50, 75])
    return Worth(round(float(middle), 3), (round(float(low), 3), round(float(high), 3)))
