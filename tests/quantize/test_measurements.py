"""Measurements that networks share against measuring each alone, and histograms against counting by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from golden.make_golden import smooth_frames
from onnx import numpy_helper

from fcn_edge.network.parts import fingerprints, part_of
from fcn_edge.quantize import ranges
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.ranges import BINS, BLOCK, Measurements, histogram
from fcn_edge.quantize.table import measure_ranges
from quantize.graphs import graph, node, weight


@pytest.mark.parametrize("peak", [1e-36, 1e-6, 0.37, 6.0, 1e30])
def test_histogram_counts_values_whose_bins_are_known(peak: float) -> None:
    peak = float(np.float32(peak))
    generator = np.random.default_rng(int(peak * 10) % 97)
    bins = generator.integers(0, BINS, (3, 5, BLOCK // 10))  # more than one block
    sign = generator.choice([-1, 1], bins.shape)
    inside = generator.uniform(0.01, 0.99, bins.shape)
    values = (sign * (bins + inside) * peak / BINS).astype(np.float32)
    values[0, 0, :2] = peak, -peak
    bins[0, 0, :2] = BINS - 1
    np.testing.assert_array_equal(histogram(values, peak), np.bincount(bins.ravel(), minlength=BINS))


def test_histogram_of_zeros_is_empty_where_nothing_was_ever_seen() -> None:
    assert histogram(np.zeros((1, 2, 3, 3), np.float32), 0.0).sum() == 0


def network(generator: np.random.Generator, layers: int) -> onnx.ModelProto:
    """Return a chain of convolutions with ReLU and a residual sum now and then, from x to y."""
    nodes, constants, last = [], {}, "x"
    for index in range(layers):
        constants[f"w{index}"] = 0.3 * generator.standard_normal((4, 4, 3, 3)).astype(np.float32)
        nodes.append(node("Conv", f"{last} w{index}", f"c{index}", pads=[1, 1, 1, 1]))
        if index and generator.random() < 0.4:
            nodes.append(node("Add", f"c{index} {last}", f"r{index}"))
        else:
            nodes.append(node("Relu", f"c{index}", f"r{index}"))
        last = f"r{index}"
    nodes[-1].output[0] = "y"
    for one in nodes:
        one.name = ""
    return graph(nodes, constants)


def with_other_weight(model: onnx.ModelProto, layer: int) -> onnx.ModelProto:
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for tensor in changed.graph.initializer:
        if tensor.name == f"w{layer}":
            tensor.CopyFrom(numpy_helper.from_array(weight(99, (4, 4, 3, 3)), tensor.name))
    return changed


@pytest.mark.parametrize("room", [0, 6000, 1 << 30])
def test_what_networks_share_is_run_once_and_the_rest_as_if_measured_alone(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = int(np.random.default_rng().integers(1 << 30))
    print(f"seed {seed}")
    generator = np.random.default_rng(seed)
    frames = [generator.standard_normal((4, 8, 8)).astype(np.float32) for _ in range(3)]
    parts: list[onnx.ModelProto] = []
    run = ranges.open_session
    monkeypatch.setattr(ranges, "open_session", lambda model: parts.append(model) or run(model))
    for _ in range(4):
        layers = int(generator.integers(3, 8))
        layer = int(generator.integers(1, layers - 1))
        model = network(generator, layers)
        changed = with_other_weight(model, layer)
        tensors = [f"r{index}" for index in range(layers - 1)]
        known = Measurements(frames, room)
        known.observe(model, tensors)
        parts.clear()
        found = known.observe(changed, tensors)
        first = {one.op_type + str(list(one.output)) for part in parts for one in part.graph.node}
        if room > 6000:  # everything before the layer was recorded
            assert {value.name for value in parts[0].graph.input} <= {f"r{i}" for i in range(layer)}
            assert not any(f"'c{index}'" in name for name in first for index in range(layer))
        expected = Measurements(frames, 0).observe(changed, tensors)
        for name in tensors:
            assert found[name].peak == pytest.approx(expected[name].peak, rel=1e-5), name
            np.testing.assert_allclose(found[name].peaks, expected[name].peaks, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(found[name].mean, expected[name].mean, rtol=1e-3, atol=1e-5)
            assert found[name].histogram.sum() == expected[name].histogram.sum() == 3 * 4 * 64
            moved = np.abs(np.cumsum(found[name].histogram - expected[name].histogram)).max()
            assert moved <= 3, name
        parts.clear()
        again = known.observe(changed, tensors)
        assert not parts  # all of it is known
        assert all(again[name] is found[name] for name in tensors)


def test_fingerprints_follow_the_computation_and_not_the_names() -> None:
    model = network(np.random.default_rng(0), 4)
    renamed = onnx.ModelProto()
    renamed.CopyFrom(model)
    for one in renamed.graph.node:
        one.name = ""
        one.output[:] = [f"other_{name}" for name in one.output]
        one.input[:] = [name if name[0] in "xw" else f"other_{name}" for name in one.input]
    before, after = fingerprints(model), fingerprints(renamed)
    assert before["c3"] == after["other_c3"]
    changed = fingerprints(with_other_weight(model, 2))
    assert before["r1"] == changed["r1"]
    assert {before[name] == changed[name] for name in ("c2", "r2", "c3", "y")} == {False}
    assert len(set(before.values())) == len(before)


def test_a_graph_inside_a_node_counts_with_what_it_takes_from_outside() -> None:
    def model(value: float) -> onnx.ModelProto:
        branch = onnx.helper.make_graph(
            [node("Mul", "r outer", "b")], "branch", [],
            [onnx.helper.make_tensor_value_info("b", onnx.TensorProto.FLOAT, None)],
        )  # fmt: skip
        nodes = [node("Relu", "x", "r"), node("If", "yes", "y", then_branch=branch, else_branch=branch)]
        return graph(nodes, {"yes": np.array(True), "outer": np.array(value, np.float32)})

    assert fingerprints(model(1.0))["y"] != fingerprints(model(2.0))["y"]
    part = part_of(model(2.0), ["y"], {})
    assert [one.op_type for one in part.graph.node] == ["Relu", "If"]
    frame = weight(0, (1, 4, 8, 8))
    found = ranges.open_session(part).run(["y"], {"x": frame})[0]
    np.testing.assert_array_equal(found, 2 * np.maximum(frame, 0))


def test_measurements_of_other_frames_are_refused(tmp_path: Path) -> None:
    model = network(np.random.default_rng(0), 3)
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    calibration = CalibrationSet(smooth_frames(8), [f"{i}" for i in range(8)], "smooth noise", 0, "")
    with pytest.raises(ValueError, match="measured on other frames"):
        measure_ranges(path, calibration, known=Measurements(calibration.frames[:7]))


def test_tensors_without_height_and_width_are_observed_by_channel() -> None:
    nodes = [node("Relu", "x", "r"), node("GlobalAveragePool", "r", "g"), node("Flatten", "g", "f")]
    model = graph([*nodes, node("Identity", "f", "y")])
    frames = [weight(seed, (4, 8, 8)) for seed in range(2)]
    seen = ranges.observe(model, ["r", "f"], frames, histograms=True)
    means = np.maximum(np.stack(frames), 0).mean(axis=(2, 3))
    np.testing.assert_allclose(seen["f"].mean, means.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(seen["f"].peaks, means.max(axis=0), rtol=1e-5)
    assert (seen["f"].size, seen["r"].size) == ((), (8, 8))
