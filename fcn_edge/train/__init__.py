"""Training: `train(config)` runs it, `evaluate` scores a predictor, `load_checkpoint` reads the result."""

from __future__ import annotations

from fcn_edge.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from fcn_edge.train.evaluate import evaluate
from fcn_edge.train.loop import TrainResult, train
from fcn_edge.train.metrics import ConfusionMatrix

__all__ = [
    "Checkpoint",
    "ConfusionMatrix",
    "TrainResult",
    "evaluate",
    "load_checkpoint",
    "save_checkpoint",
    "train",
]
