"""What a compilation says about its bundle in the manifest (docs/bundle.md)."""

from __future__ import annotations

from typing import Any

from fcn_edge.ground.artifacts import provenance
from fcn_edge.ground.config import CompileConfig
from fcn_edge.network import Network
from fcn_edge.quantize.gate import GateVerdict

SCORED_ON = ("engine", "oracle", "measured_by", "split", "data", "frames", "data_sha256")


def describe(
    config: CompileConfig,
    network: Network,
    end: str,
    precision: str,
    *,
    gate: GateVerdict,
    measured: dict[str, Any],
    layers: dict[str, int],
    engine: dict[str, Any],
) -> dict[str, Any]:
    """Return the manifest's keys that do not depend on the bundle's files.

    end: what the graph ends in, scores or mask. measured: the gate's evidence (what it was scored on; metrics
    under "fp32" and "int8"), empty when there was no data. engine: what the backend said when it built.
    """
    return {
        "name": config.out.stem,
        "classes": [{key: one[key] for key in ("name", "color")} for one in network.classes.to_json()],
        "void_id": 255,
        "input": {
            "name": "frame", "height": network.size[0], "width": network.size[1],
            "layout": "NHWC", "dtype": "uint8", "color": "BGR", "resize": "linear",
        },
        "output": _output(network, end),
        "precision": precision,
        "target": config.target,
        "engine": engine,
        "model": network.origin.about,
        "gate": {**gate.to_json(), **{key: measured[key] for key in SCORED_ON if key in measured}},
        "layers": layers,
        "evidence": {key: measured[key] for key in ("fp32", "fp16", "int8") if key in measured},
        "provenance": provenance(),
    }  # fmt: skip


def _output(network: Network, end: str) -> dict[str, Any]:
    """Return shape and meaning of the graph's output; a mask is one channel at the frame's size."""
    scores = end == "scores"
    height, width = network.tail.score_size(network.size) if scores else network.size
    return {
        "tail": end, "name": end, "stride": network.tail.scale if scores else 1,
        "height": height, "width": width, "channels": len(network.classes) if scores else 1,
    }  # fmt: skip
