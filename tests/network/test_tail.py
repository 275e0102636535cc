"""The two ends of a graph: scores as they are, or the mask, whose nodes equal those that torch exports."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from golden.make_golden import smooth_frames
from golden.tiny_fcn import TinyFCN

from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.ground.errors import MisuseError
from fcn_edge.network.onnx_export import frame_graph
from fcn_edge.network.tail import Tail, ending_in


def outputs(model: onnx.ModelProto, frame: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"frame": frame[None]})[0][0]


def test_mask_graph_is_the_one_that_torch_exports() -> None:
    fcn, size = TinyFCN(5), (48, 64)
    made = ending_in(frame_graph(fcn, size, "scores"), Tail(8), size, "mask")
    exported = frame_graph(fcn, size, "mask")
    assert [node.op_type for node in made.graph.node] == [node.op_type for node in exported.graph.node]
    assert [node.name for node in made.graph.node] == [node.name for node in exported.graph.node]
    frame = smooth_frames(1, seed=0, size=size)[0]
    assert np.array_equal(outputs(made, frame), outputs(exported, frame))


@pytest.mark.parametrize("size", [(41, 57), (48, 57), (41, 64), (7, 9)])
def test_mask_of_any_size_is_cropped_and_is_that_of_the_fused_tail(size: tuple[int, int]) -> None:
    scores = frame_graph(TinyFCN(5, seed=3), size, "scores")
    mask = ending_in(scores, Tail(8), size, "mask")
    onnx.checker.check_model(mask, full_check=True)
    for frame in smooth_frames(3, seed=1, size=size):
        expected = mask_from_scores(outputs(scores, frame), 8, size)
        found = outputs(mask, frame)
        assert (found.dtype, found.shape) == (np.uint8, size)
        assert (found == expected).mean() > 0.999  # engines interpolate in another order


def test_scores_graph_is_left_as_it_is_and_an_unknown_end_is_misuse() -> None:
    scores = frame_graph(TinyFCN(5), (48, 64), "scores")
    assert ending_in(scores, Tail(8), (48, 64), "scores") is scores
    before = scores.SerializeToString()
    ending_in(scores, Tail(8), (48, 64), "mask")
    assert scores.SerializeToString() == before
    with pytest.raises(MisuseError, match=r"unknown tail 'boxes'.*valid: scores, mask"):
        ending_in(scores, Tail(8), (48, 64), "boxes")


def test_network_whose_scores_have_a_pixels_size_needs_no_resize() -> None:
    scores = frame_graph(TinyFCN(5), (48, 64), "scores")
    made = ending_in(scores, Tail(1), (6, 8), "mask")
    assert "Resize" not in [node.op_type for node in made.graph.node[-3:]]
    frame = smooth_frames(1, seed=0, size=(48, 64))[0]
    assert np.array_equal(outputs(made, frame), outputs(scores, frame).argmax(0))
