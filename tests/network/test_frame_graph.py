"""The frame graph: the same function as the FCN, with the frame's preprocessing inside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from golden.tiny_fcn import TinyFCN

from fcn_edge.backends import load_backend
from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.ground.artifacts import sha256_file
from fcn_edge.ground.errors import MisuseError
from fcn_edge.network.frame_graph import FrameGraph
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.lint import lint

SIZES = [(48, 64), (45, 61), (33, 7), (1, 1)]


def random_frame(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def torch_scores(fcn: torch.nn.Module, frame: np.ndarray) -> np.ndarray:
    """The FCN itself on a frame prepared by hand: RGB, /255, (x - mean) / std, planes."""
    rgb = frame[:, :, ::-1].astype(np.float64) / 255
    image = ((rgb - fcn.mean) / fcn.std).transpose(2, 0, 1)[None].astype(np.float32)
    with torch.inference_mode():
        return fcn.forward_scores(torch.from_numpy(image))[0].numpy()


@pytest.mark.parametrize("size", SIZES)
def test_scores_of_both_engines_equal_pytorch_with_preprocessing_by_hand(
    size: tuple[int, int], tmp_path: Path
) -> None:
    fcn = TinyFCN()
    fcn.mean, fcn.std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)  # unequal, so that a swapped channel shows
    model = export_onnx(fcn, size, "scores", tmp_path / "m.onnx")
    expected = torch_scores(fcn, random_frame(size))
    for name in ("openvino", "onnxruntime"):
        found = load_backend(name).open(model, None, {}).infer(random_frame(size))
        np.testing.assert_allclose(found, expected, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("size", SIZES)
def test_mask_tail_and_fused_tail_give_the_same_mask(size: tuple[int, int], tmp_path: Path) -> None:
    masks = export_onnx(TinyFCN(), size, "mask", tmp_path / "mask.onnx")
    scores = export_onnx(TinyFCN(), size, "scores", tmp_path / "scores.onnx")
    engine = load_backend("onnxruntime")
    for seed in range(3):
        frame = random_frame(size, seed)
        in_graph = engine.open(masks, None, {}).infer(frame)
        fused = mask_from_scores(engine.open(scores, None, {}).infer(frame), 8, size)
        assert in_graph.dtype == np.uint8
        assert in_graph.shape == size
        assert (in_graph != fused).mean() < 1e-3, f"seed {seed}"  # only ties to the last float bit may differ


def test_exporting_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first = export_onnx(TinyFCN(), (40, 56), "scores", tmp_path / "a.onnx")
    again = export_onnx(TinyFCN(), (40, 56), "scores", tmp_path / "b.onnx")
    assert sha256_file(first) == sha256_file(again)


def test_graph_has_the_agreed_edges_and_names_layers_after_modules(tmp_path: Path) -> None:
    model = onnx.load(export_onnx(TinyFCN(), (48, 64), "mask", tmp_path / "m.onnx"))
    frame, mask = model.graph.input[0], model.graph.output[0]
    assert (frame.name, mask.name) == ("frame", "mask")
    assert [d.dim_value for d in frame.type.tensor_type.shape.dim] == [1, 48, 64, 3]
    assert [d.dim_value for d in mask.type.tensor_type.shape.dim] == [1, 48, 64]
    assert model.graph.node[0].op_type == model.graph.node[-1].op_type == "Cast"
    names = {node.name for node in model.graph.node}
    assert {"backbone.0.0", "up16", "score8"} <= names
    assert len(names) == len(model.graph.node)
    assert not [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    assert lint(model) == []


def test_the_network_handed_in_is_left_as_it_was() -> None:
    fcn = TinyFCN()
    before = fcn.backbone[0][0].weight.clone()
    FrameGraph(fcn, (16, 16))
    assert torch.equal(fcn.backbone[0][0].weight, before)


def test_unknown_tail_and_empty_size_are_misuse() -> None:
    with pytest.raises(MisuseError, match=r"unknown tail 'masks'.*valid: scores, mask"):
        FrameGraph(TinyFCN(), (16, 16), "masks")
    with pytest.raises(MisuseError, match="size 0x16"):
        FrameGraph(TinyFCN(), (0, 16))
