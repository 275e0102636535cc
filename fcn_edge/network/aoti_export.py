"""Export of a frame graph to an AOTInductor package: compiled machine code that C++ loads through LibTorch.

The successor of TorchScript. The package holds a shared object for this machine's kind of CPU, so it belongs
to machines like the one it was compiled on.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from torch import nn

from fcn_edge.ground.artifacts import atomic_write_bytes
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.network.frame_graph import FrameGraph


def export_aoti(fcn: nn.Module, size: tuple[int, int], tail: str, path: Path) -> Path:
    """Compile the frame graph of `fcn` for frames of `size` = (H, W) to a .pt2 package; return the path.

    Input and output as export_torchscript. Takes a C++ compiler and a minute or two.
    """
    frame = torch.zeros(1, *size, 3, dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        package = str(Path(folder) / "model.pt2")
        try:
            program = torch.export.export(FrameGraph(fcn, size, tail).eval(), (frame,))
            torch._inductor.aoti_compile_and_package(program, package_path=package)
        except Exception as error:  # inductor wraps the compiler's failures in many types of its own
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise FcnEdgeError(
                f"AOTInductor cannot compile the graph: {reason}", hint="it needs a C++ compiler (g++)"
            ) from error
        return atomic_write_bytes(path, Path(package).read_bytes())
