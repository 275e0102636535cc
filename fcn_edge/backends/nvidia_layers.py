"""Which layers of a built engine really compute in INT8, read from what the builder says about its kernels.

Without a GPU the only witness is the builder's verbose listing of kernels with their data types (the engine
inspector needs a device). It is a log format, so the wheel is pinned, and a listing in which nothing can be
read is an error, never "all is well".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fcn_edge.ground.errors import FcnEdgeError

if TYPE_CHECKING:
    import onnx

LAYERS = ("Conv", "ConvTranspose")
# kernels that multiply with weights; the others (kgen, runtime_function) move, scale and requantize data
WEIGHT_KERNELS = ("correlation", "deconv", "CaskConvolution", "CaskDeconvolution", "CaskDeconvolutionV2")

# TensorRT-RTX 1.7 lists weights as Constants and prints "Datatype: Int8"; TensorRT 10 has no Constants and
# prints "Format/Datatype: Int8" or a sentence that ends in "Int8 format".
_ROW = re.compile(
    r"^Name: (?P<name>.+?), LayerType: (?P<kind>\w+), Inputs: \[(?P<inputs>.*?)\], "
    r"(?:Constants: \[(?P<constants>.*?)\], )?Outputs: \[(?P<outputs>.*?)\], "
    r"(?:ParameterType|TacticName): .*?Metadata: (?P<metadata>.*)$"
)
_DATATYPE = re.compile(r"Datatype: (?:[^,}]*?\b)?(U?Int\d+|Float|Half|BFloat16|FP8|FP4|Bool)\b")
_ONNX_LAYER = re.compile(r"\[ONNX Layer: ([^\]]+)\]")


@dataclass(frozen=True)
class Kernel:
    """One row of the builder's listing.

    inputs, constants, outputs: data types such as "Int8", "Float", "Half", in the order of the row.
    onnx_layers: names of the ONNX nodes it computes.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    constants: tuple[str, ...]
    outputs: tuple[str, ...]
    onnx_layers: tuple[str, ...]

    @property
    def is_int8(self) -> bool:
        """Return whether activations and weights are both int8: a convolution on integers."""
        weights = (*self.constants[:1], *self.inputs[1:2])
        return self.inputs[:1] == ("Int8",) and (not weights or "Int8" in weights)


@dataclass(frozen=True)
class PrecisionReport:
    """What the engine computes in INT8. int8, float: names of ONNX layers with weights, in graph order."""

    int8: tuple[str, ...]
    float: tuple[str, ...]
    kernels: int

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {"int8": list(self.int8), "float": list(self.float), "kernels": self.kernels}


def read_listing(log: str) -> list[Kernel]:
    """Return the kernels of a verbose build log; a log without a readable row is an error."""
    matches = (_ROW.match(line) for line in log.splitlines())
    kernels = [_kernel(match) for match in matches if match]
    if not kernels:
        raise FcnEdgeError(
            "the builder's layer listing cannot be read: its format is not the one of the pinned wheel",
            hint="install the version named in the extra: pip install 'fcn-edge[tensorrt-rtx]'",
        )
    return kernels


def _kernel(row: re.Match[str]) -> Kernel:
    def datatypes(group: str) -> tuple[str, ...]:
        return tuple(_DATATYPE.findall(row[group] or ""))

    layers = tuple(_ONNX_LAYER.findall(row["metadata"]))
    return Kernel(
        row["name"], row["kind"], datatypes("inputs"), datatypes("constants"), datatypes("outputs"), layers
    )


def precision_report(kernels: list[Kernel], model: onnx.ModelProto) -> PrecisionReport:
    """Return the precision of every layer with weights; a layer that no kernel names is an error."""
    owner = {
        layer: kernel for kernel in kernels if kernel.kind in WEIGHT_KERNELS for layer in kernel.onnx_layers
    }
    names = [node.name for node in model.graph.node if node.op_type in LAYERS]
    if lost := [name for name in names if name not in owner]:
        raise FcnEdgeError(
            f"the builder lists no kernel for {len(lost)} of {len(names)} layers (first: {lost[0]})",
            hint="its precisions cannot be vouched for; report this network",
        )
    int8 = tuple(name for name in names if owner[name].is_int8)
    return PrecisionReport(int8, tuple(name for name in names if name not in int8), len(kernels))


def quantized_layers(model: onnx.ModelProto, kinds: tuple[str, ...] = ("Conv",)) -> list[str]:
    """Return the names of the layers of `kinds` whose weight comes through DequantizeLinear."""
    dequantized = {node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    return [node.name for node in model.graph.node if node.op_type in kinds and node.input[1] in dequantized]


def require_int8(report: PrecisionReport, model: onnx.ModelProto, engine: str) -> None:
    """Refuse an engine in which a convolution that was quantized computes in float.

    Transposed convolutions are exempt: NVIDIA's engines dequantize them, and the report lists them as float.
    """
    wanted = quantized_layers(model)
    if lost := [name for name in wanted if name not in report.int8]:
        raise FcnEdgeError(
            f"{engine} runs {len(lost)} of {len(wanted)} quantized convolutions in float (first: {lost[0]})",
            hint="compute capability 7.5 does that to all of them: leave 75 out of compute_capabilities",
        )
