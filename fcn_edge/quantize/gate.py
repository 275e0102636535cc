"""The gate: is the INT8 engine as good as its fp32 original?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from fcn_edge.quantize.gate_statistics import Intervals


@dataclass(frozen=True)
class Limits:
    """What INT8 may cost; all values are fractions."""

    max_drop: float = 0.01  # of mean IU (without labels: of agreement with fp32)
    max_class_drop: float = 0.05  # of the IU of any one class
    min_agreement: float = (
        0.9  # share of pixels with fp32's class: masks that merely score alike are no proof
    )
    max_boundary_drop: float = 0.02  # of mean IU near the boundaries between labels


@dataclass(frozen=True)
class GateVerdict:
    """The decision and the numbers it rests on; all values are fractions.

    metric "miou" when there are labels (drop = fp32_miou - int8_miou), else "agreement" (drop = 1 -
    agreement). worst_class: the class whose IU fell most. boundary: mean IU near label boundaries, fp32
    against INT8. Intervals are 95 % bootstrap intervals over frames. why: what broke a limit, and what is to
    blame.
    """

    verdict: str  # pass | fail | ungated
    metric: str
    drop: float
    max_drop: float
    max_class_drop: float = 0.0
    min_agreement: float = 0.0
    max_boundary_drop: float = 0.0
    agreement: float | None = None
    agreement_interval: tuple[float, float] | None = None
    fp32_miou: float | None = None
    int8_miou: float | None = None
    drop_interval: tuple[float, float] | None = None
    worst_class: dict[str, Any] | None = None
    boundary: dict[str, Any] | None = None
    why: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields, for the manifest."""
        return asdict(self)

    def sentence(self) -> str:
        """Say in words what was lost, where most, and which limit that breaks."""
        if self.verdict == "ungated":
            return "nothing was measured: there was no data to score on"
        if self.metric == "agreement":
            text = f"the engine changes {self.drop:.2%} of fp32's pixels (no labels to score)"
        else:
            text = (
                f"mean IU went from {self.fp32_miou:.4f} to {self.int8_miou:.4f}, a drop of {self.drop:.4f}"
            )
        worst = self.worst_class
        if worst and worst["drop"] > 0:
            text += f", most in class {worst['name']} ({worst['drop']:.4f})"
        return f"{text}: {'; '.join(self.why) or 'within the limits'}"


def judge(
    fp32: dict[str, Any],
    int8: dict[str, Any],
    agreement: float,
    limits: Limits,
    *,
    intervals: Intervals | None = None,
    boundary: dict[str, float] | None = None,
) -> GateVerdict:
    """Compare two metrics (train.metrics.ConfusionMatrix.to_json; "miou" None without labels) and decide.

    agreement: share of pixels with the same class in both. intervals: how sure the drops are. boundary: mean
    IU near boundaries (quantize.gate_statistics).
    """
    before, after = fp32.get("miou"), int8.get("miou")
    labelled = before is not None and after is not None
    drop = 1 - agreement if before is None or after is None else before - after
    worst = worst_class(fp32, int8) if labelled else None
    why = tuple(_broken(drop, worst, agreement, boundary, limits))
    return GateVerdict(
        verdict="fail" if why else "pass",
        metric="miou" if labelled else "agreement",
        drop=drop,
        **asdict(limits),
        agreement=agreement,
        agreement_interval=intervals.agreement if intervals else None,
        fp32_miou=before,
        int8_miou=after,
        drop_interval=intervals.drop if intervals else None,
        worst_class=worst and {**worst, "interval": intervals and intervals.classes.get(worst["name"])},
        boundary=boundary and {**boundary, "interval": intervals and intervals.boundary},
        why=why,
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


def _broken(
    drop: float,
    worst: dict[str, Any] | None,
    agreement: float,
    boundary: dict[str, float] | None,
    limits: Limits,
) -> list[str]:
    why = []
    if drop > limits.max_drop:
        why.append(f"over the limit of {limits.max_drop:g}")
    if worst and worst["drop"] > limits.max_class_drop:
        why.append(f"class {worst['name']} is over the limit of {limits.max_class_drop:g} for one class")
    if boundary and boundary["drop"] > limits.max_boundary_drop:
        why.append(
            f"near boundaries mean IU drops by {boundary['drop']:.4f}, over the limit of "
            f"{limits.max_boundary_drop:g}"
        )
    if agreement < limits.min_agreement:
        why.append(f"{agreement:.2%} of the pixels agree with fp32, needed are {limits.min_agreement:.0%}")
    return why
