"""The other ways to run the same network, each set up as its own documentation says is fastest.

Each function prepares everything and returns `frame -> mask` (uint8 BGR (H, W, 3) to ids of shape (H, W)).
It is called in a process of its own (see worker.py). Its docstring is what the report says of its settings.
What a rival needs in Python around its engine is left to OpenCV: engines are compared here, not NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fcn_edge.bench.rivals import convert
from fcn_edge.bench.rivals.context import Frame, RivalContext

Predict = Callable[[Frame], npt.NDArray[Any]]


def torch_eager(context: RivalContext) -> Predict:
    """inference_mode, channels_last, one thread a core; normalised by OpenCV."""
    import torch

    torch.set_num_threads(context.threads)
    model = context.model().to(memory_format=torch.channels_last)

    def predict(frame: Frame) -> Frame:
        with torch.inference_mode():
            x = torch.from_numpy(context.prepared(frame)).contiguous(memory_format=torch.channels_last)
            return model(x).max(1).indices[0].to(torch.uint8).numpy()

    return predict


def torch_compile(context: RivalContext) -> Predict:
    """torch.compile (Inductor, C++ backend) from frame to mask, frozen weights, channels_last."""
    import torch
    import torch._inductor.config as inductor

    from fcn_edge.models.frames import to_input

    torch.set_num_threads(context.threads)
    inductor.freezing = True
    model = context.model().to(memory_format=torch.channels_last)
    fast = torch.compile(
        lambda frame: model(to_input(frame, model.mean, model.std)).max(1).indices.to(torch.uint8)
    )

    def predict(frame: Frame) -> Frame:
        with torch.inference_mode():
            return fast(torch.from_numpy(frame)[None])[0].numpy()

    return predict


def onnxruntime_fp32(context: RivalContext) -> Predict:
    """All graph optimisations, one thread a core, uint8 frame in, mask in the graph."""
    return _onnxruntime(context.fp32_mask(), context.threads)


def onnxruntime_int8(context: RivalContext) -> Predict:
    """Its own quantize_static after quant_pre_process: U8S8, per channel, reduce_range without VNNI."""
    return _onnxruntime(convert.onnxruntime_int8(context), context.threads)


def openvino_fp32(context: RivalContext) -> Predict:
    """LATENCY hint, its own PrePostProcessor on a uint8 frame, argmax in the graph."""
    return _openvino(convert.openvino_model(context), context.threads)


def openvino_nncf(context: RivalContext) -> Predict:
    """NNCF post-training quantization with its mixed preset, else as openvino-fp32."""
    import openvino

    return _openvino(openvino.Core().read_model(convert.nncf_model(context)), context.threads)


def opencv_dnn(context: RivalContext) -> Predict:
    """cv2.dnn on the fp32 graph of full-size scores, argmax by cv2."""
    import cv2

    cv2.setNumThreads(context.threads)
    net = cv2.dnn.readNetFromONNX(str(convert.scores_onnx(context)))

    def predict(frame: Frame) -> Frame:
        net.setInput(context.prepared(frame))
        return argmax(net.forward()[0])

    return predict


def litert_int8(context: RivalContext) -> Predict:
    """litert-torch, static INT8 by ai-edge-quantizer, XNNPACK, normalised by a table, argmax in the graph."""
    import cv2
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(convert.litert_int8(context)), num_threads=context.threads)
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    quantized = source["dtype"] == np.int8
    table = convert.int8_table(context, *source["quantization"]) if quantized else None

    def predict(frame: Frame) -> Frame:
        if table is None:
            value = context.prepared(frame).transpose(0, 2, 3, 1)
        else:
            value = cv2.LUT(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), table)[None]
        interpreter.set_tensor(source["index"], value)
        interpreter.invoke()
        return interpreter.get_tensor(result["index"])[0].astype(np.uint8)

    return predict


def ncnn_fp32(context: RivalContext) -> Predict:
    """pnnx, then ncnn with its default optimisations, normalised by ncnn, argmax by cv2."""
    import ncnn

    stem = convert.ncnn_files(context)
    net = ncnn.Net()
    net.opt.num_threads = context.threads
    net.load_param(str(stem.with_suffix(".param")))
    net.load_model(str(stem.with_suffix(".bin")))
    model = context.model()
    mean, scale = [255 * v for v in model.mean], [1 / (255 * v) for v in model.std]

    def predict(frame: Frame) -> Frame:
        height, width = frame.shape[:2]
        image = ncnn.Mat.from_pixels(frame, ncnn.Mat.PixelType.PIXEL_BGR2RGB, width, height)
        image.substract_mean_normalize(mean, scale)
        with net.create_extractor() as extractor:
            extractor.input("in0", image)
            return argmax(np.array(extractor.extract("out0")[1]))

    return predict


def argmax(scores: npt.NDArray[np.float32]) -> Frame:
    """Return the first largest class of every pixel, uint8 (H, W), of scores (C, H, W).

    np.argmax over the first axis takes 20 times as long.
    """
    import cv2

    best: npt.NDArray[Any] = scores[0].copy()
    ids: npt.NDArray[Any] = np.zeros(scores.shape[1:], np.uint8)
    for index in range(1, len(scores)):
        larger = cv2.compare(scores[index], best, cv2.CMP_GT)
        ids = cv2.max(ids, cv2.bitwise_and(larger, np.full_like(larger, index)))
        best = cv2.max(scores[index], best)
    return ids


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
