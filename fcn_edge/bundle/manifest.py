"""The manifest of a bundle, schema 1: its keys, and the checks every reader makes before it trusts one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.ground.folders import Kind, read_record

MAGIC = "fcn-edge-bundle"
SCHEMA = [1, 1]  # major, minor: readers refuse another major, and ignore keys they do not know
MANIFEST, MANIFEST_DIGEST = "manifest.json", "manifest.sha256"
DRIFT = "drift.json"  # histograms of the calibration frames; bundles without it cannot tell drift
LARGEST_SIDE = 16384  # pixels
STRIDES = (1, 4, 8, 16, 32)


def listed_files(folder: Path) -> set[str] | None:
    """Return the files that belong to a bundle, sound or not; None where `folder` is none."""
    manifest = read_record(folder / MANIFEST)
    files = manifest.get("files")
    if manifest.get("magic") != MAGIC or not isinstance(files, dict):
        return None
    return {*files, MANIFEST, MANIFEST_DIGEST}


BUNDLE = Kind("bundle", listed_files)


def check_manifest(manifest: Any, name: str) -> None:
    """Raise one sentence naming the file unless `manifest` is one this version can trust the shape of."""
    if not isinstance(manifest, dict) or manifest.get("magic") != MAGIC:
        raise FcnEdgeError(
            f"{name} is not the manifest of a fcn-edge bundle", hint=f"its magic must be '{MAGIC}'"
        )
    schema = manifest.get("schema")
    if not isinstance(schema, list) or not schema or schema[0] != SCHEMA[0]:
        raise FcnEdgeError(
            f"{name} has schema {schema}, this version reads {SCHEMA[0]}", hint="update fcn-edge"
        )
    try:
        problem = _problem(manifest)
    except (KeyError, TypeError, AttributeError) as error:
        raise FcnEdgeError(f"{name} lacks or mistypes a key ({type(error).__name__}: {error})") from error
    if problem:
        raise FcnEdgeError(f"{name}: {problem}")


def _problem(manifest: dict[str, Any]) -> str:
    """Return what is absurd about sizes, classes and paths, or an empty string."""
    frame, output, classes = manifest["input"], manifest["output"], manifest["classes"]
    for side in (frame["height"], frame["width"]):
        if not _is_integer(side, 1, LARGEST_SIDE):
            return f"frame size {frame['height']}x{frame['width']} is outside 1..{LARGEST_SIDE}"
    if not 1 <= len(classes) <= 255:
        return f"{len(classes)} classes are outside 1..255"
    if output["tail"] not in ("scores", "mask"):
        return f"unknown tail '{output['tail']}'"
    if output["tail"] == "scores":
        if output["stride"] not in STRIDES:
            return f"score stride {output['stride']} is not one of {', '.join(map(str, STRIDES))}"
        expected = (len(classes), *(-(-frame[side] // output["stride"]) for side in ("height", "width")))
        found = (output["channels"], output["height"], output["width"])
        if found != expected:
            return f"scores of shape {found} do not fit the frame, {expected} would"
    for path, entry in manifest["files"].items():
        if not is_inside(path):
            return f"path '{path}' leaves the bundle"
        if not _is_integer(entry["bytes"], 0, 1 << 40) or not isinstance(entry["sha256"], str):
            return f"entry of '{path}' has no valid size and hash"
    listed = [
        "model.onnx",
        *(frame[key] for frame in manifest["golden"]["frames"] for key in ("frame", "mask")),
    ]
    missing = [path for path in listed if path not in manifest["files"]]
    return f"'{missing[0]}' has no hash in files" if missing else ""


def is_inside(path: str) -> bool:
    """Return whether a manifest path is relative, with forward slashes, and never climbs."""
    if not isinstance(path, str) or not path or "\\" in path or "\0" in path or ":" in path:
        return False
    return not {"", ".", ".."} & set(path.split("/"))  # an empty part: absolute, doubled or trailing slash


def _is_integer(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def manifest_path(folder: Path) -> Path:
    """Return the manifest of a bundle folder; another folder or a missing one is one sentence."""
    if not folder.is_dir():
        raise FcnEdgeError(
            f"no such bundle: {folder}", hint="a bundle is a folder written by fcn-edge compile"
        )
    path = folder / MANIFEST
    if not path.is_file():
        raise FcnEdgeError(
            f"{folder} has no {MANIFEST}", hint="a bundle is a folder written by fcn-edge compile"
        )
    return path
