"""What an NVIDIA engine was made from and for. Any difference means: build it from model.onnx again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fcn_edge.ground.artifacts import (
    atomic_write_bytes,
    atomic_write_json,
    hash_json,
    read_json,
    sha256_bytes,
)
from fcn_edge.ground.errors import FcnEdgeError


@dataclass(frozen=True)
class EngineKey:
    """Identity of an engine.

    version: of the library, see release(). device: name and SM of the GPU ("NVIDIA Orin, sm87"), or the
    compute capabilities an ahead-of-time engine is for ("sm80+sm86"). options: everything else that changes
    the bytes.
    """

    model_sha256: str
    engine: str
    version: str
    device: str
    options: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the key as JSON types."""
        return asdict(self)

    @property
    def digest(self) -> str:
        """Return 16 hex digits that name the engine's files."""
        return hash_json(self.to_json())[:16]


def release(version: str) -> str:
    """Return major.minor.patch of a library version: as much as the C++ runtime compares."""
    return ".".join(version.split(".")[:3])


def engine_path(folder: Path, key: EngineKey) -> Path:
    """Return where the engine of `key` lies under `folder`; beside it, NAME.json holds the key."""
    return folder / key.engine / f"{key.digest}.engine"


def store_engine(folder: Path, key: EngineKey, plan: bytes, facts: dict[str, Any]) -> Path:
    """Write the engine, then its side file, each atomically: an engine without a side file is not used."""
    path = engine_path(folder, key)
    side = {"key": key.to_json(), "sha256": sha256_bytes(plan), "bytes": len(plan), **facts}
    atomic_write_bytes(path, plan)
    atomic_write_json(path.with_suffix(".json"), side)
    return path


def find_engine(folder: Path | None, key: EngineKey, sm: int) -> bytes | None:
    """Return the newest stored engine that fits `key` and a GPU of compute capability `sm`; None without one.

    Of the options those in `key` count: any engine of this model, library and device gives the same masks.
    """
    paths = sorted((folder / key.engine).glob("*.json"), key=_age) if folder else []
    for path in paths:
        found = _read(path.with_suffix(".engine"))
        if found and _fits(found[0], key, sm):
            return found[1]
    return None


def _age(path: Path) -> tuple[int, str]:
    return -path.stat().st_mtime_ns, path.name


def _fits(stored: dict[str, Any], key: EngineKey, sm: int) -> bool:
    wanted = key.to_json()
    if any(stored.get(name) != wanted[name] for name in ("model_sha256", "engine", "version")):
        return False
    device, options = str(stored.get("device")), stored.get("options")
    if not isinstance(options, dict) or any(options.get(name) != key.options[name] for name in key.options):
        return False
    return device == key.device or f"sm{sm}" in device.split("+")


def _read(path: Path) -> tuple[dict[str, Any], bytes] | None:
    """Return key and bytes of a stored engine; None when it is damaged or was never finished."""
    try:
        side, plan = read_json(path.with_suffix(".json")), path.read_bytes()
    except (FcnEdgeError, OSError):
        return None
    if not isinstance(side, dict) or not isinstance(side.get("key"), dict):
        return None
    return (side["key"], plan) if side.get("sha256") == sha256_bytes(plan) else None
