"""Put stand-ins in the places of transposed convolutions: in a graph, a module tree, a whole Network."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import TypeVar

import onnx
from torch import nn

from fcn_edge.network import Network
from fcn_edge.network.nodes import node_name
from fcn_edge.network.parts import drop_unused_constants
from fcn_edge.surgery.candidates import Candidate
from fcn_edge.surgery.onnx_nodes import NodeWriter

Model = TypeVar("Model", bound=nn.Module)


def apply(network: Network, candidates: Mapping[str, Candidate]) -> Network:
    """Return the network with each named layer replaced; "keep" leaves a layer as it is.

    A checkpoint behind it is operated alike, so that training and TorchScript go on with the same network.
    """
    if all(one.kind == "keep" for one in candidates.values()):
        return network
    graph = substitute(network.graph, {name: one.module for name, one in candidates.items() if _new(one)})
    origin, checkpoint = network.origin, network.origin.checkpoint
    if checkpoint is not None:
        model = install(checkpoint.model, candidates)
        checkpoint = dataclasses.replace(checkpoint, model=model, spec=model.spec)
        about = {**origin.about, "spec": checkpoint.spec.to_json()}
        origin = dataclasses.replace(origin, checkpoint=checkpoint, about=about)
    return dataclasses.replace(network, graph=graph, origin=origin)


def substitute(model: onnx.ModelProto, modules: Mapping[str, nn.Module]) -> onnx.ModelProto:
    """Return a copy of `model` with the named ConvTranspose nodes written as the given stand-ins.

    modules: node name -> a stand-in of models.upsample with one stride for both axes. Nodes without a name
    go by ConvTranspose_POSITION.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    nodes: list[onnx.NodeProto] = []
    for position, node in enumerate(made.graph.node):
        name = node_name(position, node)
        module = modules.get(name) if node.op_type == "ConvTranspose" else None
        if module is None:
            nodes.append(node)
            continue
        writer = NodeWriter(name, node.input[0], node.output[0])
        writer.write(module)
        nodes.extend(writer.nodes)
        made.graph.initializer.extend(writer.tensors)
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    drop_unused_constants(made.graph)
    del made.graph.value_info[:]  # shapes of tensors that are no more
    return made


def install(model: Model, candidates: Mapping[str, Candidate]) -> Model:
    """Return a copy of a PyTorch `model` with copies of the stand-ins in the places of the layers they name.

    Where the model carries a ModelSpec as `spec`, its `upsamplers` record the forms, so that build_model and
    load_state_dict give the same network.
    """
    made = copy.deepcopy(model)
    new = {name: one for name, one in candidates.items() if _new(one)}
    for name, one in new.items():
        parent, _, leaf = name.rpartition(".")
        setattr(made.get_submodule(parent), leaf, copy.deepcopy(one.module))
    spec = getattr(model, "spec", None)
    if new and dataclasses.is_dataclass(spec) and not isinstance(spec, type):
        recorded = {**getattr(spec, "upsamplers", {}), **{name: one.form for name, one in new.items()}}
        made.__dict__["spec"] = dataclasses.replace(spec, upsamplers=recorded)  # an attribute, not a module
    return made


def _new(candidate: Candidate) -> bool:
    return candidate.form != "keep"
