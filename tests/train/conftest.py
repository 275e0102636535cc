from pathlib import Path

import pytest
from train.tiny_tree import write_tree

from fcn_edge.ground.config import TrainConfig


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "data")


@pytest.fixture
def config(tree: Path, tmp_path: Path):
    def make(**options) -> TrainConfig:
        usual = {
            "data": f"camvid:{tree}", "out": tmp_path / "run", "model": "fcn8s-mobilenet_v2", "head_width": 8,
            "epochs": 2, "batch": 3, "crop": (64, 64), "device": "cpu",
        }  # fmt: skip
        return TrainConfig(**{**usual, **options})

    return make


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    import torch

    torch.set_num_threads(1)
