"""Scoring of whatever turns frames into masks: a checkpoint, or a bundle through its own engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fcn_edge.data import Dataset, open_dataset
from fcn_edge.data.class_names import difference
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.train.metrics import ConfusionMatrix

if TYPE_CHECKING:
    from fcn_edge.network import Network

Frame = npt.NDArray[np.uint8]
Predict = Callable[[Frame], Frame]
Note = Callable[[str], None]


@dataclass(frozen=True)
class Subject:
    """Something to score: `predict` maps a uint8 (H, W, 3) BGR frame to uint8 class ids of any size."""

    name: str
    predict: Predict
    class_names: tuple[str, ...]


def evaluate(
    what: str,
    data: str,
    *,
    split: str = "val",
    size: tuple[int, int] | None = None,
    limit: int | None = None,
    allow_ungated: bool = False,
    progress: Note | None = None,
) -> dict[str, Any]:
    """Return the metrics of a checkpoint or bundle on a labelled split (ConfusionMatrix.to_json).

    Bundles that know their calibration frames add "drift" (docs/drift.md).

    size: (height, width) a checkpoint runs at; default the frames' own. Masks are compared at the labels'
    size.
    """
    subject = open_subject(what, size=size, allow_ungated=allow_ungated)
    dataset = open_dataset(data, split)
    check_classes(subject.name, subject.class_names, dataset)
    result = score([subject], dataset, limit=limit, progress=progress)[0]
    drift = getattr(subject.predict, "drift", None)
    return result if drift is None else {**result, "drift": drift}


def open_subject(what: str, *, size: tuple[int, int] | None = None, allow_ungated: bool = False) -> Subject:
    """Return the subject that `what` names: a bundle folder, else a checkpoint."""
    if is_bundle(what):
        from fcn_edge.bundle import open_bundle, read_bundle

        bundle = read_bundle(what)
        if size is not None and size != bundle.size:
            raise MisuseError(
                f"{what} is compiled for {bundle.size[0]}x{bundle.size[1]}", hint="leave --size out"
            )
        return Subject(what, open_bundle(what, allow_ungated=allow_ungated), tuple(bundle.class_names))
    from fcn_edge.network import open_named

    named = open_named(what)
    checkpoint = named.origin.checkpoint
    if checkpoint is not None:  # in PyTorch, at whatever size the frames have
        return Subject(what, torch_predictor(checkpoint.model, size), named.classes.names)
    wanted = size or named.size
    if wanted is None:
        raise MisuseError(f"{what} needs a frame size", hint="add --size HEIGHTxWIDTH")
    return Subject(what, graph_predictor(named.at(wanted)), named.classes.names)


def is_bundle(what: str) -> bool:
    """Return whether a path is a bundle folder (damaged or not) rather than a checkpoint."""
    return (Path(what) / "manifest.json").exists() or Path(what).suffix == ".fcne"


def predictor(network: Network) -> Predict:
    """Return a function that gives the masks of a network as it was trained: in PyTorch, or by its graph."""
    checkpoint = network.origin.checkpoint
    return graph_predictor(network) if checkpoint is None else torch_predictor(checkpoint.model, network.size)


def graph_predictor(network: Network) -> Predict:
    """Return a function that runs a network's graph in ONNX Runtime, nodes as the standard defines them."""
    from fcn_edge.backends.resize import resize_frame
    from fcn_edge.backends.tail import mask_from_scores
    from fcn_edge.network.run import open_session

    session = open_session(network.graph, exact=True)

    def predict(frame: Frame) -> Frame:
        scores = session.run(None, {"frame": resize_frame(frame, network.size)[None]})[0][0]
        return mask_from_scores(scores, network.tail.scale, network.size)

    return predict


def torch_predictor(fcn: Any, size: tuple[int, int] | None = None) -> Predict:
    """Return a function that runs an FCN in PyTorch on one frame, resized to `size` first if given."""
    from fcn_edge.backends.resize import resize_frame
    from fcn_edge.models.frames import predict_mask

    fcn.eval()
    return lambda frame: predict_mask(fcn, frame if size is None else resize_frame(frame, size))


def check_classes(name: str, class_names: tuple[str, ...], dataset: Dataset) -> None:
    """Raise FcnEdgeError unless the data's classes are those of the model `name`, in the same order.

    Data without any classes (a video) fits every model.
    """
    theirs = dataset.classes.names
    if theirs and len(theirs) == len(class_names) and class_names != theirs:
        raise FcnEdgeError(
            f"other classes: {difference(dataset.name, theirs, name, class_names)}",
            hint="score it on the classes it was trained on",
        )
    if theirs and class_names != theirs:
        odd = [one for one in theirs if one not in class_names][:1]
        detail = f"not '{odd[0]}'" if odd else "not just these in this order"
        raise FcnEdgeError(
            f"{dataset.name} has {len(theirs)} classes, {name} was trained on {len(class_names)}, {detail}",
            hint="score it on the classes it was trained on",
        )


def score(
    subjects: list[Subject],
    dataset: Dataset,
    *,
    limit: int | None = None,
    progress: Note | None = None,
    each: Callable[[list[Frame], Frame | None], None] | None = None,
) -> list[dict[str, Any]]:
    """Return the metrics of every subject over the same frames, one frame in memory at a time.

    each: called per frame with all masks (at the label's size) and the label, for what the metrics do not
    hold.
    """
    from fcn_edge.backends.resize import resize_mask

    count = len(dataset) if limit is None else min(limit, len(dataset))
    matrices = [ConfusionMatrix(len(dataset.classes)) for _ in subjects]
    for index in range(count):
        sample = dataset[index]
        masks = [subject.predict(sample.frame) for subject in subjects]
        if sample.mask is not None:
            masks = [resize_mask(mask, sample.mask.shape) for mask in masks]
            for matrix, mask in zip(matrices, masks, strict=True):
                matrix.update(mask, sample.mask)
        if each:
            each(masks, sample.mask)
        if progress and ((index + 1) % max(1, count // 5) == 0 or index + 1 == count):
            progress(f"scored {index + 1}/{count} frames of {dataset.name} {dataset.split}")
    return [matrix.to_json(dataset.classes.names) for matrix in matrices]
