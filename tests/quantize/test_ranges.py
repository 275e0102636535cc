"""Range methods against direct computation on samples of known distribution."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from golden.make_golden import smooth_frames
from golden.tiny_fcn import TinyFCN

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.qdq import quantize_with
from fcn_edge.quantize.ranges import BINS, Observed, clip_point, observe
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.quantize.table import measure_ranges
from quantize.graphs import graph, node, weight


def observed(values: np.ndarray) -> Observed:
    peak = float(np.abs(values).max())
    return Observed(peak, np.zeros(1), (1, 1), np.histogram(np.abs(values), BINS, (0, peak))[0])


def quantization_error(values: np.ndarray, clip: float) -> float:
    scale = clip / 127
    return float(np.square(np.clip(np.rint(values / scale), -127, 127) * scale - values).mean())


@pytest.fixture(scope="module")
def heavy_tailed() -> np.ndarray:
    return np.random.default_rng(0).standard_t(3, 200_000)


def test_minmax_is_the_peak(heavy_tailed: np.ndarray) -> None:
    assert clip_point(observed(heavy_tailed), Recipe("minmax")) == np.abs(heavy_tailed).max()


@pytest.mark.parametrize("percentile", [90.0, 99.0, 99.9])
def test_percentile_is_numpys_to_two_bins(heavy_tailed: np.ndarray, percentile: float) -> None:
    seen = observed(heavy_tailed)
    expected = np.percentile(np.abs(heavy_tailed), percentile)
    assert abs(clip_point(seen, Recipe("percentile", percentile)) - expected) <= 2 * seen.peak / BINS


def counted(counts: dict[int, int], peak: float = float(BINS)) -> Observed:
    """What was observed, given as counts by bin; the bins are 1 wide."""
    histogram = np.zeros(BINS, np.int64)
    for place, count in counts.items():
        histogram[place] = count
    return Observed(peak, np.zeros(1), (1, 1), histogram)


@pytest.mark.parametrize(
    ("counts", "percentile", "clip"),
    [
        ({10: 96, 500: 32}, 75.0, 11),  # the upper edge of the bin in which the share is reached
        ({10: 96, 500: 32}, 76.0, 501),
        ({0: 99, BINS - 1: 1}, 99.5, BINS),
        ({0: 128}, 75.0, 1),
    ],
)
def test_percentile_is_the_upper_edge_of_its_bin(
    counts: dict[int, int], percentile: float, clip: float
) -> None:
    assert clip_point(counted(counts), Recipe("percentile", percentile)) == clip


def test_entropy_does_not_see_how_many_zeros_there_are() -> None:
    values = np.abs(np.random.default_rng(3).normal(0, 1, 100_000))
    seen = observed(np.append(values, 12.0))
    clips = []
    for zeros in (0, 10_000, 10_000_000):
        seen.histogram[0] = zeros
        clips.append(clip_point(seen, Recipe("entropy")))
    assert clips[0] == clips[1] == clips[2]


def test_mse_has_the_least_error_of_all_clip_points(heavy_tailed: np.ndarray) -> None:
    seen = observed(heavy_tailed)
    found = quantization_error(heavy_tailed, clip_point(seen, Recipe("mse")))
    tried = [quantization_error(heavy_tailed, clip) for clip in np.linspace(0.05, 1, 60) * seen.peak]
    assert found <= min(tried) * 1.05


def test_entropy_cuts_a_far_outlier_but_keeps_the_bulk() -> None:
    values = np.concatenate([np.random.default_rng(0).normal(0, 1, 100_000), [40.0]])
    found = clip_point(observed(values), Recipe("entropy"))
    assert 2.5 < found < 20


def test_a_tensor_that_is_always_zero_gets_any_range_but_zero() -> None:
    for method in ("minmax", "percentile", "mse", "entropy"):
        assert clip_point(Observed(), Recipe(method)) > 0


def test_observation_equals_running_the_tensors_by_hand(tmp_path: Path) -> None:
    import onnx
    import onnxruntime as ort

    path = export_onnx(TinyFCN(), (48, 64), "scores", tmp_path / "m.onnx")
    model, frames = onnx.load(path), smooth_frames(3)
    seen = observe(model, ["Clip_0", "Add_1"], frames, histograms=True)
    model.graph.output.append(onnx.helper.make_tensor_value_info("Clip_0", onnx.TensorProto.FLOAT, None))
    session = ort.InferenceSession(model.SerializeToString())
    values = np.stack([session.run(["Clip_0"], {"frame": frame[None]})[0][0] for frame in frames])
    assert seen["Clip_0"].peak == pytest.approx(values.max(), rel=1e-5)
    np.testing.assert_allclose(seen["Clip_0"].mean, values.mean(axis=(0, 2, 3)), rtol=1e-4)
    assert seen["Clip_0"].size == values.shape[2:]
    assert seen["Clip_0"].histogram.sum() == values.size


def test_an_activation_that_is_not_finite_is_named() -> None:
    nodes = [node("Cast", "frame", "x", to=1), node("Log", "x", "l"), node("Conv", "l w", "y")]
    constants = {"w": weight(0, (4, 4, 1, 1))}
    model = graph(nodes, constants, ("frame", 2), shape=(1, 4, 8, 8))
    with pytest.raises(FcnEdgeError, match="tensor l is not finite on the calibration frames"):
        observe(model, ["l"], [np.zeros((4, 8, 8), np.uint8)], histograms=False)


def test_a_range_table_is_refused_for_another_network(tmp_path: Path) -> None:
    first = export_onnx(TinyFCN(seed=0), (48, 64), "scores", tmp_path / "a.onnx")
    other = export_onnx(TinyFCN(seed=1), (48, 64), "scores", tmp_path / "b.onnx")
    calibration = CalibrationSet(smooth_frames(8), [f"{i}" for i in range(8)], "smooth noise", 0, "")
    table = measure_ranges(first, calibration)
    recipe = Recipe("percentile", weights="full")
    quantize_with(first, table, recipe, tmp_path / "int8.onnx")
    with pytest.raises(FcnEdgeError, match="the range table is stale"):
        quantize_with(other, table, recipe, tmp_path / "never.onnx")
    assert not (tmp_path / "never.onnx").exists()
