"""Reading a bundle: every byte is checked before any of it is used."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.bundle.manifest import MANIFEST_DIGEST, check_manifest, manifest_path
from fcn_edge.ground.artifacts import PathLike, read_json, sha256_file
from fcn_edge.ground.errors import FcnEdgeError


@dataclass(frozen=True)
class Bundle:
    """A verified bundle folder."""

    path: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """The bundle's name, e.g. road."""
        return str(self.manifest["name"])

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames the graph takes, in pixels."""
        return self.manifest["input"]["height"], self.manifest["input"]["width"]

    @property
    def class_names(self) -> list[str]:
        """Class names in the order of their ids."""
        return [entry["name"] for entry in self.manifest["classes"]]

    @property
    def model(self) -> Path:
        """The ONNX file."""
        return self.path / "model.onnx"

    @property
    def verdict(self) -> str:
        """pass | fail | ungated."""
        return str(self.manifest["gate"]["verdict"])

    def golden(self) -> list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]:
        """Return the golden pairs: frame uint8 (H, W, 3) BGR and mask uint8 (H, W)."""
        import cv2

        pairs = []
        for entry in self.manifest["golden"]["frames"]:
            frame = cv2.imread(str(self.path / entry["frame"]), cv2.IMREAD_COLOR)
            mask = cv2.imread(str(self.path / entry["mask"]), cv2.IMREAD_UNCHANGED)
            if frame is None or mask is None:
                raise FcnEdgeError(f"{self.path}: golden frame {entry['frame']} or its mask is not a PNG")
            if mask.shape != self.size:
                raise FcnEdgeError(
                    f"{self.path / entry['mask']} does not have the bundle's mask size",
                    hint="compile the bundle again",
                )
            pairs.append((frame.astype(np.uint8), mask.astype(np.uint8)))
        return pairs


def read_bundle(path: PathLike) -> Bundle:
    """Return the bundle at `path` after checking its manifest and the size and SHA-256 of every file.

    Raises FcnEdgeError naming the first file that is missing, changed, outside the folder, or an engine that
    the manifest does not vouch for: engines are code.
    """
    folder = Path(path)
    manifest_file = manifest_path(folder)
    _check_manifest_digest(manifest_file)
    manifest = read_json(manifest_file)
    check_manifest(manifest, str(manifest_file))
    for name, entry in manifest["files"].items():
        _check_file(folder, name, entry)
    _check_engines(folder, manifest["files"])
    return Bundle(folder, manifest)


def _check_manifest_digest(manifest_file: Path) -> None:
    digest_file = manifest_file.with_name(MANIFEST_DIGEST)
    if not digest_file.is_file():
        raise FcnEdgeError(
            f"{digest_file} is missing", hint="the bundle is incomplete: compile or copy it again"
        )
    if digest_file.read_text(encoding="utf-8", errors="replace").strip() != sha256_file(manifest_file):
        raise FcnEdgeError(
            f"{manifest_file} does not match its hash",
            hint="the bundle was changed: compile or copy it again",
        )


def _check_file(folder: Path, name: str, entry: dict[str, Any]) -> None:
    file = folder / name
    if not file.is_file():
        raise FcnEdgeError(f"{file} is missing", hint="the bundle is incomplete: compile or copy it again")
    if not file.resolve().is_relative_to(folder.resolve()):
        raise FcnEdgeError(
            f"{file} points outside the bundle", hint="a bundle holds its own files, no links out of it"
        )
    size = file.stat().st_size
    if size != entry["bytes"]:
        raise FcnEdgeError(
            f"{file} has {size} bytes, the manifest says {entry['bytes']}", hint="compile or copy it again"
        )
    if sha256_file(file) != entry["sha256"]:
        raise FcnEdgeError(
            f"{file} does not match its hash", hint="the bundle was changed: compile or copy it again"
        )


def _check_engines(folder: Path, listed: dict[str, Any]) -> None:
    """Refuse what lies under engines/ and is not in the manifest; links to folders are not walked into."""
    root = folder / "engines"
    for place, folders, files in os.walk(root):
        for linked in (Path(place), *(Path(place) / name for name in folders)):
            if linked.is_symlink():
                raise FcnEdgeError(
                    f"{linked} is a link to a folder", hint="a bundle holds its own engines: remove the link"
                )
        for file in sorted(Path(place) / name for name in files):
            if file.relative_to(folder).as_posix() not in listed:
                raise FcnEdgeError(
                    f"{file} is not in the bundle's manifest",
                    hint="remove it: engines built on this machine belong into the cache "
                    "(fcn-edge build-engine)",
                )
