"""Surgery on any ONNX file: ConvTranspose nodes become Conv + DepthToSpace, Resize, or Resize + Conv."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from torch import nn

from fcn_edge.ground.apart import check_apart
from fcn_edge.ground.artifacts import atomic_write_bytes, check_file
from fcn_edge.ground.errors import FcnEdgeError, unknown_name
from fcn_edge.network.nodes import constants_of, deconvs
from fcn_edge.surgery.apply import substitute
from fcn_edge.surgery.candidates import KINDS, Candidate, make_candidate, unavailable
from fcn_edge.surgery.onnx_nodes import read_deconv

MODES = ("auto", *KINDS)
OLDEST_OPSET = 11  # Resize with coordinate modes, Pad with amounts as an input
FREE_SIZE = 64  # pixels for an input axis of unknown size


@dataclass(frozen=True)
class Rewritten:
    """What became of one ConvTranspose node."""

    name: str
    chosen: str  # one of candidates.KINDS
    residual: float
    why: str


@dataclass(frozen=True)
class Comparison:
    """Outputs of two files on the same input, run by ONNX Runtime."""

    output: str
    largest_difference: float  # max |a - b|
    relative: float  # ||a - b|| / ||a||
    agreement: float | None  # same argmax over axis 1, for outputs (N, C, ...) with C > 1


def rewrite_file(path: Path, out: Path | None, mode: str = "auto", seed: int = 0) -> dict[str, Any]:
    """Rewrite an ONNX file, compare the outputs, write `out` (if given) and return the record as JSON.

    mode: a kind for every node that has it, or "auto": the plain bilinear resize where the kernel is one,
    else the sub-pixel form, so that nothing is lost. Raises FcnEdgeError for a file that ONNX cannot read.
    """
    if out is not None:
        check_file(out)
        check_apart("--out", out, [path])
    model = load_onnx(path)
    rewritten, rows = rewrite(model, mode)
    result: dict[str, Any] = {"model": str(path), "mode": mode, "layers": [asdict(row) for row in rows]}
    if not rows:
        result["note"] = "no ConvTranspose in this graph: nothing to operate on"
        return result
    result["outputs"] = [asdict(found) for found in compare(model, rewritten, seed)]
    if out is not None:
        result["saved"] = str(atomic_write_bytes(out, rewritten.SerializeToString(deterministic=True)))
    return result


def load_onnx(path: Path) -> onnx.ModelProto:
    """Return a checked ONNX model, its weights included."""
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except FileNotFoundError as error:
        raise FcnEdgeError(f"no such file: {path}") from error
    except Exception as error:  # protobuf and the checker raise types of their own
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise FcnEdgeError(f"{path} is not a valid ONNX file ({reason})") from error
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset < OLDEST_OPSET:
        raise FcnEdgeError(
            f"{path} has ONNX opset {opset}, the rewrite needs {OLDEST_OPSET} or later",
            hint="export it again with a later opset, or use onnx.version_converter",
        )
    return model


def rewrite(model: onnx.ModelProto, mode: str = "auto") -> tuple[onnx.ModelProto, list[Rewritten]]:
    """Return a copy of `model` with its ConvTranspose nodes replaced, and what was done to each."""
    if mode not in MODES:
        raise unknown_name("--upsample", mode, MODES)
    constants = constants_of(model.graph)
    modules: dict[str, nn.Module] = {}
    rows: list[Rewritten] = []
    for name, node in deconvs(model.graph):
        found = _choose(read_deconv(node, constants), mode)
        rows.append(Rewritten(name, found.kind, found.residual, found.note))
        if found.kind != "keep":
            modules[name] = found.module
    return substitute(model, modules), rows


def compare(before: onnx.ModelProto, after: onnx.ModelProto, seed: int = 0) -> list[Comparison]:
    """Run both models on one seeded random input and return how every output differs."""
    import onnxruntime as ort

    sessions = [ort.InferenceSession(m.SerializeToString(), _quiet(ort), providers=["CPUExecutionProvider"])
                for m in (before, after)]  # fmt: skip
    rng = np.random.default_rng(seed)
    feed = {value.name: _random_input(value, rng) for value in sessions[0].get_inputs()}
    names = [value.name for value in sessions[0].get_outputs()]
    pairs = zip(names, sessions[0].run(names, feed), sessions[1].run(names, feed), strict=True)
    return [_difference(name, np.asarray(a), np.asarray(b)) for name, a, b in pairs]


def _choose(layer: nn.ConvTranspose2d | str, mode: str) -> Candidate:
    """Return the candidate of `mode`, or "keep" with the reason in `note`."""
    if isinstance(layer, str):
        return Candidate("keep", "keep", nn.Identity(), 0.0, f"kept: {layer}")
    if mode == "auto":
        bilinear = None if unavailable(layer, "bilinear") else make_candidate(layer, "bilinear")
        if bilinear is not None and bilinear.form == "bilinear":
            return bilinear
        mode = "subpixel"
    if mode == "subpixel" and layer.stride[0] != layer.stride[1]:
        return Candidate(
            "keep", "keep", layer, 0.0, f"kept: DepthToSpace needs one stride, not {layer.stride}"
        )
    if reason := unavailable(layer, mode):
        return Candidate("keep", "keep", layer, 0.0, f"kept: {reason}")
    return make_candidate(layer, mode)


def _quiet(ort: Any) -> Any:
    settings = ort.SessionOptions()
    settings.log_severity_level = 3  # errors only
    return settings


def _random_input(value: Any, rng: np.random.Generator) -> npt.NDArray[Any]:
    shape = [size if isinstance(size, int) and size > 0 else FREE_SIZE for size in value.shape]
    if len(shape) == 4 and not isinstance(value.shape[0], int):
        shape[0] = 1
    kinds = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}
    if value.type in kinds:
        return rng.standard_normal(shape).astype(kinds[value.type])
    if value.type == "tensor(uint8)":
        return rng.integers(0, 256, shape, dtype=np.uint8)
    raise FcnEdgeError(f"input '{value.name}' is a {value.type}: no random input for it")


def _difference(name: str, a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Comparison:
    if a.shape != b.shape:
        raise FcnEdgeError(f"output '{name}' changed its shape from {a.shape} to {b.shape}")
    left, right = a.astype(np.float64), b.astype(np.float64)
    norm = float(np.linalg.norm(left))
    relative = float(np.linalg.norm(left - right)) / norm if norm > 0 else 0.0
    labelled = a.ndim >= 3 and a.shape[1] > 1
    same = float((left.argmax(axis=1) == right.argmax(axis=1)).mean()) if labelled else None
    return Comparison(name, float(np.abs(left - right).max(initial=0.0)), relative, same)
