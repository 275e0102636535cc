"""Training for INT8: PyTorch rounds as the exported Q/DQ graph does, and what it learns is exported."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from golden.make_golden import smooth_frames
from golden.tiny_fcn import TinyFCN
from onnx import numpy_helper
from surgery.nets import deconvs_of, replace

from fcn_edge.backends import load_backend
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models import build_model
from fcn_edge.models.fake_quant import FakeQuantized, _RoundActivation, round_weight
from fcn_edge.models.frames import to_input
from fcn_edge.models.spec import ModelSpec
from fcn_edge.models.upsample import bilinear_kernel
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.placement import activations_to_quantize
from fcn_edge.quantize.qat import prepare, quantize_trained, tensor_names
from fcn_edge.quantize.qdq import quantize_onnx
from fcn_edge.quantize.recipe import Recipe
from fcn_edge.quantize.weights import along, quantize_weight, sqnr_db

SIZE = (48, 64)
FRAMES = smooth_frames(8)
CALIBRATION = CalibrationSet(FRAMES, [f"{i}" for i in range(8)], "smooth noise", 0, "")


def scores(path: Path, frames: list[np.ndarray]) -> np.ndarray:
    engine = load_backend("onnxruntime").open(path, None, {"optimize": "off"})
    return np.stack([engine.infer(frame) for frame in frames])


@pytest.fixture(scope="module")
def tiny() -> tuple[TinyFCN, FakeQuantized]:
    """A network and the same one, rounding."""
    return TinyFCN(), prepare(TinyFCN(), CALIBRATION, Recipe(weights="pairs")).eval()


@pytest.mark.parametrize("rule", ["full", "pairs"])
@pytest.mark.parametrize(("shape", "axis"), [((6, 5, 3, 3), 0), ((4, 1, 3, 3), 0), ((6, 4, 4, 4), 1)])
def test_weights_round_as_in_the_exported_file(shape: tuple[int, ...], axis: int, rule: str) -> None:
    weight = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    weight[(slice(None),) * axis + (2,)] = 0
    integers, scale = quantize_weight(weight, axis, rule)
    given = torch.tensor(weight, requires_grad=True)
    rounded = round_weight(given, axis, rule)
    np.testing.assert_array_equal(rounded.detach().numpy(), integers * along(scale, axis, 4))
    rounded.sum().backward()
    assert torch.equal(given.grad, torch.ones(shape))
    reverse = round_weight(given, axis, rule, reverse=True).flip(1)
    np.testing.assert_array_equal(
        reverse.detach(), round_weight(given.flip(1), axis, rule).detach() if axis == 0 else reverse.detach()
    )


def test_activations_saturate_and_their_range_learns_by_the_published_gradient() -> None:
    x = torch.tensor([-3.0, -0.26, 0.1, 0.9, 1.3], requires_grad=True)
    largest = torch.tensor(1.0, requires_grad=True)
    y = _RoundActivation.apply(x, largest)
    step = 1 / 127
    expected = [
        -128 * step,
        round(-0.26 / step) * step,
        round(0.1 / step) * step,
        round(0.9 / step) * step,
        1.0,
    ]
    torch.testing.assert_close(y.detach(), torch.tensor(expected))
    y.sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 0]
    inside = sum(round(v / step) - v / step for v in (-0.26, 0.1, 0.9))  # LSQ, equation 3
    assert largest.grad.item() == pytest.approx((-128 + inside + 127) / 127, abs=1e-5)


def test_folding_batchnorm_changes_nothing(tiny: tuple[TinyFCN, FakeQuantized]) -> None:
    model, net = tiny
    x = to_input(torch.from_numpy(np.stack(FRAMES[:2])), model.mean, model.std)
    with torch.no_grad():
        torch.testing.assert_close(net.fcn.forward_scores(x), model.forward_scores(x), atol=1e-5, rtol=1e-4)


def test_pytorch_computes_what_the_exported_graph_computes(
    tiny: tuple[TinyFCN, FakeQuantized], tmp_path: Path
) -> None:
    net = tiny[1]
    fp32 = export_onnx(net.fcn, SIZE, "scores", tmp_path / "fp32.onnx")
    quantize_trained(fp32, net.fcn, net.record(), tmp_path / "int8.onnx")
    exported = scores(tmp_path / "int8.onnx", FRAMES[:2])
    x = to_input(torch.from_numpy(np.stack(FRAMES[:2])), net.mean, net.std)
    with torch.no_grad():
        rounding, plain = net.forward_scores(x).numpy(), net.fcn.forward_scores(x).numpy()
    assert np.median(np.abs(exported - rounding)) < 1e-5  # equal, but where the order of a float sum
    assert sqnr_db(exported, rounding) > 40  # decides which way a tie is rounded
    assert sqnr_db(exported, plain) < sqnr_db(exported, rounding) - 10
    # before any training the graph is that of calibration, but for bias correction
    recipe = Recipe(weights="pairs", equalize=False, bias_correction=False)
    quantize_onnx(fp32, CALIBRATION, recipe, tmp_path / "calibrated.onnx")
    np.testing.assert_allclose(scores(tmp_path / "calibrated.onnx", FRAMES[:2]), exported, atol=1e-4)


def test_learned_ranges_reach_the_file_and_other_weights_are_refused(
    tiny: tuple[TinyFCN, FakeQuantized], tmp_path: Path
) -> None:
    net = copy.deepcopy(tiny[1]).train()
    before = net.record()["ranges"]
    optimizer = torch.optim.SGD(net.parameters(), 0.05)
    x = to_input(torch.from_numpy(np.stack(FRAMES[:2])), net.mean, net.std)
    net(x).square().mean().backward()
    optimizer.step()
    record = net.record()
    assert sum(record["ranges"][name] != value for name, value in before.items()) > len(before) / 2
    fp32 = export_onnx(net.fcn, SIZE, "scores", tmp_path / "fp32.onnx")
    report = quantize_trained(fp32, net.fcn, record, tmp_path / "int8.onnx")
    written = {t.name: numpy_helper.to_array(t) for t in onnx.load(tmp_path / "int8.onnx").graph.initializer}
    frame = report.ranges["Add_0"]
    assert frame == pytest.approx(record["ranges"]["frame"])
    assert written["Add_0_scale"] == pytest.approx(frame / 127)
    with torch.no_grad():
        net.fcn.score8.bias.add_(1)
    with pytest.raises(FcnEdgeError, match="learned with other weights"):
        quantize_trained(fp32, net.fcn, record, tmp_path / "never.onnx")
    assert not (tmp_path / "never.onnx").exists()


def test_tensors_of_residual_blocks_have_the_same_names_in_pytorch_and_onnx(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = build_model(ModelSpec("fcn16s-resnet18", num_classes=3, head_width=8)).eval()
    model = onnx.load(export_onnx(net, SIZE, "scores", tmp_path / "m.onnx"))
    exported = tensor_names(model)
    wanted = {exported[tensor] for tensor in activations_to_quantize(model)}
    assert {"frame", "backbone.conv1:relu", "(+backbone.layer1.1.conv2):relu", "up.16"} < wanted
    rounding = FakeQuantized(net, dict.fromkeys(wanted, 1.0), "full").train()
    assert len(set(rounding.places.values())) == len(wanted)
    assert not any(module.training for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d))


@pytest.mark.parametrize("form", ["subpixel", "bilinear", "bilinear-conv", "resize-conv"])
def test_a_network_that_surgery_changed_rounds_as_its_exported_graph_does(form: str, tmp_path: Path) -> None:
    trained = TinyFCN()
    if form == "bilinear":  # a layer that is a plain resize needs no convolution
        for layer in deconvs_of(trained).values():
            layer.weight.data = bilinear_kernel(2, layer.in_channels)
    kind = "bilinear" if form == "bilinear-conv" else form
    forms = dict.fromkeys(deconvs_of(trained), kind)
    net = prepare(replace(trained, forms), CALIBRATION, Recipe(weights="pairs")).eval()
    layers = [net.fcn.get_submodule(f"{name}.conv") for name in forms]
    assert [isinstance(layer, torch.nn.Conv2d) for layer in layers] == [form != "bilinear"] * 2
    fp32 = export_onnx(net.fcn, SIZE, "scores", tmp_path / "fp32.onnx")
    quantize_trained(fp32, net.fcn, net.record(), tmp_path / "int8.onnx")
    x = to_input(torch.from_numpy(np.stack(FRAMES[:2])), net.mean, net.std)
    rounding = net.forward_scores(x)
    assert sqnr_db(scores(tmp_path / "int8.onnx", FRAMES[:2]), rounding.detach().numpy()) > 40
    rounding.square().mean().backward()
    assert all(weight.grad.any() for layer in layers for weight in layer.parameters())


def test_a_network_that_cannot_be_followed_is_one_sentence() -> None:
    class Odd(TinyFCN):
        spec = ModelSpec("fcn8s-mobilenet_v2")

        def forward_scores(self, image: torch.Tensor) -> torch.Tensor:
            return super().forward_scores(image) if image.sum() > 0 else image

    with pytest.raises(FcnEdgeError, match="cannot be followed layer by layer"):
        FakeQuantized(Odd(), {}, "pairs")
