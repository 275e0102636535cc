"""AOTInductor: the float network compiled to machine code, loaded through LibTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.ground.errors import FcnEdgeError

FILE = Path("aoti") / "model.pt2"


def export(fcn: Any, size: tuple[int, int], tail: str, engines_dir: Path) -> Path:
    """Compile the network's package under `engines_dir` and return it."""
    from fcn_edge.network.aoti_export import export_aoti

    return export_aoti(fcn, size, tail, engines_dir / FILE)


def build(model_onnx: Path, out_dir: Path, options: dict[str, str]) -> dict[str, Any]:
    """Say what was exported: packages are ready to load on CPUs like this machine's."""
    return {"engine": "aoti", "prebuilt": True, "file": FILE.as_posix(), "version": _version()}


def open(model_onnx: Path, engines_dir: Path | None, options: dict[str, str]) -> AotiEngine:
    """Load the bundle's package."""
    path = (engines_dir or Path()) / FILE
    if not path.is_file():
        raise FcnEdgeError(f"{path} is missing", hint="compile the bundle again with --target aoti")
    return AotiEngine(path)


class AotiEngine:
    """A compiled package on the CPU."""

    def __init__(self, path: Path) -> None:
        import torch

        try:
            self._run = torch._inductor.aoti_load_package(str(path))
        except Exception as error:  # zip, dlopen and inductor each fail with types of their own
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise FcnEdgeError(f"LibTorch cannot load {path}: {reason}") from error

    def infer(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return scores or mask of one frame (see backends.Engine)."""
        import torch

        with torch.inference_mode():
            output = self._run(torch.from_numpy(frame[None]))
        return np.array((output[0] if isinstance(output, list | tuple) else output)[0])

    def describe(self) -> dict[str, Any]:
        """Return engine, version and device."""
        return {"engine": "aoti", "version": _version(), "device": "CPU"}


def _version() -> str:
    import torch

    return str(torch.__version__)
