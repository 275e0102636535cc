"""The manifest of a bundle, schema 1: its keys, and the checks every reader makes before it trusts one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcn_edge.ground.archives import refuse_zipped_bundle
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.ground.folders import Kind, read_record

MAGIC = "fcn-edge-bundle"
SCHEMA = [1, 1]  # major, minor: readers refuse another major, and ignore keys they do not know
MANIFEST, MANIFEST_DIGEST = "manifest.json", "manifest.sha256"
DRIFT = "drift.json"  # histograms of the calibration frames; bundles without it cannot tell drift
LARGEST_SIDE = 16384  # pixels
STRIDES = (1, 4, 8, 16, 32)
INPUT = {"layout": "NHWC", "dtype": "uint8", "color": "BGR", "resize": "linear"}
LEAST_CLASSES, MOST_CLASSES = 2, 255  # one class leaves nothing to choose; ids are bytes and 255 is void
MOST_GOLDEN = 64
LEAST_AGREEMENT = 0.9  # with the golden masks: what asks for less tests nothing
MOST_TEXT = 4096  # bytes


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
        problem = (
            _words_problem(manifest)
            or _classes_problem(manifest["classes"])
            or _shape_problem(manifest)
            or _files_problem(manifest["files"])
            or _golden_problem(manifest)
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise FcnEdgeError(f"{name} lacks or mistypes a key ({type(error).__name__}: {error})") from error
    if problem:
        raise FcnEdgeError(f"{name}: {problem}")


def _words_problem(manifest: dict[str, Any]) -> str:
    """Return which text is missing or another than this version knows, or an empty string."""
    for key, part in (("gate", "verdict"), ("input", "name"), ("output", "name")):
        if not isinstance(manifest[key], dict) or not _is_text(manifest[key].get(part)):
            return f"{key}.{part} is not a text"
    for key in ("name", "target", "precision"):
        if not _is_text(manifest[key]):
            return f"{key} {manifest[key]!r} is not a text"
    for key, known in INPUT.items():
        if manifest["input"][key] != known:
            return f"input.{key} is {manifest['input'][key]!r}, this version knows '{known}'"
    return ""


def _classes_problem(classes: list[Any]) -> str:
    if not isinstance(classes, list) or not LEAST_CLASSES <= len(classes) <= MOST_CLASSES:
        return f"{len(classes)} classes are outside {LEAST_CLASSES}..{MOST_CLASSES}"
    for one in classes:
        if not _is_text(one["name"]):
            return f"class name {one['name']!r} is not a text"
        if not all(_is_integer(one["color"][band], 0, 255) for band in range(3)):
            return f"color of class '{one['name']}' is {one['color']}, not three integers 0..255"
    names = [one["name"] for one in classes]
    twice = [name for name in names if names.count(name) > 1]
    return f"class name '{twice[0]}' is given twice" if twice else ""


def _shape_problem(manifest: dict[str, Any]) -> str:
    frame, output, classes = manifest["input"], manifest["output"], manifest["classes"]
    for side in (frame["height"], frame["width"]):
        if not _is_integer(side, 1, LARGEST_SIDE):
            return f"frame size {frame['height']}x{frame['width']} is outside 1..{LARGEST_SIDE}"
    if not _is_integer(manifest["void_id"], 0, 255):
        return f"void_id {manifest['void_id']!r} is outside 0..255"
    if output["tail"] not in ("scores", "mask"):
        return f"unknown tail '{output['tail']}'"
    if output["tail"] == "scores":
        if output["stride"] not in STRIDES:
            return f"score stride {output['stride']} is not one of {', '.join(map(str, STRIDES))}"
        expected = (len(classes), *(-(-frame[side] // output["stride"]) for side in ("height", "width")))
        found = (output["channels"], output["height"], output["width"])
        if found != expected:
            return f"scores of shape {found} do not fit the frame, {expected} would"
    return ""


def _files_problem(files: dict[str, Any]) -> str:
    for path, entry in files.items():
        if not is_inside(path):
            return f"path '{path}' leaves the bundle"
        if not _is_integer(entry["bytes"], 0, 1 << 40) or not isinstance(entry["sha256"], str):
            return f"entry of '{path}' has no valid size and hash"
    return ""


def _golden_problem(manifest: dict[str, Any]) -> str:
    """Return why the self-test would prove nothing, or which of its files has no hash, or an empty string."""
    frames, agreement = manifest["golden"]["frames"], manifest["golden"]["min_agreement"]
    if not isinstance(frames, list) or not 1 <= len(frames) <= MOST_GOLDEN:
        return f"{len(frames)} golden frames are outside 1..{MOST_GOLDEN}"
    is_number = isinstance(agreement, int | float) and not isinstance(agreement, bool)
    if not is_number or not LEAST_AGREEMENT <= agreement <= 1:
        return f"golden.min_agreement {agreement!r} is outside {LEAST_AGREEMENT}..1"
    listed = ["model.onnx", *(one[key] for one in frames for key in ("frame", "mask"))]
    missing = [path for path in listed if path not in manifest["files"]]
    return f"'{missing[0]}' has no hash in files" if missing else ""


def is_inside(path: str) -> bool:
    """Return whether a manifest path is relative, with forward slashes, and never climbs."""
    if not isinstance(path, str) or not path or "\\" in path or "\0" in path or ":" in path:
        return False
    return not {"", ".", ".."} & set(path.split("/"))  # an empty part: absolute, doubled or trailing slash


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.encode(errors="surrogatepass")) <= MOST_TEXT


def _is_integer(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def manifest_path(folder: Path) -> Path:
    """Return the manifest of a bundle folder; another folder or a missing one is one sentence."""
    refuse_zipped_bundle(folder)
    if folder.is_file():
        raise FcnEdgeError(
            f"{folder} is a file, not a bundle",
            hint="a bundle is a folder NAME.fcne; unpack an archive first",
        )
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
