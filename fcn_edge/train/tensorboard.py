"""The learning curve in TensorBoard, where it is installed and asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcn_edge.ground.errors import MisuseError


class Board:
    """Writes one point an epoch under RUN/tensorboard."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MisuseError(
                "--tensorboard, but TensorBoard is not installed", hint="pip install 'fcn-edge[tensorboard]'"
            ) from error
        self.writer = SummaryWriter(str(folder / "tensorboard"))

    def log(self, row: dict[str, Any]) -> None:
        """Write the numbers of a row of the curve, class IUs included."""
        for name, value in row.items():
            if isinstance(value, int | float) and name not in ("epoch", "step"):
                self.writer.add_scalar(name, value, row["epoch"])
        for name, value in (row.get("class_iou") or {}).items():
            if value is not None:
                self.writer.add_scalar(f"class_iou/{name}", value, row["epoch"])
        self.writer.flush()
