"""`build-engine` on stand-ins for TensorRT and CUDA (no GPU here)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fcn_edge
from fcn_edge.backends import onnxruntime
from fcn_edge.bundle import write_bundle
from fcn_edge.compilation.build_engine import build_engine
from fcn_edge.ground.errors import FcnEdgeError, MisuseError

from .conftest import ROOT, SIZE, random_frames


@pytest.fixture
def write(models, tmp_path):
    """Return a function that writes the tiny INT8 network as a bundle of a target."""
    manifest = json.loads((ROOT / "tests" / "golden" / "tiny.fcne" / "manifest.json").read_text())
    for key in ("magic", "schema", "files", "golden"):
        del manifest[key]
    manifest["input"].update(height=SIZE[0], width=SIZE[1])
    manifest["output"] = {
        "tail": "mask", "name": "mask", "stride": 1, "height": SIZE[0], "width": SIZE[1], "channels": 1,
    }  # fmt: skip
    oracle = onnxruntime.open(models["int8"], None, {})

    def bundle(target: str, model: str = "int8") -> Path:
        golden = [(frame, oracle.infer(frame)) for frame in random_frames(2, seed=3)]
        return write_bundle(
            tmp_path / "tiny.fcne", {**manifest, "target": target}, models[model], golden, {}, 0.99
        )

    return bundle


def test_builds_into_the_cache_and_reproduces_the_golden_masks(trt, write, tmp_path) -> None:
    built = build_engine(write("tensorrt"), {}).to_json()
    assert built["agreement"] == 1.0
    assert built["layers"] == {"int8": 9, "float": 2}
    assert Path(built["file"]).is_relative_to(tmp_path / "cache" / "tensorrt")


def test_streaming_in_python_then_uses_the_engine_of_the_device(trt, write) -> None:
    bundle = write("tensorrt")
    build_engine(bundle, {})
    segmenter = fcn_edge.open(bundle, allow_ungated=True)
    assert segmenter.describe()["engine"] == "tensorrt"
    assert len(trt.Builder.configs) == 1


def test_a_bundle_of_another_target_is_misuse(write) -> None:
    with pytest.raises(MisuseError, match="is for openvino, which has no engine to build on the device"):
        build_engine(write("openvino"), {})


def test_without_tensorrt_it_says_what_to_install(write, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorrt", None)
    with pytest.raises(FcnEdgeError, match="sudo apt install python3-libnvinfer"):
        build_engine(write("tensorrt"), {})


def test_an_engine_that_misses_the_golden_masks_is_refused(trt, write, monkeypatch) -> None:
    bundle = write("tensorrt")
    run = trt.Context.execute_async_v3
    monkeypatch.setattr(
        trt.Context,
        "execute_async_v3",
        lambda self, stream: self.addresses.update(frame=self.addresses["mask"]) or run(self, stream),
    )
    with pytest.raises(FcnEdgeError, match="golden pixels"):
        build_engine(bundle, {})
