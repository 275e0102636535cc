"""`streets`: a procedural driving set with CamVid's eleven classes, any size, seeded, with exact masks."""

from __future__ import annotations

from fcn_edge.data.streets.dataset import StreetsDataset, open_streets

__all__ = ["StreetsDataset", "open_streets"]
