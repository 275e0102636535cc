from __future__ import annotations

import os

import numpy as np
import pytest

from fcn_edge.backends import aoti, openvino, torchscript
from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.ground.errors import FcnEdgeError

from .conftest import SIZE, random_frames


@pytest.mark.parametrize("backend", [torchscript, aoti])
def test_masks_agree_with_openvino_fp32(backend, tiny_fcn, models, tmp_path) -> None:
    if backend is aoti and not os.environ.get("FCN_EDGE_SLOW_TESTS"):
        pytest.skip("compiles for a minute: set FCN_EDGE_SLOW_TESTS=1")
    backend.export(tiny_fcn, SIZE, "scores", tmp_path)
    engine, reference = (
        backend.open(models["scores"], tmp_path, {}),
        openvino.open(models["scores"], None, {}),
    )
    equal = []
    for frame in random_frames(4, seed=2):
        ours, theirs = (mask_from_scores(e.infer(frame), 8, SIZE) for e in (engine, reference))
        equal.append((ours == theirs).mean())
    assert np.mean(equal) >= 0.999


def test_the_file_is_self_contained_torchscript(tiny_fcn, tmp_path) -> None:
    import torch

    path = torchscript.export(tiny_fcn, SIZE, "mask", tmp_path)
    mask = torch.jit.load(path)(torch.zeros(1, *SIZE, 3, dtype=torch.uint8))
    assert (mask.dtype, tuple(mask.shape)) == (torch.uint8, (1, *SIZE))


@pytest.mark.parametrize("backend", [torchscript, aoti])
def test_a_missing_file_is_one_sentence(backend, tmp_path) -> None:
    with pytest.raises(FcnEdgeError, match="is missing"):
        backend.open(tmp_path / "model.onnx", tmp_path, {})


def test_a_damaged_file_is_one_sentence(tiny_fcn, tmp_path) -> None:
    path = torchscript.export(tiny_fcn, SIZE, "scores", tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(FcnEdgeError, match="LibTorch cannot load"):
        torchscript.open(tmp_path / "model.onnx", tmp_path, {})
