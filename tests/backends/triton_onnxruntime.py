"""A backend named "onnxruntime" for the Triton server of the pytriton wheel, which has only the Python one.

Triton loads this file as backends/onnxruntime/model.py. DLPack, because the wheel's own conversion to NumPy
arrays was built for NumPy 1.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import triton_python_backend_utils as triton

sys.path.insert(0, os.environ["TEST_PACKAGES"])  # Triton's Python sees no virtual environment

import onnxruntime as ort
import torch


class TritonPythonModel:
    def initialize(self, args):
        model = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        self.session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        frames = {}
        for port in self.session.get_inputs():
            tensor = triton.get_input_tensor_by_name(request, port.name)
            frames[port.name] = torch.from_dlpack(tensor.to_dlpack()).numpy()
        masks = zip(self.session.get_outputs(), self.session.run(None, frames), strict=True)
        tensors = [triton.Tensor.from_dlpack(port.name, torch.from_numpy(mask)) for port, mask in masks]
        return triton.InferenceResponse(tensors)
