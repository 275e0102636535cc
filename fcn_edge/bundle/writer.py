"""Writing a bundle: into a folder beside the target, hashed, then renamed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.bundle.manifest import (
    BUNDLE,
    DRIFT,
    MAGIC,
    MANIFEST,
    MANIFEST_DIGEST,
    SCHEMA,
    check_manifest,
)
from fcn_edge.ground.artifacts import PathLike, atomic_directory, sha256_bytes, sha256_file

Pair = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


def write_bundle(
    path: PathLike,
    manifest: dict[str, Any],
    model_onnx: Path,
    golden: list[Pair],
    evidence: dict[str, Any],
    min_agreement: float,
    *,
    engines: Path | None = None,
    drift: dict[str, Any] | None = None,
    check: Callable[[Path], None] | None = None,
) -> Path:
    """Write the bundle and return its folder; an existing one is replaced only when the new one is whole.

    A folder that is no bundle, or holds files that its manifest does not list, is a MisuseError.
    manifest: all keys but magic, schema, files and golden. golden: frame uint8 (H, W, 3) BGR and the mask
    uint8 (H, W) the engine gives. evidence: name -> JSON value, written to evidence/NAME.json. engines:
    folder of prebuilt engines, copied to engines/. drift: content of drift.json (quantize.drift). check:
    called with the folder when all is written and nothing is in its place; what it raises drops the bundle.
    """
    with atomic_directory(path, BUNDLE) as folder:
        (folder / "model.onnx").write_bytes(Path(model_onnx).read_bytes())
        frames = _write_golden(folder, golden)
        if engines is not None and any(engines.iterdir()):
            shutil.copytree(engines, folder / "engines")
        for name, value in evidence.items():
            _write_json(folder / "evidence" / f"{name}.json", value)
        if drift is not None:
            (folder / DRIFT).write_text(json.dumps(drift, allow_nan=False) + "\n", encoding="utf-8")
        files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
        full = {
            "magic": MAGIC,
            "schema": SCHEMA,
            **manifest,
            "files": {name: _entry(folder / name) for name in files},
            "golden": {"frames": frames, "min_agreement": min_agreement},
        }
        check_manifest(full, MANIFEST)
        text = json.dumps(full, indent=2, allow_nan=False) + "\n"
        (folder / MANIFEST).write_text(text, encoding="utf-8")
        (folder / MANIFEST_DIGEST).write_text(sha256_bytes(text.encode()) + "\n", encoding="utf-8")
        if check is not None:
            check(folder)
    return Path(path)


def _write_golden(folder: Path, golden: list[Pair]) -> list[dict[str, str]]:
    import cv2

    (folder / "golden").mkdir()
    frames = []
    for index, (frame, mask) in enumerate(golden):
        entry = {"frame": f"golden/{index:03d}.png", "mask": f"golden/{index:03d}.mask.png"}
        for name, image in ((entry["frame"], frame), (entry["mask"], mask)):
            (folder / name).write_bytes(cv2.imencode(".png", image)[1].tobytes())
        frames.append(entry)
    return frames


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _entry(path: Path) -> dict[str, Any]:
    return {"sha256": sha256_file(path), "bytes": path.stat().st_size}
