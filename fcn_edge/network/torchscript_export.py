"""Export of a frame graph to a TorchScript file that LibTorch loads from C++ without Python.

PyTorch calls TorchScript deprecated (2.13 warns on every torch.jit call) and offers AOTInductor instead; the
format stays here as long as C++ `torch::jit::load` reads it.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import torch
from torch import nn

from fcn_edge.ground.artifacts import atomic_write_bytes
from fcn_edge.network.frame_graph import FrameGraph


def export_torchscript(fcn: nn.Module, size: tuple[int, int], tail: str, path: Path) -> Path:
    """Write the frame graph of `fcn` for frames of `size` = (H, W) as TorchScript and return the path.

    Input: uint8 (1, H, W, 3) BGR. Output: as FrameGraph's tail. The graph is traced and frozen: weights are
    constants, BatchNorm is folded into convolutions, and the frame size is fixed.
    """
    graph = FrameGraph(fcn, size, tail).eval()
    frame = torch.zeros(1, *size, 3, dtype=torch.uint8)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.jit.freeze(torch.jit.trace(graph, (frame,), check_trace=False))
        buffer = io.BytesIO()
        torch.jit.save(module, buffer)
    return atomic_write_bytes(path, buffer.getvalue())
