"""Small networks with transposed convolutions, and frames for them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from fcn_edge.models import ModelSpec, build_model
from fcn_edge.models.fcn import FCN


class TinyNet(nn.Module):
    """A strided convolution and two upsamplers, the first with a BatchNorm behind it; 4 classes."""

    mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 4, 1), nn.ReLU())
        self.up = nn.ConvTranspose2d(8, 6, 4, 2, 1)
        self.norm = nn.BatchNorm2d(6)
        self.last = nn.ConvTranspose2d(6, 4, 4, 2, 1)
        self.norm.running_mean.uniform_(-1, 1)
        self.norm.running_var.uniform_(0.5, 2)
        nn.init.uniform_(self.norm.weight, 0.5, 2)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.norm(self.up(self.stem(x)))))


def tiny_fcn(seed: int = 0) -> FCN:
    """Return an FCN-8s with the paper's head and a learned x8, its deconvolutions off the bilinear start."""
    torch.manual_seed(seed)
    spec = ModelSpec("fcn8s-mobilenet_v2", num_classes=3, head_width=None, context=False, final="deconv")
    model = build_model(spec).eval()
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, nn.ConvTranspose2d):
                module.weight.add_(0.02 * torch.randn_like(module.weight))
            elif name.startswith("lateral"):
                for weight in module.parameters(recurse=False):
                    nn.init.normal_(weight, std=0.5)
    return model


def frames(count: int, size: tuple[int, int] = (48, 64), seed: int = 0) -> list[np.ndarray]:
    """Return smooth random pictures, uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.random((count, 3, 5, 6)))
    smooth = nn.functional.interpolate(coarse, size=size, mode="bicubic").clamp(0, 1)
    return list((255 * smooth).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy())
