"""How each rival's tools turn the network into their own format; done once, kept in the run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fcn_edge.bench.rivals.context import Frame, RivalContext

if TYPE_CHECKING:
    from torch import nn


def scores_onnx(context: RivalContext) -> Path:
    """Return ONNX of the network alone: float32 (1, 3, H, W) in, full-size scores out."""
    return _export(context, context.model(), context.folder / "scores.onnx")


def ids_onnx(context: RivalContext) -> Path:
    """Return ONNX of the network with argmax: float32 (1, 3, H, W) in, class ids (1, H, W) out."""
    return _export(context, _with_argmax(context.model()), context.folder / "ids.onnx")


def _export(context: RivalContext, model: nn.Module, out: Path) -> Path:
    import torch

    if not out.is_file():
        example = torch.zeros(1, 3, *context.size)
        torch.onnx.export(
            model, (example,), str(out), dynamo=True, opset_version=18, verbose=False, external_data=False
        )
    return out


def _with_argmax(model: Any) -> nn.Module:
    import torch

    class WithArgmax(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = model

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.net(x).argmax(1)

    return WithArgmax().eval()


def onnxruntime_int8(context: RivalContext) -> Path:
    """Return what onnxruntime.quantization makes of the frame graph."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    from fcn_edge.ground.machine import INT8_DOT_PRODUCT, cpu_flags

    out = context.folder / "ort-int8.onnx"
    if not out.is_file():
        ready = context.folder / "ort-ready.onnx"
        quant_pre_process(context.fp32_mask(), ready)
        quantize_static(
            ready, out, _Reader(context.calibration_frames()), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            reduce_range=not cpu_flags() & INT8_DOT_PRODUCT,
        )  # fmt: skip
    return out


class _Reader:
    """Calibration frames in the form that onnxruntime.quantization takes."""

    def __init__(self, frames: list[Frame]) -> None:
        self.left = iter(frames)

    def get_next(self) -> dict[str, Frame] | None:
        """Return the next input, or None."""
        frame = next(self.left, None)
        return None if frame is None else {"frame": frame[None]}


def openvino_model(context: RivalContext) -> Any:
    """Return an ov.Model that takes a uint8 frame by OpenVINO's own PrePostProcessor and gives uint8 ids."""
    import openvino
    from openvino.preprocess import ColorFormat, PrePostProcessor

    net = context.model()
    steps = PrePostProcessor(openvino.Core().read_model(ids_onnx(context)))
    frame = steps.input().tensor()
    frame.set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    frame.set_color_format(ColorFormat.BGR)
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    preparation = steps.input().preprocess()
    preparation.convert_element_type(openvino.Type.f32).convert_color(ColorFormat.RGB)
    preparation.mean([255 * value for value in net.mean]).scale([255 * value for value in net.std])
    steps.output().tensor().set_element_type(openvino.Type.u8)
    return steps.build()


def nncf_model(context: RivalContext) -> Path:
    """Return OpenVINO's format of what NNCF makes of openvino_model."""
    import nncf
    import openvino

    out = context.folder / "nncf.xml"
    if not out.is_file():
        data = nncf.Dataset(context.calibration_frames(), lambda frame: frame[None])
        made = nncf.quantize(openvino_model(context), data, preset=nncf.QuantizationPreset.MIXED)
        openvino.save_model(made, out)
    return out


def litert_int8(context: RivalContext) -> Path:
    """Return TFLite with INT8 weights and activations: channels-last input, class ids out."""
    import litert_torch
    import torch
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe

    out = context.folder / "litert-int8.tflite"
    if out.is_file():
        return out
    model = litert_torch.to_channel_last_io(_with_argmax(context.model()), args=[0])
    float_path = out.with_name("litert-fp32.tflite")
    litert_torch.convert(model, (torch.zeros(1, *context.size, 3),)).export(str(float_path))
    work = quantizer.Quantizer(str(float_path))
    work.load_quantization_recipe(recipe.static_wi8_ai8())
    name = Interpreter(str(float_path)).get_signature_list()["serving_default"]["inputs"][0]
    samples = [{name: context.prepared(f).transpose(0, 2, 3, 1)} for f in context.calibration_frames()[:16]]
    work.quantize(work.calibrate({"serving_default": samples})).export_model(str(out))
    return out


def int8_table(context: RivalContext, scale: float, zero: int) -> npt.NDArray[np.int8]:
    """Return what a LiteRT input tensor holds for every byte of an RGB frame, int8 (1, 256, 3)."""
    net = context.model()
    prepared = (np.arange(256)[:, None] / 255 - np.array(net.mean)) / np.array(net.std)
    return np.clip(np.rint(prepared / scale) + zero, -128, 127).astype(np.int8)[None]


def ncnn_files(context: RivalContext) -> Path:
    """Return the stem of ncnn's .param and .bin, made by pnnx."""
    import pnnx
    import torch

    stem = context.folder / "ncnn"
    if not stem.with_suffix(".param").is_file():
        work = context.folder / "pnnx"
        work.mkdir(exist_ok=True)
        pnnx.export(context.model(), str(work / "net.pt"), (torch.zeros(1, 3, *context.size),), fp16=False)
        for kind in ("param", "bin"):
            (work / f"net.ncnn.{kind}").replace(stem.with_suffix(f".{kind}"))
    return stem
