"""How long it takes to fit every stand-in of every transposed convolution of an FCN-8s.

    python benchmarks/surgery/surgery_fit.py [--json]

Frames of 360x480. `kernel`: all candidates of all layers in closed form. `inputs`: the fit of the lossy ones
to what their layer is given on four frames (random maps of the right size: values do not change the time).
Median of three runs. Writes benchmarks/results/surgery_fit.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from fcn_edge.ground.artifacts import atomic_write_json, provenance
from fcn_edge.ground.machine import cpu_flags, cpu_model, int8_path, usable_cores
from fcn_edge.models import ModelSpec, build_model
from fcn_edge.surgery.candidates import KINDS, LOSSY, make_candidate
from fcn_edge.surgery.refit import refit

sys.path.insert(0, str(Path(__file__).parents[1]))  # benchmarks/
from common.nets import commit

RESULT = Path("benchmarks/results/surgery_fit.json")
SIZE = (360, 480)
FRAMES = 4
RUNS = 3
NETS = {
    "fcn8s-vgg16, paper head, 21 classes, learned x8": ModelSpec("fcn8s-vgg16", 21, None, False, "deconv"),
    "fcn8s-resnet18, paper head, 11 classes, learned x8": ModelSpec(
        "fcn8s-resnet18", 11, None, False, "deconv"
    ),
    "fcn8s-efficientnet_lite0, edge head of 96": ModelSpec("fcn8s-efficientnet_lite0", 11),
}
STRIDES = {"up.16": 32, "up.8": 16, "final": 8}  # pixels a sample of the layer's input stands for


def main() -> None:
    """Time the fits of all networks and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    record = {
        "commit": commit(),
        "cpu": {"model": cpu_model(), "int8": int8_path(cpu_flags()), "cores": usable_cores()},
        "size": list(SIZE),
        "nets": [{"net": name, **fit(spec)} for name, spec in NETS.items()],
        "provenance": provenance("python " + " ".join(sys.argv)),
    }
    atomic_write_json(options.out, record)
    lines = [f"{row['net']}: {row['kernel_s']:.2f} + {row['inputs_s']:.2f} s" for row in record["nets"]]
    print(json.dumps(record, indent=2) if options.json else "\n".join(lines))


def fit(spec: ModelSpec) -> dict[str, Any]:
    """Return the seconds that all fits of one network take."""
    torch.manual_seed(0)
    found = build_model(spec).named_modules()
    layers = {name: module for name, module in found if isinstance(module, nn.ConvTranspose2d)}
    for module in layers.values():  # off the bilinear start, as training leaves them
        module.weight.data += 0.02 * torch.randn_like(module.weight)
    runs = [_once(layers) for _ in range(RUNS)]
    kernel, inputs = np.median(runs, axis=0)
    return {
        "layers": list(layers),
        "kernel_s": round(kernel, 3),
        "inputs_s": round(inputs, 3),
    }


def _once(layers: dict[str, nn.ConvTranspose2d]) -> tuple[float, float]:
    start = time.perf_counter()
    made = [(name, make_candidate(layers[name], kind)) for name in layers for kind in KINDS]
    middle = time.perf_counter()
    for name, candidate in made:
        if candidate.kind in LOSSY:
            refit(candidate.module, layers[name], _inputs(name, layers[name]))
    return middle - start, time.perf_counter() - middle


def _inputs(name: str, layer: nn.ConvTranspose2d) -> list[torch.Tensor]:
    height, width = (-(-size // STRIDES[name]) for size in SIZE)
    return [torch.randn(1, layer.in_channels, height, width) for _ in range(FRAMES)]


if __name__ == "__main__":
    main()
