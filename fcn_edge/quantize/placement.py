"""Where Q/DQ pairs go: on the inputs of convolutions and of the additions between them."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from fcn_edge.ground.errors import unknown_name
from fcn_edge.network.nodes import LAYERS

# operators that change no value or only pick values: the scale of their input is the scale of their output
CARRIERS = ("MaxPool", "Slice", "DepthToSpace", "Transpose", "Reshape")

FLOAT = onnx.TensorProto.FLOAT
Producers = dict[str, onnx.NodeProto]  # tensor -> the node that makes it


def tidy(model: onnx.ModelProto) -> onnx.ModelProto:
    """Bring a graph of any exporter into the form that quantization reads, in place, and return it.

    Every layer gets a name of its own, and Constant nodes become initializers.
    """
    name_layers(model)
    nodes = []
    for node in model.graph.node:
        tensor = _constant(node)
        if tensor is None:
            nodes.append(node)
        else:
            model.graph.initializer.append(tensor)
    if len(nodes) < len(model.graph.node):
        nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
    return model


def name_layers(model: onnx.ModelProto) -> None:
    """Name the layers that have no name, or that of an earlier node, by operator and position, in place."""
    taken: set[str] = set()
    free = {node.name for node in model.graph.node}
    for position, node in enumerate(model.graph.node):
        if node.op_type in LAYERS and (not node.name or node.name in taken):
            name = f"{node.op_type}_{position}"
            while name in free or name in taken:
                name += "_"
            node.name = name
        taken.add(node.name)


def layer_names(model: onnx.ModelProto) -> list[str]:
    """Return the names of all layers with weights, in graph order; nameless ones are named (name_layers)."""
    name_layers(model)
    return [node.name for node in model.graph.node if node.op_type in LAYERS]


def int8_layers(model: onnx.ModelProto, float_layers: tuple[str, ...] = ()) -> list[str]:
    """Return the layers that become INT8: all but `float_layers`, of which an unknown one is misuse.

    Layers whose weights are computed, or are no float32, stay as they are too.
    """
    names = layer_names(model)
    for name in float_layers:
        if name not in names:
            raise unknown_name("layer in float_layers", name, names)
    constant = {tensor.name for tensor in model.graph.initializer if tensor.data_type == FLOAT}
    constant |= {node.output[0] for node in model.graph.node if _is_float_constant(node)}
    layers = [node for node in model.graph.node if node.op_type in LAYERS and node.input[1] in constant]
    return [node.name for node in layers if node.name not in float_layers]


def score_tensor(model: onnx.ModelProto) -> str:
    """Return the name of the class scores: the output, or what the upsampling of a mask tail reads."""
    producers = {output: node for node in model.graph.node for output in node.output}
    name = model.graph.output[0].name
    while name in producers and producers[name].op_type in ("Cast", "ArgMax", "Slice", "Resize"):
        name = producers[name].input[0]
    return str(name)


def score_layers(model: onnx.ModelProto) -> tuple[str, ...]:
    """Return the 1x1 convolution that makes the class scores, if one does: small, and the last to round."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    scores = score_tensor(model)
    name_layers(model)
    return tuple(
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" and scores in node.output and shapes.get(node.input[1], ())[2:] == (1, 1)
    )


def activations_to_quantize(model: onnx.ModelProto, float_layers: tuple[str, ...] = ()) -> list[str]:
    """Return the tensors that get a Q/DQ pair, in graph order.

    The inputs of INT8 layers; the inputs of additions whose sum such a layer reads (residual connections and
    skip fusions), so that the engine fuses the sum into the convolution before it; and, where such a tensor
    comes out of a carrier (MaxPool, a crop), the carrier's input too.
    """
    chosen = set(int8_layers(model, float_layers))
    producers = {output: node for node in model.graph.node for output in node.output}
    layers = [node for node in model.graph.node if node.op_type in LAYERS]
    wanted = {node.input[0] for node in layers if node.name in chosen}
    queue = sorted(wanted)
    while queue:
        node = producers.get(queue.pop())
        for name in _sources(node, producers) if node is not None else []:
            if name not in wanted:
                wanted.add(name)
                queue.append(name)
    order = [output for node in model.graph.node for output in node.output]
    return [name for name in order if name in wanted]


def never_negative(model: onnx.ModelProto) -> set[str]:
    """Return the tensors that can hold no negative value: made by ReLU or ReLU6, or from such by sums, means,
    pooling and picking. INT8 can give them all 256 steps where an engine takes uint8.
    """
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found: set[str] = set()
    for node in model.graph.node:
        data = [name for name in node.input if name and name not in constants]
        if node.op_type == "Relu":
            positive = True
        elif node.op_type == "Clip":
            lowest = constants.get(node.input[1]) if len(node.input) > 1 else None
            positive = lowest is not None and bool(np.all(lowest >= 0))
        else:
            kept = node.op_type in (*CARRIERS, "Add", "ReduceMean")
            positive = kept and len(data) == (2 if node.op_type == "Add" else 1) and set(data) <= found
        if positive:
            found.add(node.output[0])
    return found


def share_carrier_ranges(model: onnx.ModelProto, ranges: dict[str, float]) -> None:
    """Give both sides of every carrier one range, in place, so that it can run on the integers."""
    nodes = [node for node in model.graph.node if node.op_type in CARRIERS]
    for node in [*reversed(nodes), *nodes]:
        before, after = node.input[0], node.output[0]
        if before in ranges and after in ranges:
            ranges[before] = ranges[after] = max(ranges[before], ranges[after])


def _sources(node: onnx.NodeProto, producers: Producers) -> list[str]:
    """Return the inputs of `node` that should be int8 because its output is."""
    if node.op_type in ("Relu", "Clip"):
        before = producers.get(node.input[0])
        return _sources(before, producers) if before is not None and before.op_type == "Add" else []
    if node.op_type == "Add":
        return list(node.input) if all(name in producers for name in node.input) else []
    return [node.input[0]] if node.op_type in CARRIERS and node.input[0] in producers else []


def _constant(node: onnx.NodeProto) -> onnx.TensorProto | None:
    """Return what a Constant node holds, named as its output; None for other nodes and for strings."""
    if node.op_type != "Constant" or node.domain not in ("", "ai.onnx") or len(node.attribute) != 1:
        return None
    (attribute,) = node.attribute
    if attribute.name == "value":
        tensor = onnx.TensorProto()
        tensor.CopyFrom(attribute.t)
        tensor.name = node.output[0]
        return tensor
    kinds = {
        "value_float": np.float32,
        "value_floats": np.float32,
        "value_int": np.int64,
        "value_ints": np.int64,
    }
    if attribute.name not in kinds:
        return None
    value = np.array(onnx.helper.get_attribute_value(attribute), kinds[attribute.name])
    return numpy_helper.from_array(value, node.output[0])


def _is_float_constant(node: onnx.NodeProto) -> bool:
    tensor = _constant(node)
    return tensor is not None and tensor.data_type == FLOAT
