"""The rule by which a measured replacement is taken, and its reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fcn_edge.surgery.fidelity import Measurement

Choice = tuple[str, ...]  # one kind a layer, in the order of the layers


@dataclass(frozen=True)
class Rule:
    """When a network with replaced layers is taken instead of the one that keeps them all.

    It must be as accurate as keeping (within `same`) and no slower (within `noise`), and win one of the two.
    Accuracy is mean IU where there are labels, else agreement with the original in fp32. Only when keeping
    itself falls below `floor` may something slower win, by accuracy.
    """

    same: float = 0.001  # difference of agreement, or mean IU, that counts as none
    same_db: float = 0.5  # difference of SQNR that counts as none
    noise: float = 0.05  # relative difference of latency that counts as none
    floor: float = 0.95  # least agreement with the original that is good enough

    def pick(self, measured: Mapping[Choice, Measurement], keep: Choice) -> Choice:
        """Return the best of the measured choices; `keep` is one of them and wins a tie."""
        base = measured[keep]
        winners = [c for c, m in measured.items() if c != keep and self.takes(m, base)]
        return max(winners, key=lambda choice: self._merit(measured[choice], base), default=keep)

    def takes(self, new: Measurement, keep: Measurement) -> bool:
        """Tell whether `new` replaces `keep`."""
        if accuracy(new) < accuracy(keep) - self.same:
            return False
        better = self.more_accurate(new, keep)
        if keep.agreement < self.floor and accuracy(new) > accuracy(keep) + self.same:
            return True
        return not self.slower(new, keep) and (better or self.faster(new, keep))

    def more_accurate(self, new: Measurement, keep: Measurement) -> bool:
        """Tell whether `new` is more accurate beyond what counts as none."""
        gain = accuracy(new) - accuracy(keep)
        return gain > self.same or (gain >= 0 and new.sqnr_db > keep.sqnr_db + self.same_db)

    def slower(self, new: Measurement, keep: Measurement) -> bool:
        """Tell whether `new` takes longer beyond the noise.

        Without latencies (an engine that cannot run here), more layers in float count as slower.
        """
        if new.latency_ms is None or keep.latency_ms is None:
            return new.float_layers > keep.float_layers
        return new.latency_ms > keep.latency_ms * (1 + self.noise)

    def faster(self, new: Measurement, keep: Measurement) -> bool:
        """Tell whether `new` takes less time beyond the noise, with the whole of its 95 % interval."""
        if new.latency_ms is None or keep.latency_ms is None:
            return new.float_layers < keep.float_layers
        at_most = new.latency_range_ms[1] if new.latency_range_ms else new.latency_ms
        return at_most * (1 + self.noise) < keep.latency_ms

    def _merit(self, new: Measurement, keep: Measurement) -> tuple[float, float, float]:
        """Accuracy in steps of `same` first, then speed in steps of `noise`, then SQNR."""
        steps = round((accuracy(new) - accuracy(keep)) / self.same)
        speed = float(-new.float_layers)
        if new.latency_ms is not None and keep.latency_ms is not None:
            speed = -round(new.latency_ms / keep.latency_ms / self.noise)
        return steps, speed, new.sqnr_db

    def why(self, kind: str, new: Measurement, keep: Measurement) -> str:
        """Return the reason for or against one candidate of one layer, with the numbers."""
        facts = compare(new, keep)
        if accuracy(new) < accuracy(keep) - self.same:
            return f"{kind} is less accurate: {facts}"
        if self.slower(new, keep):
            if self.takes(new, keep):
                floor = f"keeping agrees on only {keep.agreement:.2%}, under the floor of {self.floor:.0%}"
                return f"{kind} is slower, but the accuracy budget demands it ({floor}): {facts}"
            return f"{kind} is slower: {facts}"
        gains = [
            word
            for word, won in (
                ("more accurate", self.more_accurate(new, keep)),
                ("faster", self.faster(new, keep)),
            )
            if won
        ]
        return f"{kind} is {' and '.join(gains) or 'no better'}: {facts}"


def accuracy(measurement: Measurement) -> float:
    """Return mean IU where it was measured, else agreement."""
    return measurement.agreement if measurement.miou is None else measurement.miou


def compare(new: Measurement, keep: Measurement) -> str:
    """Return the numbers of one network against those of another, in words."""
    parts = [f"agreement {new.agreement:.4f} against {keep.agreement:.4f}"]
    if new.miou is not None and keep.miou is not None:
        parts.append(f"mean IU {new.miou:.4f} against {keep.miou:.4f}")
    parts.append(f"SQNR {new.sqnr_db:.1f} against {keep.sqnr_db:.1f} dB")
    if new.latency_ms is not None and keep.latency_ms is not None:
        parts.append(f"{new.latency_ms:.2f} against {keep.latency_ms:.2f} ms")
    elif keep.precision:
        parts.append(f"{new.float_layers} against {keep.float_layers} layers in float")
    return ", ".join(parts)
