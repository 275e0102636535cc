"""Where did the pixels change? Two networks, checkpoints or bundles, over the same frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from fcn_edge.bundle import read_bundle
from fcn_edge.data import open_dataset
from fcn_edge.data.class_names import difference
from fcn_edge.evaluation.evaluate import Subject, check_classes, is_bundle, open_subject
from fcn_edge.ground.apart import check_apart
from fcn_edge.ground.artifacts import atomic_write_bytes, atomic_write_json, check_folder
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.ground.folders import check_names, read_record
from fcn_edge.network import load_network
from fcn_edge.network.nodes import LAYERS
from fcn_edge.network.run import tensor_values
from fcn_edge.quantize.gate_statistics import near_boundary
from fcn_edge.quantize.weights import sqnr_db

Frame = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float32]
Note = Callable[[str], None]
RECORD, HEAT = "diff.json", "heat.png"
PICTURES = 4  # of the frames that changed most
DIVERGED_DB = 20.0  # SQNR below which a layer's output counts as diverged: noise of a tenth of the signal


class Change:
    """Counts of changed pixels, over all frames so far."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.moved = np.zeros((classes, classes), np.int64)  # class in A x class in B
        self.near = np.zeros(2, np.int64)  # near a boundary of A's mask: pixels, changed ones
        self.far = np.zeros(2, np.int64)
        self.frames: list[tuple[float, str]] = []  # share changed, stem
        self.heat: npt.NDArray[np.float64] | None = None  # share of frames in which each pixel changed

    def update(self, stem: str, a: Frame, b: Frame) -> None:
        """Count one frame's two masks, uint8 (H, W)."""
        changed = a != b
        pairs = np.bincount(a.astype(np.int64).ravel() * self.classes + b.ravel(), minlength=self.moved.size)
        self.moved += pairs.reshape(self.moved.shape)
        band = near_boundary(a)
        self.near += [int(band.sum()), int(changed[band].sum())]
        self.far += [int((~band).sum()), int(changed[~band].sum())]
        self.frames.append((float(changed.mean()), stem))
        if self.heat is None or self.heat.shape == a.shape:
            self.heat = changed.astype(float) if self.heat is None else self.heat + changed

    def to_json(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Return shares 0..1: changed, boundary, interior, per class of A, and the commonest moves."""
        total, kept = self.moved.sum(1), np.diag(self.moved)
        order = np.argsort(self.moved - np.diag(kept), axis=None)[::-1][:5]
        moves = [divmod(int(index), self.classes) for index in order]
        return {
            "changed": _share(total.sum() - kept.sum(), total.sum()),
            "boundary": _share(self.near[1], self.near[0]),
            "interior": _share(self.far[1], self.far[0]),
            "classes": {
                name: _share(total[i] - kept[i], total[i]) if total[i] else None
                for i, name in enumerate(names)
            },
            "moves": [
                {"from": names[i], "to": names[j], "share": _share(self.moved[i, j], total.sum())}
                for i, j in moves
                if self.moved[i, j] and i != j
            ],
            "frames": len(self.frames),
            "worst_frames": [
                {"frame": stem, "changed": round(share, 6)}
                for share, stem in sorted(self.frames)[::-1][:PICTURES]
            ],
        }


def diff(
    a: str,
    b: str,
    data: str,
    out: Path,
    *,
    split: str = "val",
    limit: int | None = None,
    progress: Note | None = None,
) -> dict[str, Any]:
    """Compare the masks of `a` and `b` (checkpoint or bundle); write diff.json and PNGs to `out`.

    Bundles are opened whatever their gate says. Where both sides have the same layers, "layers" holds the
    SQNR of every layer's output on the frame that changed most, in the graph's order, and "first_diverging"
    the first below 20 dB. MisuseError for networks of other classes, and where `out` is a file.
    """
    note = progress or (lambda text: None)
    check_folder(out)
    check_apart("--out", out, (a, b), data=(data,), names=(RECORD, HEAT))
    subjects = [open_subject(what, allow_ungated=True) for what in (a, b)]
    first, second = subjects
    if first.class_names != second.class_names:
        raise MisuseError(
            f"other classes: {difference(a, first.class_names, b, second.class_names)}",
            hint="compare networks of the same classes",
        )
    dataset = open_dataset(data, split, labelled=False)
    check_classes(first.name, first.class_names, dataset)
    change = Change(len(first.class_names))
    count = len(dataset) if limit is None else min(limit, len(dataset))
    written = [RECORD, HEAT, *(f"{dataset.stem(index)}.png" for index in range(count))]
    check_names(out, written, "diff", "worst_frames" in read_record(out / RECORD))
    for index in range(count):
        sample = dataset[index]
        change.update(sample.stem, *_masks(subjects, sample.frame))
        if (index + 1) % max(1, count // 5) == 0:
            note(f"compared {index + 1}/{count} frames")
    result = {"a": a, "b": b, **change.to_json(first.class_names)}
    worst = [index for index in range(count) if dataset.stem(index) in _stems(result)]
    if worst:
        note("walking the layers of the frame that changed most")
        stem = result["worst_frames"][0]["frame"]
        frame = next(dataset[index].frame for index in worst if dataset.stem(index) == stem)
        result |= compare_layers(a, b, frame)
    pictures = {dataset.stem(index): _overlay(subjects, dataset[index].frame) for index in worst}
    _write(out, result, change, pictures)
    return result


def compare_layers(a: str, b: str, frame: Frame) -> dict[str, Any]:
    """Return {"layers": [{"name", "sqnr_db"}], "first_diverging"} for the layers both networks have.

    Both run in ONNX Runtime, node by node as the standard defines them. Channels are compared up to a factor:
    INT8 networks are equalized, which scales channels between layers. That leaves nothing to compare of a
    layer with one value a channel, as after global pooling.
    """
    size = next((read_bundle(what).size for what in (a, b) if is_bundle(what)), frame.shape[:2])
    models = [_graph(what, size) for what in (a, b)]
    outputs = [[n.output[0] for n in model.graph.node if n.op_type in LAYERS] for model in models]
    shared = [name for name in outputs[0] if name in outputs[1]]
    if not shared:
        return {"layers": [], "first_diverging": None}
    from fcn_edge.backends.resize import resize_frame

    frames = [resize_frame(frame, size)]
    first, second = (next(iter(tensor_values(model, shared, frames, exact=True))) for model in models)
    rows = [
        {"name": name, "sqnr_db": round(sqnr_db(first[name], fitted(second[name], first[name])), 2)}
        for name in shared
        if first[name].shape == second[name].shape and first[name][0, 0].size > 1
    ]
    diverged = [row["name"] for row in rows if row["sqnr_db"] < DIVERGED_DB]
    return {"layers": rows, "first_diverging": diverged[0] if diverged else None}


def fitted(found: Values, wanted: Values) -> Values:
    """Return `found` (1, C, h, w) with each channel multiplied by what brings it closest to `wanted`."""
    power = np.square(found).sum(axis=(0, 2, 3), keepdims=True)
    match = (found * wanted).sum(axis=(0, 2, 3), keepdims=True)
    return found * np.divide(match, power, out=np.ones_like(power), where=power > 0)


def _graph(what: str, size: tuple[int, int]) -> onnx.ModelProto:
    if is_bundle(what):
        return onnx.load(read_bundle(what).model)
    return load_network(what, size).graph


def _masks(subjects: list[Subject], frame: Frame) -> tuple[Frame, Frame]:
    a, b = (subject.predict(frame) for subject in subjects)
    if a.shape == b.shape:
        return a, b
    from fcn_edge.backends.resize import resize_mask

    return resize_mask(a, b.shape), b


def _stems(result: dict[str, Any]) -> set[str]:
    return {row["frame"] for row in result["worst_frames"]}


def _overlay(subjects: list[Subject], frame: Frame) -> Frame:
    """Return the frame in grey, pixels that changed in red."""
    import cv2

    from fcn_edge.backends.resize import resize_frame

    a, b = _masks(subjects, frame)
    grey = cv2.cvtColor(resize_frame(frame, (a.shape[0], a.shape[1])), cv2.COLOR_BGR2GRAY)
    picture = np.repeat(grey[:, :, None] // 2 + 64, 3, axis=2).astype(np.uint8)
    picture[a != b] = (0, 0, 255)
    return picture


def _heat_map(change: Change) -> Frame:
    """Return how often each pixel changed as a colour map: dark never, yellow in most of the frames."""
    import cv2

    assert change.heat is not None  # only called after at least one frame
    share = change.heat / len(change.frames)
    scaled = (255 * share / max(share.max(), 1e-9)).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(scaled, cv2.COLORMAP_INFERNO), np.uint8)


def _write(out: Path, result: dict[str, Any], change: Change, pictures: dict[str, Frame]) -> None:
    import cv2

    if not change.frames:
        raise FcnEdgeError("there are no frames to compare", hint="check --data, --split and --limit")
    atomic_write_json(out / RECORD, result)
    for name, picture in {"heat": _heat_map(change), **pictures}.items():
        atomic_write_bytes(out / f"{name}.png", cv2.imencode(".png", picture)[1].tobytes())


def _share(part: Any, whole: Any) -> float:
    return round(float(part) / float(whole), 6) if whole else 0.0
