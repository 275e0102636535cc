"""Where the networks lie that come with the package."""

from __future__ import annotations

from pathlib import Path

from fcn_edge.ground.errors import unknown_name

ZOO = Path(__file__).resolve().parents[1] / "zoo"
PREFIX = "zoo:"


def zoo_file(name: str) -> Path:
    """Return the safetensors file that "zoo:NAME" stands for; an unknown name lists those there are."""
    shipped = sorted(path.stem for path in ZOO.glob("*.safetensors"))
    wanted = name.removeprefix(PREFIX)
    if wanted not in shipped:
        raise unknown_name("zoo model", wanted, shipped)
    return ZOO / f"{wanted}.safetensors"
