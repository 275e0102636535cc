"""The TensorRT backend on a stand-in for the library and for CUDA (no GPU, no TensorRT here)."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fcn_edge.backends import onnxruntime, tensorrt
from fcn_edge.ground.errors import FcnEdgeError, MisuseError

from .conftest import random_frames


def test_without_tensorrt_the_command_for_the_device_is_named(models, monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    said = tensorrt.build(models["int8"], tmp_path, {})
    assert not said["prebuilt"]
    assert said["next"] == "fcn-edge build-engine {bundle}"
    assert not list(tmp_path.iterdir())


def test_an_engine_built_here_counts_its_int8_layers(trt, models, tmp_path) -> None:
    said = tensorrt.build(models["int8"], tmp_path, {})
    assert said["layers"] == {"int8": 9, "float": 2}
    assert said["float_layers"] == ["up16", "up8"]  # transposed convolutions
    assert said["key"]["device"] == "Test GPU, sm87"
    assert (tmp_path / said["file"]).is_file()


def test_masks_are_those_of_the_model(trt, models) -> None:
    engine = tensorrt.open(models["int8"], None, {})
    oracle = onnxruntime.open(models["int8"], None, {})
    for frame in random_frames(3, seed=1):
        assert np.array_equal(engine.infer(frame), oracle.infer(frame))


def test_an_engine_is_built_once_and_then_read_from_the_cache(trt, models) -> None:
    tensorrt.open(models["int8"], None, {})
    tensorrt.open(models["int8"], None, {})
    assert len(trt.Builder.configs) == 1


def test_an_engine_in_the_bundle_is_used(trt, models, tmp_path) -> None:
    tensorrt.build(models["int8"], tmp_path, {})
    tensorrt.open(models["int8"], tmp_path, {})
    assert len(trt.Builder.configs) == 1


def test_an_engine_the_library_refuses_is_built_again(trt, models) -> None:
    tensorrt.open(models["int8"], None, {})
    trt.refuse_engines = 1
    tensorrt.open(models["int8"], None, {})
    assert len(trt.Builder.configs) == 2


def test_another_version_of_the_library_builds_again(trt, models, monkeypatch) -> None:
    tensorrt.open(models["int8"], None, {})
    monkeypatch.setattr(trt, "__version__", "10.16.1.11")
    tensorrt.open(models["int8"], None, {})
    assert len(trt.Builder.configs) == 2


def test_the_second_build_knows_the_timings_of_the_first(trt, models, tmp_path) -> None:
    tensorrt.build(models["int8"], tmp_path, {})
    tensorrt.build(models["int8"], tmp_path, {})
    assert [config.known for config in trt.Builder.configs] == [b"", b"timings"]


def test_damaged_timings_are_measured_anew(trt, models, tmp_path) -> None:
    tensorrt.build(models["int8"], tmp_path, {})
    (timings,) = (tmp_path / "cache" / "tensorrt").glob("timing-10.3.0-sm87.cache")
    timings.write_bytes(b"damaged")
    tensorrt.build(models["int8"], tmp_path, {})
    assert trt.Builder.configs[-1].known == b""


def test_an_engine_built_with_other_options_is_used_unless_some_are_named(trt, models) -> None:
    tensorrt.open(models["int8"], None, {"level": "5"})
    tensorrt.open(models["int8"], None, {})
    assert len(trt.Builder.configs) == 1
    tensorrt.open(models["int8"], None, {"level": "1"})
    assert len(trt.Builder.configs) == 2


def test_options_reach_the_builder_and_the_key(trt, models, tmp_path) -> None:
    said = tensorrt.build(models["int8"], tmp_path, {"workspace_mb": "256", "level": "5"})
    (config,) = trt.Builder.configs
    assert (config.workspace, config.builder_optimization_level) == (256 << 20, 5)
    assert said["key"]["options"] == {"level": "5", "workspace_mb": "256"}


@pytest.mark.parametrize(
    "options", [{"level": "6"}, {"level": "fast"}, {"workspace_mb": "0"}, {"workspace_mb": "-1"}]
)
def test_an_option_out_of_range_is_misuse(options: dict[str, str]) -> None:
    with pytest.raises(MisuseError, match="whole number from"):
        tensorrt.parse_options(options)


def test_an_unknown_option_lists_the_known_ones() -> None:
    with pytest.raises(MisuseError, match="valid: base, level, workspace_mb"):
        tensorrt.parse_options({"fp16": "1"})


def test_a_quantized_convolution_in_float_is_refused(trt, models, tmp_path, monkeypatch) -> None:
    rows = trt.rows
    monkeypatch.setattr(trt, "rows", lambda model: (row.replace("Int8", "Half") for row in rows(model)))
    with pytest.raises(FcnEdgeError, match="runs 9 of 9 quantized convolutions in float"):
        tensorrt.build(models["int8"], tmp_path, {})
    assert not list(tmp_path.rglob("*.engine"))


def test_a_listing_in_an_unknown_format_is_said_to_be_unread(trt, models, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(trt, "verbose_rows", False)
    said = tensorrt.build(models["int8"], tmp_path, {})
    assert "layers" not in said
    assert "cannot be read" in said["precision_unread"]


def test_an_operator_the_parser_refuses_is_named(trt, tmp_path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"REFUSED")
    with pytest.raises(FcnEdgeError, match="MaxUnpool_3: No importer registered"):
        tensorrt.build(model, tmp_path, {})


def test_a_failed_build_gives_the_reason_of_the_library(trt, tmp_path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"BROKEN")
    with pytest.raises(FcnEdgeError, match="OutOfMemory"):
        tensorrt.build(model, tmp_path, {})


def test_a_version_before_10_3_is_too_old(trt, monkeypatch) -> None:
    monkeypatch.setattr(trt, "__version__", "8.5.2.2")
    with pytest.raises(FcnEdgeError, match=r"TensorRT 8.5.2.2 is too old"):
        tensorrt.library()


def test_an_engine_with_float_scores_is_refused(trt, models) -> None:
    with pytest.raises(FcnEdgeError, match="output is not one uint8 tensor"):
        tensorrt.open(models["scores"], None, {})
