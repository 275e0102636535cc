from __future__ import annotations

import json
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import onnxruntime as ort
import pytest

from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.bundle import read_bundle, write_bundle
from fcn_edge.compilation.serving import write_repository
from fcn_edge.ground.errors import FcnEdgeError, MisuseError

# what OpenVINO Model Server takes for one model (its JSON schema of August 2026); it refuses all else
OVMS_PARAMETERS = {
    "name", "base_path", "batch_size", "shape", "layout", "model_version_policy", "nireq", "target_device",
    "plugin_config", "allow_cache", "custom_loader_options", "graph_path", "subconfig",
}  # fmt: skip
GOLDEN = Path(__file__).parents[1] / "golden" / "tiny.fcne"


@pytest.fixture
def bundle(tmp_path):
    """A bundle of target onnx. Its model is a stand-in: nothing here runs it."""
    manifest = json.loads((GOLDEN / "manifest.json").read_text())
    for key in ("magic", "schema", "files", "golden"):
        del manifest[key]
    manifest["target"] = "onnx"
    manifest["gate"]["verdict"] = "pass"
    size = {"height": 48, "width": 64}
    manifest["output"] = {"tail": "mask", "name": "mask", "stride": 1, **size, "channels": 1}
    manifest["name"] = "road"
    return write_bundle(
        tmp_path / "road.fcne", manifest, GOLDEN / "model.onnx", read_bundle(GOLDEN).golden(), {}, 1.0
    )


def test_triton_repository_has_the_layout_triton_reads(bundle, tmp_path) -> None:
    folder = write_repository(bundle, "triton", tmp_path / "repository")
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files == [
        ".fcn-edge.json",
        "road/1/model.onnx",
        "road/config.pbtxt",
    ]  # servers look at folders only


def triton_messages() -> ModuleType:
    """NVIDIA's ModelConfig, loaded from its file alone: the package around it wants gRPC."""
    package = find_spec("tritonclient")
    if package is None or not package.submodule_search_locations:
        pytest.skip("NVIDIA's message definitions are not here: pip install --no-deps tritonclient")
    file = Path(package.submodule_search_locations[0]) / "grpc" / "model_config_pb2.py"
    spec = spec_from_file_location("model_config_pb2", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_triton_configuration_is_a_valid_model_config(bundle, tmp_path) -> None:
    from google.protobuf import text_format

    schema = triton_messages()
    text = (write_repository(bundle, "triton", tmp_path / "repository") / "road" / "config.pbtxt").read_text()
    config = text_format.Parse(text, schema.ModelConfig())
    assert (config.name, config.backend, config.max_batch_size) == ("road", "onnxruntime", 0)
    assert [(port.name, list(port.dims)) for port in config.input] == [("frame", [1, 48, 64, 3])]
    assert [(port.name, list(port.dims)) for port in config.output] == [("mask", [1, 48, 64])]
    assert {port.data_type for port in (*config.input, *config.output)} == {schema.TYPE_UINT8}
    assert config.parameters["classes"].string_value.split(",")[0] == "sky"


def test_ovms_configuration_names_the_model_relative_to_itself(bundle, tmp_path) -> None:
    folder = write_repository(bundle, "ovms", tmp_path / "repository")
    (entry,) = json.loads((folder / "config.json").read_text())["model_config_list"]
    assert (folder / entry["config"]["base_path"] / "1" / "model.onnx").is_file()
    assert entry["config"]["name"] == "road"


def test_openvino_takes_the_plugin_configuration_and_gives_the_bundle_s_masks(bundle, tmp_path) -> None:
    """OpenVINO Model Server hands model.onnx and plugin_config to OpenVINO as they are; so does this test."""
    import openvino as ov

    folder = write_repository(bundle, "ovms", tmp_path / "repository")
    (entry,) = json.loads((folder / "config.json").read_text())["model_config_list"]
    assert set(entry) == {"config"}
    assert set(entry["config"]) <= OVMS_PARAMETERS
    model = ov.Core().compile_model(
        folder / entry["config"]["base_path"] / "1" / "model.onnx", "CPU", entry["config"]["plugin_config"]
    )
    reference = read_bundle(GOLDEN)
    for frame, mask in reference.golden():
        scores = model(frame[None])[0]
        found = mask_from_scores(scores[0], reference.manifest["output"]["stride"], reference.size)
        assert (found == mask).mean() >= reference.manifest["golden"]["min_agreement"]


@pytest.mark.parametrize("layout", ["triton", "ovms"])
def test_the_model_is_the_bundle_s_own(bundle, tmp_path, layout: str) -> None:
    model = write_repository(bundle, layout, tmp_path / "repository") / "road" / "1" / "model.onnx"
    assert model.read_bytes() == (bundle / "model.onnx").read_bytes()
    ort.InferenceSession(model, providers=["CPUExecutionProvider"])


def test_an_unknown_layout_lists_the_known_ones(bundle, tmp_path) -> None:
    with pytest.raises(MisuseError, match="valid: triton, ovms"):
        write_repository(bundle, "torchserve", tmp_path / "repository")


def test_a_bundle_with_scores_is_misuse(tmp_path) -> None:
    with pytest.raises(MisuseError, match="--target onnx"):
        write_repository(GOLDEN, "triton", tmp_path / "repository")


def test_an_ungated_bundle_is_refused(bundle, tmp_path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    for key in ("magic", "schema", "files", "golden"):
        del manifest[key]
    manifest["gate"]["verdict"] = "ungated"
    golden = read_bundle(bundle).golden()
    ungated = write_bundle(tmp_path / "ungated.fcne", manifest, bundle / "model.onnx", golden, {}, 1.0)
    with pytest.raises(FcnEdgeError, match="says 'ungated'"):
        write_repository(ungated, "ovms", tmp_path / "repository")
    assert write_repository(ungated, "ovms", tmp_path / "repository", allow_ungated=True).is_dir()
