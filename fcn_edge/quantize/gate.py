"""The gate: is the INT8 engine as good as its fp32 original on labelled frames?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class GateVerdict:
    """The decision and the numbers it rests on; all values are fractions.

    metric "miou" when there are labels (drop = fp32_miou - int8_miou), else "agreement"
    (drop = 1 - agreement). worst_class: the class whose IU fell most. Below min_agreement the verdict is fail
    whatever the mean IU: masks that merely score alike are not to be trusted.
    """

    verdict: str  # pass | fail | ungated
    metric: str
    drop: float
    max_drop: float
    min_agreement: float = 0.0
    agreement: float | None = None
    fp32_miou: float | None = None
    int8_miou: float | None = None
    worst_class: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields, for the manifest."""
        return asdict(self)

    def sentence(self) -> str:
        """Say in words what was lost, and where most."""
        if self.verdict == "ungated":
            return "nothing was measured: there was no data to score on"
        if self.metric == "agreement":
            what = f"INT8 changes {self.drop:.2%} of the pixels (no labels to score)"
        else:
            what = (
                f"mean IU went from {self.fp32_miou:.4f} to {self.int8_miou:.4f}, a drop of {self.drop:.4f}"
            )
        worst = self.worst_class
        lost = f", most in class {worst['name']} ({worst['drop']:.4f})" if worst and worst["drop"] > 0 else ""
        limit = "within" if self.drop <= self.max_drop else "over"
        text = f"{what}{lost}: {limit} the limit of {self.max_drop:g}"
        if self.agreement is not None and self.agreement < self.min_agreement:
            text += (
                f"; {self.agreement:.2%} of the pixels agree with fp32, needed are {self.min_agreement:.0%}"
            )
        return text


def judge(
    fp32: dict[str, Any],
    int8: dict[str, Any],
    agreement: float,
    max_drop: float,
    min_agreement: float = 0.0,
) -> GateVerdict:
    """Compare two metrics (train.metrics.ConfusionMatrix.to_json; "miou" None without labels) and decide.

    agreement: share of pixels with the same class in both.
    """
    before, after = fp32.get("miou"), int8.get("miou")
    drop = 1 - agreement if before is None or after is None else before - after
    labelled = before is not None and after is not None
    return GateVerdict(
        verdict="pass" if drop <= max_drop and agreement >= min_agreement else "fail",
        metric="miou" if labelled else "agreement",
        drop=drop,
        max_drop=max_drop,
        min_agreement=min_agreement,
        agreement=agreement,
        fp32_miou=before,
        int8_miou=after,
        worst_class=worst_class(fp32, int8) if labelled else None,
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
