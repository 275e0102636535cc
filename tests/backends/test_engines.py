"""OpenVINO and ONNX Runtime: same answers, the agreed properties, one sentence for a bad file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from backends.conftest import SIZE, random_frames

from fcn_edge.backends import BACKENDS, load_backend
from fcn_edge.backends.cache import cache_folder
from fcn_edge.backends.resize import resize_frame, resize_mask
from fcn_edge.ground.errors import FcnEdgeError, MisuseError


def test_both_engines_give_the_same_masks_in_fp32(models: dict[str, Path]) -> None:
    engines = [load_backend(name).open(models["fp32"], None, {}) for name in ("openvino", "onnxruntime")]
    for frame in random_frames(3, seed=1):
        first, second = (engine.infer(frame) for engine in engines)
        assert first.shape == second.shape == SIZE
        assert (first != second).mean() < 1e-3


def test_an_engine_gives_the_same_scores_again_and_leaves_earlier_ones_alone(models: dict[str, Path]) -> None:
    engine = load_backend("openvino").open(models["scores"], None, {"threads": "1"})
    frames = random_frames(2, seed=2)
    first = engine.infer(frames[0])
    kept = first.copy()
    engine.infer(frames[1])
    assert np.array_equal(first, kept)
    assert np.array_equal(engine.infer(frames[0]), kept)


def test_float_layers_are_asked_for_in_f32(models: dict[str, Path]) -> None:
    said = load_backend("openvino").open(models["scores"], None, {"threads": "1"}).describe()
    assert said["properties"] == {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "1",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_a_file_that_is_no_network_is_one_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(FcnEdgeError, match=r"cannot (compile|load) .*broken\.onnx"):
        load_backend(name).open(tmp_path / "broken.onnx", None, {})


def test_an_unknown_engine_lists_the_known_ones() -> None:
    with pytest.raises(MisuseError, match="unknown engine 'openvin'; did you mean 'openvino'"):
        load_backend("openvin")
    assert {"openvino", "onnxruntime"} <= set(BACKENDS)


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FCN_EDGE_CACHE", str(tmp_path / "a"))
    assert cache_folder("openvino") == tmp_path / "a" / "openvino"
    monkeypatch.delenv("FCN_EDGE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert cache_folder("openvino") == tmp_path / "b" / "fcn-edge" / "openvino"


def test_a_cache_folder_that_cannot_be_made_means_no_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, models: dict[str, Path]
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FCN_EDGE_CACHE", str(tmp_path / "file"))
    assert cache_folder("openvino") is None
    engine = load_backend("openvino").open(models["scores"], None, {})
    assert engine.infer(random_frames(1, seed=0)[0]).ndim == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_cache_folder_means_no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    monkeypatch.setenv("FCN_EDGE_CACHE", str(tmp_path))
    assert cache_folder("openvino") is None


def test_resize_is_the_identity_at_the_same_size() -> None:
    frame = random_frames(1, seed=0)[0]
    assert resize_frame(frame, SIZE) is frame
    assert resize_frame(frame, (20, 30)).shape == (20, 30, 3)
    mask = frame[:, :, 0]
    assert resize_mask(mask, SIZE) is mask
    assert set(np.unique(resize_mask(mask, (90, 122)))) <= set(np.unique(mask))
