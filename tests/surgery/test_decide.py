"""The decision over a whole network, with a measure made of plain PyTorch."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from torch import nn

from fcn_edge.ground.errors import MisuseError
from fcn_edge.models.upsample import ResizeConv2d, SubpixelConv2d
from fcn_edge.network.nodes import LAYERS
from fcn_edge.network.run import tensor_values
from fcn_edge.surgery.apply import substitute
from fcn_edge.surgery.decide import decide
from fcn_edge.surgery.fidelity import Measurement, agreement, sqnr_db
from fcn_edge.surgery.rule import Rule
from surgery.nets import frames, graph_of, tiny_fcn_graph, tiny_net_graph

FRAMES = frames(8)


class FakeEngine:
    """A measure: INT8 weights per output channel, and a latency per form that the test sets."""

    def __init__(self, original: onnx.ModelProto, latency: dict[type, float]) -> None:
        self.original = original
        self.reference = scores_by(original)
        self.latency = latency
        self.calls = 0

    def __call__(self, stand_ins: Mapping[str, nn.Module]) -> Measurement:
        self.calls += 1
        scores = scores_by(with_rounded_weights(substitute(self.original, stand_ins)))
        cost = 10 + sum(self.latency.get(type(module), 0) for module in stand_ins.values())
        return Measurement(agreement(self.reference, scores), sqnr_db(self.reference, scores), cost)


def scores_by(graph: onnx.ModelProto) -> list[np.ndarray]:
    return [values["scores"][0] for values in tensor_values(graph, ["scores"], FRAMES)]


def with_rounded_weights(graph: onnx.ModelProto) -> onnx.ModelProto:
    weights = {node.input[1]: node.op_type for node in graph.graph.node if node.op_type in LAYERS}
    for tensor in graph.graph.initializer:
        if tensor.name not in weights:
            continue
        weight = numpy_helper.to_array(tensor)
        axis = 0 if weights[tensor.name] == "Conv" else 1
        others = tuple(i for i in range(4) if i != axis)
        step = np.maximum(np.abs(weight).max(axis=others, keepdims=True), 1e-9) / 63
        rounded = (weight / step).round().astype(np.float32) * step
        tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))
    return graph


def test_faster_exact_form_is_chosen_and_the_table_says_why() -> None:
    model = tiny_fcn_graph()
    engine = FakeEngine(model, {SubpixelConv2d: -1})
    table = decide(model, FRAMES, engine)
    assert set(table.choice.values()) == {"subpixel"}
    assert "faster" in table.layers[0].why
    assert table.chosen is not None
    assert table.chosen.latency_ms == 7
    forms = {name: type(one.module) for name, one in table.candidates.items()}
    assert forms == dict.fromkeys(["up.16", "up.8", "final"], SubpixelConv2d)


def test_nothing_is_replaced_when_every_candidate_is_slower() -> None:
    model = tiny_fcn_graph()
    slow = {SubpixelConv2d: 3, ResizeConv2d: 5, nn.Upsample: 5}
    table = decide(model, FRAMES, FakeEngine(model, slow))
    for layer in table.layers:
        assert layer.chosen == "keep" or "bilinear" in layer.chosen
        assert "subpixel is slower" in layer.why or layer.chosen != "keep"


def test_lossy_candidates_far_off_in_fp32_are_not_measured_and_say_so() -> None:
    model = tiny_net_graph()
    engine = FakeEngine(model, {})
    table = decide(model, FRAMES, engine)
    skipped = [c for layer in table.layers for c in layer.candidates if c.skipped]
    assert skipped, "a random kernel is far from every smooth one"
    assert all("already in fp32" in c.skipped for c in skipped)
    assert engine.calls <= 1 + 2 * 3 + 1 - len(skipped)


def test_search_of_all_combinations_measures_each_once_and_the_winner_once_more() -> None:
    model = tiny_net_graph()
    engine = FakeEngine(model, {SubpixelConv2d: -1})
    table = decide(model, FRAMES, engine, search_all=True)
    assert engine.calls == 4 * 4 + 1
    assert table.changed


def test_winner_that_was_only_lucky_is_not_taken() -> None:
    """The first measurement of every network with a sub-pixel layer is fast by chance, the second is not."""

    class Lucky(FakeEngine):
        seen: set[int]

        def __call__(self, stand_ins: Mapping[str, nn.Module]) -> Measurement:
            which = hash(frozenset(n for n, one in stand_ins.items() if isinstance(one, SubpixelConv2d)))
            again = which in self.seen
            self.seen.add(which)
            lucky = stand_ins and not again
            return dataclasses.replace(super().__call__(stand_ins), latency_ms=5 if lucky else 10)

    model = tiny_net_graph()
    engine = Lucky(model, {})
    engine.seen = set()
    table = decide(model, FRAMES, engine, rule=Rule(same=0.5, same_db=100))
    assert set(table.choice.values()) == {"keep"}
    assert table.chosen == table.keep
    assert all("subpixel is no better" in layer.why for layer in table.layers)


def test_lossy_choice_with_too_few_frames_to_distil_says_so() -> None:
    table = decide(tiny_fcn_graph(), FRAMES[:4], None, "resize-conv")
    assert table.recovery is None
    assert "4 frames are too few to distil" in table.note


def test_forced_kind_is_applied_where_the_layer_has_it_and_the_reason_is_given_where_not() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1), nn.ConvTranspose2d(4, 4, 2, 3), nn.ConvTranspose2d(4, 4, 4, 2, 1)
    )
    table = decide(graph_of(model), [], None, "resize-conv")
    assert table.choice == {"1": "keep", "2": "resize-conv"}
    assert "smaller than its stride" in table.layers[0].why
    assert isinstance(table.candidates["2"].module, ResizeConv2d)


def test_lossy_choice_is_recovered_by_distillation_and_not_made_worse() -> None:
    table = decide(tiny_fcn_graph(), FRAMES, None, "resize-conv")
    assert table.recovery is not None
    assert table.recovery.after.agreement >= table.recovery.before.agreement
    assert "recovery" in table.to_json()


def test_table_is_json_with_the_documented_keys() -> None:
    model = tiny_fcn_graph()
    table = json.loads(json.dumps(decide(model, FRAMES, FakeEngine(model, {})).to_json(), allow_nan=False))
    assert {"mode", "layers", "network", "note"} <= set(table)
    assert [layer["name"] for layer in table["layers"]] == ["up.16", "up.8", "final"]
    for layer in table["layers"]:
        assert {"name", "stride", "kernel", "candidates", "chosen", "why"} <= set(layer)
        assert [c["kind"] for c in layer["candidates"]] == ["keep", "subpixel", "bilinear", "resize-conv"]
        for c in layer["candidates"]:
            assert {"kind", "residual", "checkerboard", "sqnr_db", "agreement", "latency_ms"} <= set(c)


def test_network_without_transposed_convolution_says_so_and_succeeds() -> None:
    table = decide(graph_of(nn.Sequential(nn.Conv2d(3, 3, 3))), FRAMES, None)
    assert table.layers == []
    assert table.note == "no transposed convolution in this network: nothing to operate on"


def test_layer_whose_weights_are_computed_is_left_alone_and_said() -> None:
    graph = tiny_net_graph()
    made = onnx.ModelProto()
    made.CopyFrom(graph)
    last = next(node for node in made.graph.node if node.name == "last")
    made.graph.node.insert(0, helper.make_node("Abs", [last.input[1]], ["computed"], "abs"))
    last.input[1] = "computed"
    table = decide(made, FRAMES, None, "subpixel")
    assert table.choice == {"up": "subpixel"}
    assert table.note == "last is left alone: its weights are computed in the graph"


def test_lossy_choice_in_front_of_an_operator_without_gradient_is_kept_as_fitted_and_says_so() -> None:
    made = onnx.ModelProto()
    made.CopyFrom(tiny_fcn_graph())
    final = next(node for node in made.graph.node if node.name == "final")
    made.graph.node.extend([helper.make_node("Floor", ["rough"], [final.output[0]], "floor")])
    final.output[0] = "rough"
    order = [node for node in made.graph.node if node.name != "floor"]
    place = order.index(final) + 1
    floor = made.graph.node[-1]
    nodes = [*order[:place], floor, *order[place:]]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    table = decide(made, FRAMES, None, "resize-conv")
    assert table.recovery is None
    assert "not distilled: no gradient through Floor (node floor)" in table.note


def test_unknown_mode_lists_the_valid_ones() -> None:
    with pytest.raises(MisuseError, match="valid: auto, keep, subpixel, bilinear, resize-conv"):
        decide(tiny_net_graph(), FRAMES, None, "nearest")


def test_sqnr_ignores_what_is_added_to_all_classes_and_counts_decibels() -> None:
    reference = [np.random.default_rng(0).standard_normal((5, 8, 8))]
    shifted = [reference[0] + 3.0]
    assert sqnr_db(reference, shifted) > 150
    tenth = [reference[0] * 1.1]
    assert sqnr_db(reference, tenth) == pytest.approx(20.0, abs=1e-6)
