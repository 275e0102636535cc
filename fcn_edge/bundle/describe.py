"""What a compilation says about its bundle in the manifest (docs/bundle.md)."""

from __future__ import annotations

from typing import Any

from fcn_edge.ground.artifacts import provenance
from fcn_edge.ground.config import CompileConfig
from fcn_edge.quantize.gate import GateVerdict
from fcn_edge.train.checkpoint import Checkpoint

SCORED_ON = ("engine", "oracle", "measured_by", "split", "data", "frames", "data_sha256")


def describe(
    config: CompileConfig,
    checkpoint: Checkpoint,
    size: tuple[int, int],
    tail: str,
    precision: str,
    *,
    gate: GateVerdict,
    measured: dict[str, Any],
    layers: dict[str, int],
    engine: dict[str, Any],
) -> dict[str, Any]:
    """Return the manifest's keys that do not depend on the bundle's files.

    size: (height, width) of the frames. measured: the gate's evidence (what it was scored on; metrics under
    "fp32" and "int8"), empty when there was no data. engine: what the backend said when it built.
    """
    return {
        "name": config.out.stem,
        "classes": [{key: one[key] for key in ("name", "color")} for one in checkpoint.classes.to_json()],
        "void_id": 255,
        "input": {
            "name": "frame", "height": size[0], "width": size[1],
            "layout": "NHWC", "dtype": "uint8", "color": "BGR", "resize": "linear",
        },
        "output": _output(tail, size, checkpoint),
        "precision": precision,
        "target": config.target,
        "engine": engine,
        "model": {"spec": checkpoint.spec.to_json(), "weights_sha256": checkpoint.weights_sha256},
        "gate": {**gate.to_json(), **{key: measured[key] for key in SCORED_ON if key in measured}},
        "layers": layers,
        "evidence": {key: measured[key] for key in ("fp32", "fp16", "int8") if key in measured},
        "provenance": provenance(),
    }  # fmt: skip


def _output(tail: str, size: tuple[int, int], checkpoint: Checkpoint) -> dict[str, Any]:
    """Return shape and meaning of the graph's output; a mask is one channel at the frame's size."""
    stride = checkpoint.model.score_stride if tail == "scores" else 1
    return {
        "tail": tail, "name": tail, "stride": stride,
        "height": -(-size[0] // stride), "width": -(-size[1] // stride),
        "channels": len(checkpoint.classes) if tail == "scores" else 1,
    }  # fmt: skip
