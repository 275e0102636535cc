"""Cut the expansions of MobileNet-EdgeTPU-slim to what its projections need, and write the narrower weights.

    python benchmarks/training/narrow_backbone.py --weights deeplab_edgetpu_slim_cityscapes.safetensors \\
        --data camvid:data/camvid --out runs/edgetpu_narrow.safetensors

Every block is expand -> (depthwise) -> linear 1x1 projection P. With hidden activations h, keep the channels
S and the new projection P' that minimise E|P h - P' h_S|^2 over positions of training frames: S greedily (the
channel that explains most of what is left comes next), P' by least squares. No gradient step is taken.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from fcn_edge.data import Dataset, open_dataset
from fcn_edge.ground.artifacts import atomic_write_bytes
from fcn_edge.models.backbones.mobilenet_edgetpu_slim import Block, MobileNetEdgeTpuSlim
from fcn_edge.models.frames import to_input
from fcn_edge.models.weights import load_into, read_weights


def second_moments(backbone: MobileNetEdgeTpuSlim, data: Dataset, every: int) -> dict[int, np.ndarray]:
    """Return E[h h^T] of the input of every projection, float64 (hidden, hidden), over every n-th frame."""
    sums: dict[int, torch.Tensor] = {}
    seen: dict[int, int] = {}

    def watch(number: int):
        def hook(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            h = inputs[0][0].flatten(1).double()
            sums[number] = sums.get(number, 0) + h @ h.T
            seen[number] = seen.get(number, 0) + h.shape[1]

        return hook

    handles = [
        block.project.conv.register_forward_pre_hook(watch(number))
        for number, block in enumerate(backbone.blocks) if hasattr(block, "expand")
    ]  # fmt: skip
    with torch.inference_mode():
        for i in range(0, len(data), every):
            frame = torch.from_numpy(data[i].frame)[None]
            backbone(to_input(frame, backbone.mean, backbone.std))
    for handle in handles:
        handle.remove()
    return {number: (sums[number] / seen[number]).numpy() for number in sums}


def choose_channels(projection: np.ndarray, moments: np.ndarray, lost: float, multiple: int = 8) -> list[int]:
    """Return the fewest channels, in multiples, that lose at most `lost` of the projection's energy.

    projection: (outputs, hidden) with the BatchNorm scale in it, so that every output counts as it is used.
    """
    residual, cross = moments.copy(), projection @ moments
    energy = left = np.trace(cross @ projection.T)
    chosen: list[int] = []
    while left > lost * energy or len(chosen) % multiple:
        variance = np.diag(residual).clip(1e-9 * moments.max())
        gain = (cross**2).sum(0) / variance
        gain[chosen] = -1
        best = int(gain.argmax())
        ratio = residual[:, best] / variance[best]
        cross = cross - np.outer(cross[:, best], ratio)
        residual = residual - np.outer(ratio, residual[best])
        left -= gain[best]
        chosen.append(best)
    return sorted(chosen)


def narrow_block(block: Block, keep: list[int], moments: np.ndarray) -> None:
    """Drop every hidden channel but `keep`, and refit the projection by least squares."""
    old = block.project.conv.weight.detach().double().flatten(1).numpy()
    inverse = np.linalg.pinv(moments[np.ix_(keep, keep)], rcond=1e-8, hermitian=True)
    new = old @ moments[:, keep] @ inverse
    for part in [block.expand, *([block.depthwise] if hasattr(block, "depthwise") else [])]:
        part.conv.weight = nn.Parameter(part.conv.weight.detach()[keep])
        for name, value in [*part.bn.named_parameters(), *part.bn.named_buffers()]:
            if value.ndim:
                setattr(
                    part.bn,
                    name,
                    nn.Parameter(value.detach()[keep]) if name in ("weight", "bias") else value[keep],
                )
    block.project.conv.weight = nn.Parameter(torch.from_numpy(new).float()[:, :, None, None])


def scaled_projection(block: Block) -> np.ndarray:
    """Return the projection times the BatchNorm scale of its outputs, float64 (outputs, hidden)."""
    bn = block.project.bn
    scale = (bn.weight / torch.sqrt(bn.running_var + bn.eps)).detach().double()
    return (scale[:, None] * block.project.conv.weight.detach().double().flatten(1)).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--lost", type=float, default=0.012, help="share of a projection's energy that may go"
    )
    parser.add_argument("--every", type=int, default=8, help="use every n-th training frame")
    options = parser.parse_args()

    backbone = MobileNetEdgeTpuSlim().eval()
    print(load_into(backbone, read_weights(options.weights), backbone.classifier_keys))
    moments = second_moments(backbone, open_dataset(options.data, "train"), options.every)
    widths = {}
    for number, seen in moments.items():
        block = backbone.blocks[number]
        keep = choose_channels(scaled_projection(block), seen, options.lost)
        narrow_block(block, keep, seen)
        widths[number] = len(keep)
    atomic_write_bytes(options.out, save({k: v.contiguous() for k, v in backbone.state_dict().items()}))
    print(f"NARROW_WIDTHS = {widths}")


if __name__ == "__main__":
    main()
