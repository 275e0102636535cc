"""Small networks with transposed convolutions, as modules and as graphs, and frames for them."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from fcn_edge.models import ModelSpec, build_model
from fcn_edge.models.fcn import FCN
from fcn_edge.network.onnx_export import name_nodes, simplify
from fcn_edge.surgery.apply import install
from fcn_edge.surgery.candidates import make_candidate

SIZE = (48, 64)


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


def frames(count: int, size: tuple[int, int] = SIZE, seed: int = 0) -> list[np.ndarray]:
    """Return smooth random pictures, uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.random((count, 3, 5, 6)))
    smooth = nn.functional.interpolate(coarse, size=size, mode="bicubic").clamp(0, 1)
    return list((255 * smooth).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy())


class WithFrame(nn.Module):
    """A network with the normalisation of frames in front, written here once more."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.fcn = copy.deepcopy(model).eval()

    def forward(self, frame: Tensor) -> Tensor:
        x = frame.float().permute(0, 3, 1, 2).flip(1) / 255
        if hasattr(self.fcn, "mean"):
            mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (self.fcn.mean, self.fcn.std))
            x = (x - mean) / std
        return getattr(self.fcn, "forward_scores", self.fcn)(x)


def graph_of(model: nn.Module, size: tuple[int, int] = SIZE) -> onnx.ModelProto:
    """Return any network as a graph: `frame` in, `scores` out, nodes named after modules."""
    frame = torch.zeros(1, *size, 3, dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            WithFrame(model).eval(), (frame,), str(path), dynamo=True, opset_version=18, external_data=False,
            input_names=["frame"], output_names=["scores"], verbose=False,
        )  # fmt: skip
        made = simplify(onnx.load(path))
    name_nodes(made)
    return made


@lru_cache
def tiny_fcn_graph(size: tuple[int, int] = SIZE) -> onnx.ModelProto:
    """Return the graph of tiny_fcn(); torch takes seconds for it."""
    return graph_of(tiny_fcn(), size)


@lru_cache
def tiny_net_graph() -> onnx.ModelProto:
    """Return the graph of TinyNet()."""
    return graph_of(TinyNet())


@torch.no_grad()
def scores_of(model: nn.Module, pictures: list[np.ndarray]) -> list[np.ndarray]:
    """Return the fp32 class scores (C, h, w) of each picture, computed by PyTorch."""
    network = WithFrame(model).eval()
    return [network(torch.from_numpy(picture[None]))[0].numpy() for picture in pictures]


def replace(model: Any, choice: Mapping[str, str]) -> Any:
    """Return a copy of a module tree with each named layer in its kind, fitted to its kernel alone."""
    layers = dict(model.named_modules())
    return install(model, {name: make_candidate(layers[name], kind) for name, kind in choice.items()})


def deconvs_of(model: nn.Module) -> dict[str, nn.ConvTranspose2d]:
    """Return the transposed convolutions of a module tree by name."""
    return {name: one for name, one in model.named_modules() if isinstance(one, nn.ConvTranspose2d)}
