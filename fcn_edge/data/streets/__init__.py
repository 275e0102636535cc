"""`streets`: a procedural driving set with CamVid's eleven classes, any size, seeded, with exact masks."""

from __future__ import annotations

from fcn_edge.data.streets.clip import drive
from fcn_edge.data.streets.dataset import StreetsDataset, open_streets
from fcn_edge.data.streets.folder import render_clip, write_folder

__all__ = ["StreetsDataset", "drive", "open_streets", "render_clip", "write_folder"]
