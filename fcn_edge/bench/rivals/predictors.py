"""The other ways to run the same network, each set up as its own documentation says is fastest.

Each function prepares everything and returns `frame -> mask` (uint8 BGR (H, W, 3) to ids of shape (H, W)).
It is called in a process of its own (see worker.py). Its docstring is what the report says of its settings.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.bench.rivals.context import Frame, RivalContext

Predict = Callable[[Frame], npt.NDArray[Any]]


def torch_eager(context: RivalContext) -> Predict:
    """inference_mode, channels_last, all cores."""
    import torch

    from fcn_edge.models.frames import predict_mask

    torch.set_num_threads(context.threads)
    model = context.model().to(memory_format=torch.channels_last)
    return lambda frame: predict_mask(model, frame)


def torch_compile(context: RivalContext) -> Predict:
    """torch.compile with the default Inductor mode, frozen weights, channels_last."""
    import torch
    import torch._inductor.config as inductor

    from fcn_edge.models.frames import to_input

    torch.set_num_threads(context.threads)
    inductor.freezing = True
    model = context.model().to(memory_format=torch.channels_last)
    fast = torch.compile(lambda x: model(x).argmax(1).to(torch.uint8))

    def predict(frame: Frame) -> Frame:
        with torch.inference_mode():
            return fast(to_input(torch.from_numpy(frame)[None], model.mean, model.std))[0].numpy()

    return predict


def onnxruntime_fp32(context: RivalContext) -> Predict:
    """All graph optimisations, one thread a core, mask in the graph."""
    return _onnxruntime(context.fp32_mask(), context.threads)


def onnxruntime_int8(context: RivalContext) -> Predict:
    """Its own quantize_static after quant_pre_process: U8S8, per channel, reduce_range without VNNI."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    out = context.folder / "ort-int8.onnx"
    if not out.is_file():
        ready = context.folder / "ort-ready.onnx"
        quant_pre_process(context.fp32_mask(), ready)
        quantize_static(
            ready, out, _Reader(context.calibration_frames()), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, reduce_range=not _has_vnni(),
        )  # fmt: skip
    return _onnxruntime(out, context.threads)


def openvino_fp32(context: RivalContext) -> Predict:
    """LATENCY hint, mask in the graph, uint8 frame in."""
    import openvino

    return _openvino(openvino.Core().read_model(context.fp32_mask()), context.threads)


def openvino_nncf(context: RivalContext) -> Predict:
    """NNCF post-training quantization with its mixed preset, else as openvino_fp32."""
    import nncf
    import openvino

    out = context.folder / "nncf.xml"
    if not out.is_file():
        data = nncf.Dataset(context.calibration_frames(), lambda frame: frame[None])
        model = openvino.Core().read_model(context.fp32_mask())
        openvino.save_model(nncf.quantize(model, data, preset=nncf.QuantizationPreset.MIXED), out)
    return _openvino(openvino.Core().read_model(out), context.threads)


def opencv_dnn(context: RivalContext) -> Predict:
    """cv2.dnn on the fp32 graph of full-size scores, argmax in numpy."""
    import cv2

    cv2.setNumThreads(context.threads)
    net = cv2.dnn.readNetFromONNX(str(_scores_onnx(context)))

    def predict(frame: Frame) -> Frame:
        net.setInput(context.prepared(frame))
        return _argmax(net.forward()[0])

    return predict


def litert_int8(context: RivalContext) -> Predict:
    """litert-torch, channels-last input, static INT8 by ai-edge-quantizer, XNNPACK, argmax in the graph."""
    from ai_edge_litert.interpreter import Interpreter

    out = context.folder / "litert-int8.tflite"
    if not out.is_file():
        _make_litert(context, out)
    interpreter = Interpreter(str(out), num_threads=context.threads)
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    quantized = source["dtype"] == np.int8

    def predict(frame: Frame) -> Frame:
        value = context.prepared(frame).transpose(0, 2, 3, 1)
        interpreter.set_tensor(source["index"], _quantized(value, source) if quantized else value)
        interpreter.invoke()
        return interpreter.get_tensor(result["index"])[0].astype(np.uint8)

    return predict


def ncnn_fp32(context: RivalContext) -> Predict:
    """pnnx, then ncnn with its default optimisations, argmax in numpy."""
    import ncnn

    stem = context.folder / "ncnn"
    if not stem.with_suffix(".param").is_file():
        _make_ncnn(context, stem)
    net = ncnn.Net()
    net.opt.num_threads = context.threads
    net.load_param(str(stem.with_suffix(".param")))
    net.load_model(str(stem.with_suffix(".bin")))

    def predict(frame: Frame) -> Frame:
        with net.create_extractor() as extractor:
            extractor.input("in0", ncnn.Mat(np.ascontiguousarray(context.prepared(frame)[0])))
            return _argmax(np.array(extractor.extract("out0")[1]))

    return predict


class _Reader:
    """Calibration frames in the form that onnxruntime.quantization takes."""

    def __init__(self, frames: list[Frame]) -> None:
        self.left = iter(frames)

    def get_next(self) -> dict[str, Frame] | None:
        """Return the next input, or None."""
        frame = next(self.left, None)
        return None if frame is None else {"frame": frame[None]}


def _has_vnni() -> bool:
    from fcn_edge.machine import INT8_DOT_PRODUCT, cpu_flags

    return bool(cpu_flags() & INT8_DOT_PRODUCT)


def _onnxruntime(path: Path, threads: int) -> Predict:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda frame: session.run(None, {"frame": frame[None]})[0][0]


def _openvino(model: Any, threads: int) -> Predict:
    import openvino

    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
    request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()

    def predict(frame: Frame) -> Frame:
        request.infer({0: openvino.Tensor(np.ascontiguousarray(frame[None]), shared_memory=True)})
        return request.get_output_tensor(0).data[0]

    return predict


def _argmax(scores: Frame) -> Frame:
    return scores.argmax(0).astype(np.uint8)


def _scores_onnx(context: RivalContext) -> Path:
    """Return the network alone as ONNX: float32 (1, 3, H, W) in, full-size scores out."""
    import torch

    out = context.folder / "scores.onnx"
    if not out.is_file():
        example = torch.zeros(1, 3, *context.size)
        torch.onnx.export(context.model(), (example,), str(out), dynamo=True, opset_version=18)
    return out


def _make_litert(context: RivalContext, out: Path) -> None:
    import litert_torch
    import torch
    from ai_edge_quantizer import quantizer, recipe

    class WithArgmax(torch.nn.Module):
        def __init__(self, net: torch.nn.Module) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.net(x).argmax(1)

    model = litert_torch.to_channel_last_io(WithArgmax(context.model()).eval(), args=[0])
    float_path = out.with_name("litert-fp32.tflite")
    litert_torch.convert(model, (torch.zeros(1, *context.size, 3),)).export(str(float_path))
    work = quantizer.Quantizer(str(float_path))
    work.load_quantization_recipe(recipe.static_wi8_ai8())
    name = _litert_input(float_path)
    samples = [{name: context.prepared(f).transpose(0, 2, 3, 1)} for f in context.calibration_frames()[:16]]
    work.quantize(work.calibrate({"serving_default": samples})).export_model(str(out))


def _quantized(value: npt.NDArray[np.float32], tensor: dict[str, Any]) -> npt.NDArray[np.int8]:
    """Return `value` in the int8 scale of a LiteRT tensor."""
    scale, zero = tensor["quantization"]
    return np.clip(np.rint(value / scale) + zero, -128, 127).astype(np.int8)


def _litert_input(path: Path) -> str:
    from ai_edge_litert.interpreter import Interpreter

    signature = Interpreter(str(path)).get_signature_list()["serving_default"]
    return signature["inputs"][0]


def _make_ncnn(context: RivalContext, stem: Path) -> None:
    import pnnx
    import torch

    work = context.folder / "pnnx"
    work.mkdir(exist_ok=True)
    pnnx.export(context.model(), str(work / "net.pt"), (torch.zeros(1, 3, *context.size),), fp16=False)
    for kind in ("param", "bin"):
        (work / f"net.ncnn.{kind}").replace(stem.with_suffix(f".{kind}"))
