"""The gate: is the INT8 engine as good as its fp32 original on labelled frames?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class GateVerdict:
    """The decision and the numbers it rests on; all values are fractions.

    metric "miou" when there are labels (drop = fp32_miou - int8_miou), else "agreement"
    (drop = 1 - agreement). worst_class: the class whose IU fell most.
    """

    verdict: str  # pass | fail | ungated
    metric: str
    drop: float
    max_drop: float
    agreement: float | None = None
    fp32_miou: float | None = None
    int8_miou: float | None = None
    worst_class: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields, for the manifest."""
        return asdict(self)

    def sentence(self) -> str:
        """Say in words what was lost, and where most."""
        if self.metric == "agreement":
            what = f"INT8 changes {self.drop:.2%} of the pixels (no labels to score)"
        else:
            what = (
                f"mean IU went from {self.fp32_miou:.4f} to {self.int8_miou:.4f}, a drop of {self.drop:.4f}"
            )
        worst = self.worst_class
        lost = f", most in class {worst['name']} ({worst['drop']:.4f})" if worst and worst["drop"] > 0 else ""
        limit = "within" if self.verdict == "pass" else "over"
        return f"{what}{lost}: {limit} the limit of {self.max_drop:g}"


def judge(fp32: dict[str, Any], int8: dict[str, Any], agreement: float, max_drop: float) -> GateVerdict:
    """Compare two metrics (train.metrics.ConfusionMatrix.to_json; "miou" None without labels) and decide.

    agreement: share of pixels with the same class in both.
    """
    before, after = fp32.get("miou"), int8.get("miou")
    if before is None or after is None:
        drop = 1 - agreement
        return GateVerdict(_verdict(drop, max_drop), "agreement", drop, max_drop, agreement)
    drop = before - after
    return GateVerdict(
        _verdict(drop, max_drop), "miou", drop, max_drop, agreement, before, after, worst_class(fp32, int8)
    )


def ungated() -> GateVerdict:
    """Return the verdict of a network that nothing was measured on."""
    return GateVerdict("ungated", "none", 0.0, 0.0)


def worst_class(fp32: dict[str, Any], int8: dict[str, Any]) -> dict[str, Any] | None:
    """Return {"name", "drop"} of the class whose IU fell most; classes not scored in both are left out."""
    after = int8["class_iou"]
    drops = {
        name: iou - after[name]
        for name, iou in fp32["class_iou"].items()
        if iou is not None and after.get(name) is not None
    }
    if not drops:
        return None
    name = max(drops, key=drops.__getitem__)
    return {"name": name, "drop": drops[name]}


def _verdict(drop: float, max_drop: float) -> str:
    return "pass" if drop <= max_drop else "fail"
