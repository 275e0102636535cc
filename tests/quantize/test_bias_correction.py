"""Bias correction: channel means of the Q/DQ network return to those of the fp32 one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from golden.make_golden import smooth_frames
from golden.tiny_fcn import TinyFCN

from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.network.run import tensor_values
from fcn_edge.quantize.bias_correction import expected_output
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.qdq import quantize_onnx
from fcn_edge.quantize.ranges import Observed
from fcn_edge.quantize.recipe import Recipe


def channel_means(path: Path, tensors: list[str], frames: list[np.ndarray]) -> dict[str, np.ndarray]:
    values = list(tensor_values(onnx.load(path), tensors, frames, exact=True))
    return {name: np.mean([value[name].mean(axis=(0, 2, 3)) for value in values], axis=0) for name in tensors}


def test_channel_means_come_closer_to_those_of_fp32(tmp_path: Path) -> None:
    frames = smooth_frames(8)
    calibration = CalibrationSet(frames, [f"{i}" for i in range(8)], "smooth noise", 0, "")
    fp32 = export_onnx(TinyFCN(), (48, 64), "scores", tmp_path / "m.onnx")
    layers = ["backbone.1.0.0", "backbone.1.1.0", "backbone.1.1.3", "backbone.2.0", "up8"]
    target = channel_means(fp32, layers, frames)
    errors = {}
    for corrected in (False, True):
        path = tmp_path / f"{corrected}.onnx"
        quantize_onnx(
            fp32,
            calibration,
            Recipe("minmax", weights="full", equalize=False, bias_correction=corrected),
            path,
        )
        found = channel_means(path, layers, frames)
        errors[corrected] = sum(float(np.abs(found[name] - target[name]).sum()) for name in layers)
    assert errors[True] < 0.7 * errors[False], errors


@pytest.mark.parametrize("transposed", [False, True])
def test_expected_output_is_the_mean_of_the_layer_on_a_constant_image(transposed: bool) -> None:
    generator = np.random.default_rng(0)
    shape = (4, 6, 4, 4) if transposed else (6, 4, 3, 3)
    weights, means = generator.standard_normal(shape).astype(np.float32), generator.standard_normal(4)
    kind, pads = ("ConvTranspose", [1, 1, 1, 1]) if transposed else ("Conv", [1, 1, 1, 1])
    layer = onnx.helper.make_node(kind, ["x", "w"], ["y"], "layer", strides=[2, 2], pads=pads)
    found = expected_output(layer, weights, Observed(1.0, means, (7, 9)))
    image = torch.tensor(means, dtype=torch.float32).view(1, 4, 1, 1).expand(1, 4, 7, 9)
    run = torch.nn.functional.conv_transpose2d if transposed else torch.nn.functional.conv2d
    expected = run(image, torch.from_numpy(weights), stride=2, padding=1).mean(dim=(0, 2, 3)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
