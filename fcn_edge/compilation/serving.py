"""A bundle as a model repository for NVIDIA Triton or OpenVINO Model Server: many streams on one machine.

The servers bring scheduling, batching and metrics; here only files are written. The graph is the bundle's
own, with the mask in it: clients send uint8 BGR frames of the network's size and get uint8 class maps.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fcn_edge.bundle import Bundle, read_bundle
from fcn_edge.ground.apart import check_apart
from fcn_edge.ground.artifacts import PathLike, atomic_directory
from fcn_edge.ground.errors import FcnEdgeError, MisuseError, unknown_name
from fcn_edge.ground.folders import Kind, check_replaceable

REPOSITORY = Kind("model repository")
VERSION = "1"  # both servers want numbered version folders


def write_repository(path: PathLike, layout: str, out: PathLike, *, allow_ungated: bool = False) -> Path:
    """Write the bundle at `path` as a model repository of `layout` (triton, ovms) to the folder `out`.

    Returns the folder. A bundle whose gate did not pass is refused unless `allow_ungated`: a server has none.
    Raises MisuseError for an unknown layout and for a graph that gives scores instead of masks.
    """
    bundle = read_bundle(path)
    check_layout(layout, bundle.manifest["output"]["tail"])
    if bundle.verdict != "pass" and not allow_ungated:
        raise FcnEdgeError(
            f"the gate of {path} says '{bundle.verdict}'", hint="compile it with data that it passes on"
        )
    with atomic_directory(out, REPOSITORY) as folder:
        version = folder / bundle.name / VERSION
        version.mkdir(parents=True)
        shutil.copyfile(bundle.model, version / "model.onnx")
        name, text = LAYOUTS[layout](bundle)
        (folder / name).write_text(text, encoding="utf-8")
    return Path(out)


def check_layout(layout: str, tail: str) -> None:
    """Refuse an unknown layout, and a graph that gives scores instead of masks."""
    if layout not in LAYOUTS:
        raise unknown_name("layout", layout, list(LAYOUTS))
    if tail != "mask":
        raise MisuseError(
            "the graph ends in class scores, which a server's clients cannot use",
            hint="compile it with --target onnx, whose graph gives the mask",
        )


def check_repository(
    out: Path, bundle: Path, inputs: Iterable[PathLike | None], data: Iterable[str | None]
) -> None:
    """Raise MisuseError where the repository `out` would overwrite the bundle beside it, or what is read."""
    check_apart("--layout", out, [bundle, *inputs], data=data)
    check_replaceable(out, REPOSITORY, "--layout")


def triton(bundle: Bundle) -> tuple[str, str]:
    """Return place and text of Triton's config.pbtxt (message inference.ModelConfig, in text format).

    max_batch_size 0: the graph's own first dimension is its batch of one.
    """
    height, width = bundle.size
    frame, mask = bundle.manifest["input"]["name"], bundle.manifest["output"]["name"]
    text = f"""\
name: "{bundle.name}"
backend: "onnxruntime"
max_batch_size: 0
input [ {{ name: "{frame}" data_type: TYPE_UINT8 dims: [ 1, {height}, {width}, 3 ] }} ]
output [ {{ name: "{mask}" data_type: TYPE_UINT8 dims: [ 1, {height}, {width} ] }} ]
instance_group [ {{ count: 1 kind: KIND_AUTO }} ]
parameters {{ key: "classes" value {{ string_value: {json.dumps(",".join(bundle.class_names))} }} }}
"""
    return f"{bundle.name}/config.pbtxt", text


def ovms(bundle: Bundle) -> tuple[str, str]:
    """Return place and text of OpenVINO Model Server's config.json; its base_path is relative to the file.

    The precision hint is that of the bundle's own runtime: without it CPUs with bf16 units change masks.
    """
    config: dict[str, Any] = {
        "name": bundle.name,
        "base_path": bundle.name,
        "plugin_config": {"INFERENCE_PRECISION_HINT": "f32"},
    }
    return "config.json", json.dumps({"model_config_list": [{"config": config}]}, indent=2) + "\n"


LAYOUTS: dict[str, Callable[[Bundle], tuple[str, str]]] = {"triton": triton, "ovms": ovms}
