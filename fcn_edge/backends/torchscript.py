"""TorchScript: the float network as one file for LibTorch, for boxes that already carry PyTorch."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.ground.errors import FcnEdgeError

FILE = Path("torchscript") / "model.pt"


def export(fcn: Any, size: tuple[int, int], tail: str, engines_dir: Path) -> Path:
    """Write the network's TorchScript file under `engines_dir` and return it."""
    from fcn_edge.network.torchscript_export import export_torchscript

    return export_torchscript(fcn, size, tail, engines_dir / FILE)


def build(model_onnx: Path, out_dir: Path, options: dict[str, str]) -> dict[str, Any]:
    """Say what was exported: TorchScript files are ready to load."""
    return {"engine": "torchscript", "prebuilt": True, "file": FILE.as_posix(), "version": _version()}


def open(model_onnx: Path, engines_dir: Path | None, options: dict[str, str]) -> TorchScriptEngine:
    """Load the bundle's TorchScript file on the CPU."""
    path = (engines_dir or Path()) / FILE
    if not path.is_file():
        raise FcnEdgeError(f"{path} is missing", hint="compile the bundle again with --target torchscript")
    return TorchScriptEngine(path)


class TorchScriptEngine:
    """A frozen module on the CPU."""

    def __init__(self, path: Path) -> None:
        import torch

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # every torch.jit call says that TorchScript is deprecated
                self._module = torch.jit.load(str(path), map_location="cpu").eval()
        except (RuntimeError, ValueError) as error:
            raise FcnEdgeError(f"LibTorch cannot load {path}: {str(error).splitlines()[0]}") from error

    def infer(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return scores or mask of one frame (see backends.Engine)."""
        import torch

        with torch.inference_mode():
            return np.asarray(self._module(torch.from_numpy(frame[None]))[0].numpy())

    def describe(self) -> dict[str, Any]:
        """Return engine, version and device."""
        return {"engine": "torchscript", "version": _version(), "device": "CPU"}


def _version() -> str:
    import torch

    return str(torch.__version__)
