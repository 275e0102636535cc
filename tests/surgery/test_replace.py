"""Replacement in graphs and module trees: names, state dicts, BatchNorm folding, bad input."""

from __future__ import annotations

import dataclasses

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from fcn_edge.data.camvid import CAMVID_11
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.models import build_model
from fcn_edge.network import Network, Normalisation, Origin, Tail
from fcn_edge.network.fold import fold_following_batchnorm
from fcn_edge.network.run import tensor_values
from fcn_edge.surgery.apply import apply
from fcn_edge.surgery.candidates import KINDS, make_candidate
from fcn_edge.surgery.find import list_upsamplers
from fcn_edge.surgery.onnx_rewrite import compare
from fcn_edge.train.checkpoint import Checkpoint
from surgery.nets import (
    SIZE,
    TinyNet,
    deconvs_of,
    frames,
    graph_of,
    replace,
    scores_of,
    tiny_fcn,
    tiny_fcn_graph,
)


def test_every_transposed_convolution_of_an_fcn_is_listed_by_name() -> None:
    found = {layer.name: (layer.kernel, layer.stride) for layer in list_upsamplers(tiny_fcn_graph())}
    assert found == {"up.16": ((4, 4), (2, 2)), "up.8": ((4, 4), (2, 2)), "final": ((16, 16), (8, 8))}


@pytest.mark.parametrize("kind", KINDS)
def test_replaced_network_is_rebuilt_from_its_spec_and_state_dict(kind: str) -> None:
    model = tiny_fcn()
    made = replace(model, dict.fromkeys(deconvs_of(model), kind))
    again = build_model(made.spec)
    again.load_state_dict(made.state_dict())
    picture = frames(1, (37, 53))
    assert np.array_equal(scores_of(again.eval(), picture)[0], scores_of(made, picture)[0])


@pytest.mark.parametrize("size", [(32, 32), (37, 53), (65, 31)])
def test_subpixel_forms_change_no_score_of_a_whole_fcn_at_any_size(size: tuple[int, int]) -> None:
    model = tiny_fcn()
    made = replace(model, dict.fromkeys(deconvs_of(model), "subpixel"))
    before, after = (scores_of(net, frames(1, size))[0] for net in (model, made))
    assert np.abs(before - after).max() < 1e-5 * np.abs(before).max()


def test_replacing_leaves_the_original_and_every_other_name_as_they_were() -> None:
    model = tiny_fcn()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    made = replace(model, {"up.8": "resize-conv"})
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    changed = set(made.state_dict()) ^ set(before)
    assert changed == {"up.8.weight", "up.8.conv.weight"}
    assert made.spec.upsamplers == {"up.8": "resize-conv"}
    assert model.spec.upsamplers == {}


def test_network_is_operated_in_its_graph_and_in_its_checkpoint_alike() -> None:
    model, pictures = tiny_fcn(), frames(2)
    about = {"spec": model.spec.to_json(), "weights_sha256": "0"}
    checkpoint = Checkpoint(model, model.spec, CAMVID_11, {}, "0")
    network = Network(
        tiny_fcn_graph(), SIZE, Tail(1), CAMVID_11, Normalisation(model.mean, model.std),
        Origin("here", "tiny", about, checkpoint),
    )  # fmt: skip
    layers = {layer.name: layer.module for layer in list_upsamplers(network.graph)}
    kinds = {"up.16": "resize-conv", "up.8": "bilinear", "final": "keep"}
    made = apply(network, {name: make_candidate(layers[name], kind) for name, kind in kinds.items()})
    assert made.origin.checkpoint is not None
    assert made.origin.about["spec"]["upsamplers"] == {"up.16": "resize-conv", "up.8": "bilinear-conv"}
    expected = scores_of(made.origin.checkpoint.model, pictures)
    found = [values["scores"][0] for values in tensor_values(made.graph, ["scores"], pictures)]
    assert max(np.abs(a - b).max() for a, b in zip(expected, found, strict=True)) < 1e-4
    assert np.abs(scores_of(model, pictures)[0] - expected[0]).max() > 1e-3, "the original is another"
    stripped = dataclasses.replace(network, origin=Origin("there", "graph", {"weights_sha256": "0"}))
    again = apply(stripped, {name: make_candidate(layers[name], kind) for name, kind in kinds.items()})
    assert again.graph == made.graph


def test_batchnorm_behind_a_layer_is_folded_and_changes_nothing() -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        groups, bias = int(rng.integers(1, 4)), bool(rng.integers(2))
        before = with_batchnorm(rng, groups, bias)
        after = fold_following_batchnorm(before)
        assert [node.op_type for node in after.graph.node] == ["ConvTranspose"], f"seed {seed}"
        (found,) = compare(before, after, seed)
        assert found.relative < 1e-5, f"seed {seed}"


def test_batchnorm_that_others_also_read_past_is_left_alone() -> None:
    before = with_batchnorm(np.random.default_rng(0), 1, True)
    before.graph.node.append(helper.make_node("Add", ["up", "y"], ["z"], "sum"))
    before.graph.output[0].name = "z"
    after = fold_following_batchnorm(before)
    assert [node.op_type for node in after.graph.node] == ["ConvTranspose", "BatchNormalization", "Add"]


def with_batchnorm(rng: np.random.Generator, groups: int, bias: bool) -> onnx.ModelProto:
    """Return a ConvTranspose and a BatchNormalization behind it, all of it random."""
    weight = rng.standard_normal((2 * groups, 2, 3, 3)).astype(np.float32)
    channels = 2 * groups
    tensors = {"w": weight, "gamma": rng.uniform(0.5, 2, channels), "beta": rng.standard_normal(channels),
               "mean": rng.standard_normal(channels), "var": rng.uniform(0.1, 2, channels)}  # fmt: skip
    if bias:
        tensors["b"] = rng.standard_normal(channels)
    inputs = ["x", "w", *(["b"] if bias else [])]
    nodes = [
        helper.make_node("ConvTranspose", inputs, ["up"], "up", strides=[2, 2], group=groups),
        helper.make_node(
            "BatchNormalization", ["up", "gamma", "beta", "mean", "var"], ["y"], "norm", epsilon=1e-3
        ),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, channels, 5, 6))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in tensors.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def test_layer_with_a_weight_that_is_not_finite_is_refused_by_name() -> None:
    model = TinyNet()
    model.last.weight.data[0, 0, 0, 0] = float("nan")
    with pytest.raises(
        FcnEdgeError, match=r"layer 'last': 1 of 384 values of its weight are NaN or infinite"
    ):
        list_upsamplers(graph_of(model))


def test_unknown_kind_lists_the_valid_ones() -> None:
    with pytest.raises(MisuseError, match="valid: keep, subpixel, bilinear, resize-conv"):
        replace(TinyNet(), {"up": "cubic"})
