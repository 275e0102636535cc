"""A TorchScript bundle through the C++ runtime, beside the same network in OpenVINO."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from fcn_edge.backends import openvino, torchscript
from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.bundle import write_bundle
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.runtime.program import find_stream, run_stream

from .conftest import ROOT, SIZE, random_frames


@pytest.fixture(scope="module")
def stream() -> Path:
    try:
        binary = find_stream()
    except FcnEdgeError as error:
        pytest.skip(str(error))
    if not (binary.parent / "libfcn_edge_libtorch.so").is_file():
        pytest.skip("the C++ runtime was built without the LibTorch engine")
    return binary


@pytest.fixture
def bundle(tiny_fcn, models, tmp_path) -> Path:
    manifest = json.loads((ROOT / "tests" / "golden" / "tiny.fcne" / "manifest.json").read_text())
    for key in ("magic", "schema", "files", "golden"):
        del manifest[key]
    manifest.update(target="torchscript", precision="fp32")
    manifest["input"].update(height=SIZE[0], width=SIZE[1])
    manifest["output"].update(height=-(-SIZE[0] // 8), width=-(-SIZE[1] // 8))
    engines = tmp_path / "engines"
    torchscript.export(tiny_fcn, SIZE, "scores", engines)
    engine = torchscript.open(models["scores"], engines, {})
    golden = [(frame, mask_from_scores(engine.infer(frame), 8, SIZE)) for frame in random_frames(1, seed=4)]
    return write_bundle(tmp_path / "tiny.fcne", manifest, models["scores"], golden, {}, 0.99, engines=engines)


def test_masks_of_the_stream_agree_with_openvino_fp32(stream, bundle, models, tmp_path) -> None:
    frames = random_frames(6, seed=5)
    (tmp_path / "frames").mkdir()
    for index, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / "frames" / f"{index}.png"), frame)
    masks = tmp_path / "masks"
    run_stream(bundle, tmp_path / "frames", "--masks", str(masks), "--allow-ungated")
    reference = openvino.open(models["scores"], None, {})
    equal = []
    for index, frame in enumerate(frames):
        ours = cv2.imread(str(masks / f"{index}.png"), cv2.IMREAD_UNCHANGED)
        equal.append(np.mean(ours == mask_from_scores(reference.infer(frame), 8, SIZE)))
    assert np.mean(equal) >= 0.999, equal


def test_a_bundle_without_its_module_is_refused_in_one_line(stream, bundle) -> None:
    (bundle / "engines" / torchscript.FILE).write_bytes(b"")
    with pytest.raises(FcnEdgeError, match=r"model\.pt has 0 bytes"):
        run_stream(bundle, bundle / "golden", "--allow-ungated")
