"""Turn a run folder into a checkpoint of the zoo: float16 weights, and a JSON with the metrics of that file.

    python scripts/ship_zoo.py runs/road road --data camvid:data/camvid --command "fcn-edge train ..."

What is scored is the file that ships, after rounding to float16, on the val split.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from fcn_edge.data import open_dataset
from fcn_edge.ground.artifacts import atomic_write_json, read_json
from fcn_edge.models.cost import count_macs
from fcn_edge.models.frames import predict_mask
from fcn_edge.train import evaluate, load_checkpoint, save_checkpoint
from fcn_edge.train.checkpoint import ZOO

LARGEST = 10_000_000  # bytes


def without_paths(info: dict[str, Any], command: str) -> dict[str, Any]:
    """Return what the run recorded about itself, less the folders of the machine it ran on."""
    options = dict(info["options"])
    options["data"] = options["data"].partition(":")[0]
    options["weights"] = Path(options["weights"]).name if options["weights"] else None
    return {**info, "options": options, "provenance": {**info["provenance"], "command": command}}


def main() -> None:
    """Write the zoo files of one run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--data", required=True)
    parser.add_argument("--command", required=True, help="what was typed, for the record")
    parser.add_argument("--which", choices=("model", "last"), default="last")
    options = parser.parse_args()

    found = load_checkpoint(options.run / f"{options.which}.safetensors")
    info = without_paths(found.info, options.command)
    path = save_checkpoint(ZOO, found.model, found.classes, info, half=True, name=options.name)
    if path.stat().st_size > LARGEST:
        raise SystemExit(f"{path} has {path.stat().st_size} bytes, more than {LARGEST}")
    shipped = load_checkpoint(f"zoo:{options.name}").model
    data = open_dataset(options.data, "val")
    metrics = evaluate(partial(predict_mask, shipped), data).to_json(data.classes.names)
    size = data[0].frame.shape[:2]
    beside = path.with_suffix(".json")
    shape = {
        "gmac": round(count_macs(shipped, size).gmac, 3),
        "size": list(size),
        "bytes": path.stat().st_size,
    }
    atomic_write_json(beside, {**read_json(beside), "val": metrics, "cost": shape})
    print(f"{path}: {path.stat().st_size} bytes, val mean IU {metrics['miou']:.4f}")


if __name__ == "__main__":
    main()
