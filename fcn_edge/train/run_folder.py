"""The folder of a run: which files are written there, and whether they may be."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from safetensors import SafetensorError, safe_open

from fcn_edge.ground.apart import check_apart
from fcn_edge.ground.artifacts import PathLike, check_folder
from fcn_edge.ground.folders import check_names, read_record
from fcn_edge.train.checkpoint import HEADER
from fcn_edge.train.state import FILE

WEIGHTS = {
    "model.safetensors": HEADER,
    "last.safetensors": HEADER,
    FILE: "state",
}  # file -> key of its header
NAMES = (*WEIGHTS, "model.json", "last.json", "curve.csv", "curve.png", "predictions.png")


def check_run_folder(
    out: Path, inputs: Iterable[PathLike | None] = (), *, data: Iterable[str | None] = (), flag: str = "--out"
) -> None:
    """Raise MisuseError where a run in `out` would overwrite an input, or files that no run of ours wrote.

    inputs, data: as for check_apart. An earlier run of ours is overwritten, file by file.
    """
    check_folder(out, flag)
    check_apart(flag, out, inputs, data=data, names=NAMES)
    ours = [name for name, key in WEIGHTS.items() if _has_header(out / name, key)]
    check_names(out, [name for name in WEIGHTS if name not in ours], "run", False, flag)
    others = [name for name in NAMES if name not in WEIGHTS]
    check_names(out, others, "run", bool(ours) or "weights_sha256" in read_record(out / "model.json"), flag)


def _has_header(path: Path, key: str) -> bool:
    try:
        with safe_open(path, framework="pt") as file:
            return key in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False
