"""Training with INT8 in the loop: ranges start from calibration, and then learn with the weights."""

from __future__ import annotations

from functools import partial

from fcn_edge.data import open_dataset
from fcn_edge.ground.config import CompileConfig, TrainConfig
from fcn_edge.quantize.calibration import choose_frames
from fcn_edge.quantize.qat import prepare
from fcn_edge.quantize.recipe import recipe_for
from fcn_edge.train import TrainResult, train

WEIGHTS = "pairs"  # the rule whose result means the same on every engine (docs/int8.md)


def train_for_int8(config: TrainConfig) -> TrainResult:
    """Train as `config` says with INT8's rounding in the network; the checkpoint then holds its ranges."""
    frames = open_dataset(config.data, "train", labelled=False)
    calibration = choose_frames(frames, CompileConfig.calibration_count, config.seed)
    return train(config, partial(prepare, calibration=calibration, recipe=recipe_for(None, WEIGHTS)))
