"""The contract: a network that came as a graph passes through every stage as one from a checkpoint."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest

from fcn_edge.bundle import read_bundle
from fcn_edge.compilation import compile as stage
from fcn_edge.compilation import sensitivity as sensitivity_stage
from fcn_edge.compilation import start
from fcn_edge.evaluation import inspect as inspect_stage
from fcn_edge.evaluation.evaluate import graph_predictor, torch_predictor
from fcn_edge.ground.config import CompileConfig
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.models import ModelSpec, build_model
from fcn_edge.network import Named, Network, load_network, open_named
from fcn_edge.network.cost import measure_cost
from fcn_edge.train.checkpoint import save_checkpoint

DATA = "streets:48x64"
SIZE = (48, 64)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A checkpoint with a learned x8 and random weights."""
    import torch

    from fcn_edge.data import open_dataset

    torch.manual_seed(0)
    spec = ModelSpec("fcn8s-resnet18", 11, head_width=None, context=False, final="deconv")
    folder = tmp_path_factory.mktemp("run")
    model = build_model(spec).eval()
    with torch.no_grad():  # off the bilinear start: layers with equal weights share a tensor in the graph
        for layer in (model.up["16"], model.up["8"], model.final):
            layer.weight.add_(0.02 * torch.randn_like(layer.weight))
    save_checkpoint(folder, model, open_dataset(DATA, "train").classes, {})
    return str(folder)


@pytest.fixture(scope="module")
def network(run_folder: str) -> Network:
    return load_network(run_folder, SIZE)


def as_graph(network: Network) -> Named:
    """Return the network as if it had come as an ONNX file: no module, no spec."""
    origin = dataclasses.replace(
        network.origin, checkpoint=None, about={"weights_sha256": network.origin.about["weights_sha256"]}
    )
    bare = dataclasses.replace(network, origin=origin)
    return Named(network.classes, origin, lambda size: bare, size=network.size)


def test_what_is_known_of_a_network_is_what_its_checkpoint_says(network: Network, run_folder: str) -> None:
    named = open_named(run_folder)
    assert named.origin.name == "fcn8s-resnet18"
    assert named.origin.where == run_folder
    assert (network.size, network.tail.scale, network.tail.kind) == (SIZE, 1, "multiclass")
    assert network.normalisation.mean == named.origin.checkpoint.model.mean
    (output,) = network.graph.graph.output
    assert [dim.dim_value for dim in output.type.tensor_type.shape.dim] == [1, 11, *SIZE]


def test_graph_gives_the_masks_of_the_module(network: Network) -> None:
    from fcn_edge.data import open_dataset

    by_graph, by_torch = graph_predictor(network), torch_predictor(network.origin.checkpoint.model, SIZE)
    for index in range(3):
        frame = open_dataset(DATA, "val")[index].frame
        assert (by_graph(frame) == by_torch(frame)).mean() > 0.999


def test_graph_compiles_to_the_bundle_of_its_checkpoint(
    network: Network, run_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcn_edge.compilation.gate_runtime._binary", lambda: None)
    graphs = {}
    for name, named in (("module", None), ("graph", as_graph(network))):
        if named is not None:
            monkeypatch.setattr(start, "open_named", lambda where, named=named: named)
        config = CompileConfig(
            run_folder, tmp_path / f"{name}.fcne", data=DATA, int8=True, calibration_count=8, limit=4,
            upsample="subpixel", labelled=False, max_drop=1.0, max_class_drop=1.0, min_agreement=0.0,
        )  # fmt: skip
        stage.compile_checkpoint(config)
        graphs[name] = onnx.load(read_bundle(config.out).model)
    assert graphs["graph"] == graphs["module"]
    assert "DepthToSpace" in {node.op_type for node in graphs["graph"].graph.node}


def test_fp32_bundle_of_a_graph_is_judged_by_onnx_runtime(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcn_edge.compilation.gate_runtime._binary", lambda: None)
    monkeypatch.setattr(start, "open_named", lambda where: as_graph(network))
    result = stage.compile_checkpoint(CompileConfig("net.onnx", tmp_path / "net.fcne", data=DATA, limit=2))
    assert result.gate.verdict == "pass"
    assert result.gate.agreement > 0.999


def test_target_made_from_pytorch_refuses_a_graph(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "open_named", lambda where: as_graph(network))
    wanted = CompileConfig("net.onnx", tmp_path / "net.fcne", data=DATA, target="torchscript", limit=2)
    with pytest.raises(MisuseError, match=r"torchscript is made from a PyTorch checkpoint; net.onnx is"):
        stage.compile_checkpoint(wanted)
    assert not wanted.out.exists()


def test_layers_of_a_graph_are_ranked(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitivity_stage, "open_named", lambda where: as_graph(network))
    config = CompileConfig("net.onnx", Path("unused"), data=DATA, int8=True, calibration_count=8)
    rows = sensitivity_stage.sensitivity(config, latency=False)["layers"]
    assert {"up.16", "up.8", "final"} <= {row["name"] for row in rows}


@pytest.mark.parametrize("name", ["fcn8s-resnet18", "fcn4s-mobilenet_v2", "fcn32s-vgg16"])
def test_graph_and_module_are_inspected_alike(name: str) -> None:
    from fcn_edge.network.onnx_export import frame_graph

    model = build_model(ModelSpec(name, 3)).eval()
    facts = inspect_stage.module_facts(model, (64, 96))
    cost = measure_cost(frame_graph(model, (64, 96), "scores"))
    assert cost.layers == {layer["name"]: round(1e6 * layer["mmac"]) for layer in facts["layers"]}
    coarsest = max(
        facts["receptive_field"]
    )  # finer features may be taken before the last layer at their stride
    assert cost.receptive_field[coarsest] == facts["receptive_field"][coarsest]
    assert all(cost.receptive_field[stride] >= seen for stride, seen in facts["receptive_field"].items())


def test_inspecting_a_graph_says_what_inspecting_its_checkpoint_does(
    network: Network, run_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_checkpoint = inspect_stage.inspect_subject(run_folder, size=SIZE).facts
    monkeypatch.setattr("fcn_edge.network.open_named", lambda where: as_graph(network))
    found = inspect_stage.inspect_subject("net.onnx", size=SIZE)
    assert found.facts["kind"] == "graph"
    for key in ("classes", "gmac", "size", "weights_sha256"):
        assert found.facts[key] == from_checkpoint[key]
    kernels = [(layer["name"], layer["kernel"]) for layer in found.facts["upsamplers"]]
    assert kernels == [("up.16", [4, 4]), ("up.8", [4, 4]), ("final", [16, 16])]
    for ours, theirs in zip(found.facts["upsamplers"], from_checkpoint["upsamplers"], strict=True):
        assert ours["checkerboard"] == pytest.approx(theirs["checkerboard"])
    assert "fcn8s-resnet18" in found.to_text()


def test_written_graph_is_the_same_file_every_time(network: Network, tmp_path: Path) -> None:
    first, second = (network.write(tmp_path / name, "mask").read_bytes() for name in ("a.onnx", "b.onnx"))
    assert first == second


def test_what_is_no_network_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FcnEdgeError, match="no such checkpoint"):
        open_named(str(tmp_path / "nothing"))
    with pytest.raises(FcnEdgeError, match="unknown zoo model"):
        open_named("zoo:nowhere")


def test_scores_of_a_pixel_follow_its_frame(network: Network) -> None:
    assert network.graph.graph.node[0].op_type == "Cast"
    frame = np.zeros((*SIZE, 3), np.uint8)
    frame[..., 0] = 200
    predict = graph_predictor(network)
    assert predict(frame).shape == SIZE
