"""A module with the calls of `tensorrt` that the backend makes; its engines run model.onnx in ONNX Runtime.

It proves our side of the calls. What TensorRT itself does with a model, test_tensorrt_rtx.py shows on the
real builder of TensorRT-RTX, whose interface is the same.
"""

from __future__ import annotations

import ctypes
import enum
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import onnx
import onnxruntime as ort

__version__ = "10.3.0.30"
MAGIC = b"stand-in engine"
refuse_engines = 0  # so many deserializations fail
verbose_rows = True  # whether the builder lists its kernels


class ILogger:
    class Severity(enum.IntEnum):
        INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class NetworkDefinitionCreationFlag(enum.IntEnum):
    EXPLICIT_BATCH = 0
    STRONGLY_TYPED = 1


class ProfilingVerbosity(enum.Enum):
    DETAILED = 1


class MemoryPoolType(enum.Enum):
    WORKSPACE = 1


class TensorIOMode(enum.Enum):
    INPUT = 1
    OUTPUT = 2


class DataType(enum.Enum):
    UINT8 = 1


class TimingCache:
    def serialize(self):
        return b"timings"


class Config(SimpleNamespace):
    def set_memory_pool_limit(self, pool, size):
        self.workspace = size

    def create_timing_cache(self, known):
        self.known = known
        return TimingCache() if known in (b"", b"timings") else None

    def set_timing_cache(self, cache, ignore_mismatch):
        self.cache = cache
        return True

    def get_timing_cache(self):
        return self.cache


class Builder:
    configs: ClassVar[list[Config]] = []  # every config used, for the tests to look at

    def __init__(self, log):
        self.log = log

    def create_network(self, flags):
        assert flags == 1 << NetworkDefinitionCreationFlag.STRONGLY_TYPED
        return SimpleNamespace(model=b"")

    def create_builder_config(self):
        self.configs.append(Config())
        return self.configs[-1]

    def build_serialized_network(self, network, config):
        if b"BROKEN" in network.model:
            self.log.log(ILogger.Severity.ERROR, "Error Code 2: OutOfMemory")
            return None
        for row in rows(onnx.load_from_string(network.model)) if verbose_rows else ():
            self.log.log(ILogger.Severity.VERBOSE, row)
        return MAGIC + network.model


def rows(model):
    """The kernels of a TensorRT 10 listing: convolutions with int8 weights are Int8, the others Float."""
    made = {output: node.op_type for node in model.graph.node for output in node.output}
    for node in model.graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            int8 = node.op_type == "Conv" and made.get(node.input[1]) == "DequantizeLinear"
            kind = "correlation" if node.op_type == "Conv" else "deconv"
            dtype = "Int8" if int8 else "Float"
            tensor = f"{{ Name: x, Dimensions: [1,3,4,5], Format/Datatype: {dtype} }}"
            yield (
                f"Name: {node.name}_myl0_1, LayerType: {kind}, Inputs: [ {tensor}, {tensor}], "
                f"Outputs: [ {tensor}], TacticName: sm80, StreamId: 0, Metadata: [ONNX Layer: {node.name}]"
            )


class OnnxParser:
    num_errors = 1

    def __init__(self, network, log):
        self.network = network

    def parse(self, model):
        self.network.model = model
        return not model.startswith(b"REFUSED")

    def get_error(self, index):
        return SimpleNamespace(node_name=lambda: "MaxUnpool_3", desc=lambda: "No importer registered")


class Runtime:
    def __init__(self, log):
        self.log = log

    def deserialize_cuda_engine(self, plan):
        global refuse_engines  # noqa: PLW0603 - a knob of the test
        if refuse_engines > 0 or not plan.startswith(MAGIC):
            refuse_engines -= 1
            self.log.log(ILogger.Severity.ERROR, "stdVersionRead == kSERIALIZATION_VERSION failed")
            return None
        return Engine(plan[len(MAGIC) :])


class Engine:
    num_io_tensors = 2

    def __init__(self, model):
        self.session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
        self.ports = [*self.session.get_inputs(), *self.session.get_outputs()]

    def get_tensor_name(self, index):
        return self.ports[index].name

    def get_tensor_mode(self, name):
        return TensorIOMode.INPUT if name == self.ports[0].name else TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name):
        port = next(port for port in self.ports if port.name == name)
        return DataType.UINT8 if port.type == "tensor(uint8)" else "float"

    def get_tensor_shape(self, name):
        return next(port for port in self.ports if port.name == name).shape

    def create_execution_context(self):
        return Context(self)


class Context:
    def __init__(self, engine):
        self.engine, self.addresses = engine, {}

    def set_tensor_address(self, name, address):
        self.addresses[name] = address

    def execute_async_v3(self, stream):
        frame, mask = self.engine.ports
        shape = [1, *frame.shape[1:]]
        source = (ctypes.c_uint8 * int(np.prod(shape))).from_address(self.addresses[frame.name])
        output = self.engine.session.run(None, {frame.name: np.frombuffer(source, np.uint8).reshape(shape)})[
            0
        ]
        ctypes.memmove(self.addresses[mask.name], np.ascontiguousarray(output).ctypes.data, output.nbytes)
        return True
