"""From what people already have - published weights, an earlier run - to a checkpoint of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcn_edge.data import open_dataset
from fcn_edge.data.class_names import difference
from fcn_edge.ground.artifacts import provenance
from fcn_edge.ground.errors import MisuseError
from fcn_edge.models.load import load_source
from fcn_edge.train.checkpoint import load_checkpoint, save_checkpoint
from fcn_edge.train.run_folder import check_run_folder


def load_checkpoint_from(
    source: str, out: Path, *, weights: Path | None = None, data: str | None = None
) -> dict[str, Any]:
    """Write the checkpoint that `source` names to the run folder `out` and return what was loaded.

    source: see fcn_edge.models.load.load_source; or a run folder, a .safetensors file or zoo:NAME, which is
    copied. data: the dataset whose train split says what the classes are: those that a classifier is to
    learn, those of a torchvision FCN, or the very ones that a run has (else MisuseError).
    """
    named = Path(source.rpartition(":")[2])  # BACKBONE:FILE
    check_run_folder(out, [source, named if named.exists() else None, weights], data=[data])
    wanted = open_dataset(data, "train", labelled=False).classes if data is not None else None
    if source.startswith("zoo:") or Path(source).exists():
        if weights is not None:
            raise MisuseError(f"{source} has its own weights", hint="leave --weights out")
        found = load_checkpoint(source)
        if wanted is not None and wanted.names != found.classes.names:
            how = difference(source, found.classes.names, str(data), wanted.names)
            raise MisuseError(
                f"other classes: {how}", hint="leave --data out; `fcn-edge train --weights` starts anew"
            )
        model, classes, report, ready = found.model, found.classes, f"all tensors of {source}", True
    else:
        loaded = load_source(source, weights, wanted)
        model, classes, report, ready = loaded.model, loaded.classes, str(loaded.report), loaded.ready
    info = {"source": source, "loaded": report, "ready": ready, "provenance": provenance()}
    save_checkpoint(out, model, classes, info)
    return {
        "checkpoint": str(out),
        "model": model.spec.to_json(),
        "classes": list(classes.names),
        "loaded": report,
        "ready": ready,
    }
