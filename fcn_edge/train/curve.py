"""The learning curve of a run as curve.csv, written anew after every epoch."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from fcn_edge.ground.artifacts import atomic_write_text

COLUMNS = ("epoch", "step", "seconds", "loss", "lr", "images_per_second", "waiting", "miou", "pixel_accuracy",
           "mean_accuracy", "fw_iou")  # fmt: skip


def write_curve(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write one row an epoch; epochs without validation leave their metrics empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write_text(folder / "curve.csv", text.getvalue())
