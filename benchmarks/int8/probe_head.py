"""An FCN-8s without training: the paper's head fitted in closed form on a pretrained backbone.

    .venv/bin/python benchmarks/int8/probe_head.py mobilenet_v2 --weights FILE --data camvid:DIR \\
        --out runs/probe

With bilinear upsampling the paper's head is linear in the features at strides 8, 16 and 32, so ridge
regression of one-hot labels gives its score layers in about a minute. Good enough to study INT8 on a backbone
that nobody trained here.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fcn_edge.data import IGNORE, open_dataset
from fcn_edge.models import build_model
from fcn_edge.models.fcn import FCN
from fcn_edge.models.frames import to_input
from fcn_edge.models.layers import crop, upsample_bilinear
from fcn_edge.models.spec import ModelSpec
from fcn_edge.train.checkpoint import save_checkpoint

STRIDES = (8, 16, 32)
EVERY = 6  # frames of the train split used
RIDGE = 1e-3  # of the mean feature energy


def stacked_features(fcn: FCN, frame: np.ndarray) -> Tensor:
    """Return float64 (pixels, channels + 1): all features of a frame at stride 8, and a constant."""
    with torch.inference_mode():
        features = fcn.backbone(to_input(torch.from_numpy(frame)[None], fcn.mean, fcn.std))
    up = features[STRIDES[-1]]
    stack = [up]
    for finer in (16, 8):
        height, width = features[finer].shape[-2:]
        stack = [crop(upsample_bilinear(one, 2), height, width) for one in stack]
        stack.insert(0, features[finer])
    flat = torch.cat(stack, 1)[0].flatten(1).T.double()
    return torch.cat([flat, torch.ones(len(flat), 1, dtype=torch.float64)], 1)


def fit(fcn: FCN, dataset, classes: int) -> Tensor:
    """Return (channels + 1, classes) weights: ridge regression, classes weighted by 1/sqrt(frequency)."""
    labels = [dataset[i].mask[4::8, 4::8] for i in range(0, len(dataset), EVERY)]
    counts = np.bincount(np.concatenate([m[m != IGNORE] for m in labels]), minlength=classes)
    weight = torch.from_numpy(np.sqrt(counts.sum() / np.maximum(counts, 1)))
    gram, moment = None, None
    for index, label in zip(range(0, len(dataset), EVERY), labels, strict=True):
        y = torch.from_numpy(label.astype(np.int64)).flatten()
        x, y = stacked_features(fcn, dataset[index].frame)[y != IGNORE], y[y != IGNORE]
        weighted = (x * weight[y][:, None]).T
        one_hot = torch.nn.functional.one_hot(y, classes).double()
        gram = weighted @ x if gram is None else gram + weighted @ x
        moment = weighted @ one_hot if moment is None else moment + weighted @ one_hot
    ridge = RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
    return torch.linalg.solve(gram + ridge, moment).float()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("backbone")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    from safetensors.torch import load_file

    dataset = open_dataset(options.data, "train")
    spec = ModelSpec(f"fcn8s-{options.backbone}", len(dataset.classes), head_width=None, context=False)
    fcn = build_model(spec).eval()
    known = fcn.backbone.state_dict()
    fcn.backbone.load_state_dict({k: v for k, v in load_file(options.weights).items() if k in known})
    solved = fit(fcn, dataset, len(dataset.classes))
    start = 0
    with torch.no_grad():
        for stride in STRIDES:
            layer = fcn.lateral[str(stride)]
            layer.weight.copy_(solved[start : start + layer.in_channels].T[:, :, None, None])
            layer.bias.copy_(solved[-1] if stride == STRIDES[0] else torch.zeros_like(layer.bias))
            start += layer.in_channels
    made = {"made": "closed form, benchmarks/int8/probe_head.py"}
    print(save_checkpoint(options.out, fcn, dataset.classes, made))


if __name__ == "__main__":
    main()
