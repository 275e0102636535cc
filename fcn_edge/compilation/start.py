"""The start of a compilation: everything that can be refused before work begins is refused here."""

from __future__ import annotations

from pathlib import Path

from fcn_edge.bundle.manifest import BUNDLE
from fcn_edge.compilation.build import Build, Note
from fcn_edge.data import check_labels, open_dataset
from fcn_edge.evaluation.evaluate import check_classes
from fcn_edge.ground.apart import check_apart
from fcn_edge.ground.config import CompileConfig
from fcn_edge.ground.errors import MisuseError, unknown_name
from fcn_edge.ground.folders import check_replaceable
from fcn_edge.ground.targets import TARGETS
from fcn_edge.network import open_named
from fcn_edge.quantize.recipe import AUTO, recipe_for


def start(config: CompileConfig, work: Path, note: Note) -> Build:
    """Check everything that can be checked before the work starts, then export the network."""
    if config.target not in TARGETS:
        raise unknown_name("target", config.target, list(TARGETS))
    read = (config.checkpoint, config.calibration)
    check_apart("--out", config.out, read, data=(config.data, config.calibration_data))
    check_replaceable(config.out, BUNDLE)
    target = TARGETS[config.target]
    if config.int8 and target.weights is None:
        raise MisuseError(f"--target {config.target} is float only", hint="leave --int8 out, or use openvino")
    if config.half and not target.half:
        takes = ", ".join(name for name, one in TARGETS.items() if one.half)
        raise MisuseError(
            f"--target {config.target} has no fp16",
            hint=f"type --precision fp32 or int8; fp16 is for {takes}",
        )
    if config.int8 and config.data is None:
        raise MisuseError("--int8 needs frames to calibrate on", hint="add --data NAME:PATH")
    if not config.int8 and (config.calibration or config.calibration_data):
        raise MisuseError("frames to calibrate on, and nothing to calibrate", hint="add --int8")
    if config.recipe not in (None, AUTO):
        recipe_for(config.recipe, "full")  # read now what would otherwise fail minutes later
    named = open_named(config.checkpoint)
    size = config.size
    if config.data is not None:
        dataset = open_dataset(config.data, config.split, labelled=config.labelled)
        check_classes(config.checkpoint, named.classes.names, dataset)
        check_labels(dataset, config.limit)
        if size is None:
            height, width = dataset[0].frame.shape[:2]
            size = (height, width)
    if size is None:
        raise MisuseError("no frame size", hint="add --size HEIGHTxWIDTH, or --data to take its frames' size")
    if named.origin.learned and config.int8 and not config.recipe and config.upsample not in ("auto", "keep"):
        raise MisuseError(
            f"--upsample {config.upsample}: {config.checkpoint} was trained for INT8 as it is",
            hint="leave --upsample out; or first fcn-edge surgery --out RUN, then train --qat --from RUN",
        )
    (work / "engines").mkdir()
    note(f"exporting {named.origin.name} for frames of {size[0]}x{size[1]}")
    network = named.at(size)
    return Build(config, target, network, network, work, note)
