"""CPU seconds of one training step under alternatives: memory layout, frozen parts, backbone.

    python benchmarks/training/step_cost.py

CPU time of the process (user and system), one thread: it says what a step costs on a shared
machine, where wall-clock time says who else was there.
"""

from __future__ import annotations

import argparse
import resource
from typing import NamedTuple

import torch
import torch.nn.functional as F

from fcn_edge.models import ModelSpec, build_model
from fcn_edge.train.freeze import Frozen


class Case(NamedTuple):
    """One row: a model, its head width, the layout of tensors, and what is frozen."""

    model: str
    width: int
    layout: torch.memory_format = torch.channels_last
    freeze: str = ""


EARLY = "stem,blocks.0,blocks.1,blocks.2,blocks.3,blocks.4"
CASES = (
    Case("fcn8s-efficientnet_lite0", 96, torch.contiguous_format),
    Case("fcn8s-efficientnet_lite0", 96),
    Case("fcn8s-mobilenet_edgetpu_narrow", 64, torch.contiguous_format),
    Case("fcn8s-mobilenet_edgetpu_narrow", 64),
    Case("fcn8s-mobilenet_edgetpu_narrow", 64, freeze="stem,blocks.0,blocks.1"),
    Case("fcn8s-mobilenet_edgetpu_narrow", 64, freeze=EARLY),
)


def cpu_seconds() -> float:
    """Return CPU time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(case: Case, batch: int, size: tuple[int, int], steps: int) -> float:
    """Return CPU seconds a step after one step of warm-up."""
    torch.manual_seed(0)
    model = build_model(ModelSpec(case.model, 11, case.width)).to(memory_format=case.layout).train()
    Frozen(model.backbone, case.freeze).hold()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    x = torch.randn(batch, 3, *size).to(memory_format=case.layout)
    target = torch.randint(0, 11, (batch, *size))
    for step in range(steps + 1):
        if step == 1:
            start = cpu_seconds()
        optimizer.zero_grad()
        F.cross_entropy(model(x), target).backward()
        optimizer.step()
    return (cpu_seconds() - start) / steps


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| model | layout | frozen | CPU s a step |\n|---|---|---|---|")
    for case in CASES:
        cost = measure(case, options.batch, (288, 384), options.steps)
        layout = "channels last" if case.layout == torch.channels_last else "NCHW"
        print(f"| `{case.model}` | {layout} | {case.freeze or 'nothing'} | {cost:.2f} |")


if __name__ == "__main__":
    main()
