"""Make the golden fixture that pytest and ctest both read: `PYTHONPATH=tests python -m golden.make_golden`.

tiny.fcne: an INT8 bundle of TinyFCN (48x64 frames, 5 classes, seeded random weights) with two golden frames.
tail/: scores and the masks the reference tail makes of them, `index.json` listing shapes; scores are raw
little-endian float32 (C, h, w), masks 8-bit PNGs.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np

from fcn_edge.backends import load_backend
from fcn_edge.backends.tail import mask_from_scores
from fcn_edge.bundle import Segmenter, write_bundle
from fcn_edge.network.onnx_export import export_onnx
from fcn_edge.quantize.calibration import CalibrationSet
from fcn_edge.quantize.qdq import quantize_onnx
from fcn_edge.quantize.recipe import Recipe
from golden.tiny_fcn import TinyFCN

HERE = Path(__file__).resolve().parent
SIZE = (48, 64)
CLASSES = [
    {"name": name, "color": color}
    for name, color in zip(
        ("sky", "road", "car", "tree", "pole"),
        ([128, 128, 128], [128, 64, 128], [64, 0, 128], [128, 128, 0], [192, 192, 128]),
        strict=True,
    )
]
# (classes, cells high, cells wide, stride, frame height, frame width); sizes that are no multiple of the
# stride too
TAILS = [
    (5, 6, 8, 8, 48, 64),
    (11, 4, 5, 8, 27, 38),
    (3, 2, 3, 32, 50, 70),
    (21, 3, 1, 16, 41, 3),
    (4, 7, 9, 1, 7, 9),
]


def smooth_frames(count: int, seed: int = 0, size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    """Return `count` uint8 BGR frames of smooth random colour."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (count, 6, 8, 3), dtype=np.uint8)
    return [cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_CUBIC) for image in coarse]


def make_bundle(out: Path) -> Path:
    """Write the tiny bundle to `out`."""
    frames = smooth_frames(10)
    with tempfile.TemporaryDirectory() as folder:
        fp32 = export_onnx(TinyFCN(), SIZE, "scores", Path(folder) / "fp32.onnx")
        calibration = CalibrationSet(frames[:8], [f"{i}" for i in range(8)], "smooth noise", 0, "")
        int8 = Path(folder) / "int8.onnx"
        report = quantize_onnx(fp32, calibration, Recipe("minmax", weights="pairs", equalize=False), int8)
        segmenter = Segmenter(load_backend("openvino").open(int8, None, {}), SIZE, 8)
        golden = [(frame, segmenter(frame)) for frame in frames[8:]]
        return write_bundle(out, manifest(len(report.int8_layers)), int8, golden, {}, min_agreement=0.98)


def manifest(int8_layers: int) -> dict:
    """Return the manifest of the tiny bundle."""
    return {
        "name": "tiny",
        "classes": CLASSES,
        "void_id": 255,
        "input": {
            "name": "frame", "height": SIZE[0], "width": SIZE[1],
            "layout": "NHWC", "dtype": "uint8", "color": "BGR", "resize": "linear",
        },
        "output": {"tail": "scores", "name": "scores", "stride": 8, "height": 6, "width": 8, "channels": 5},
        "precision": "int8",
        "target": "openvino",
        "model": {"spec": {"name": "tiny"}, "weights_sha256": ""},
        "gate": {"verdict": "pass", "metric": "none", "drop": 0.0, "max_drop": 0.0},
        "layers": {"int8": int8_layers, "float": 0},
        "evidence": {},
        "provenance": {"command": "python -m golden.make_golden"},
    }  # fmt: skip


def make_tails(out: Path) -> None:
    """Write scores and the masks the reference tail makes of them."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    generator = np.random.default_rng(1)
    index = []
    for number, (classes, height, width, stride, rows, columns) in enumerate(TAILS):
        scores = generator.standard_normal((classes, height, width)).astype("<f4")
        scores[1] = np.where(generator.random((height, width)) < 0.3, scores[0], scores[1])  # ties
        mask = mask_from_scores(scores, stride, (rows, columns))
        (out / f"{number}.scores.f32").write_bytes(scores.tobytes())
        (out / f"{number}.mask.png").write_bytes(cv2.imencode(".png", mask)[1].tobytes())
        sizes = {
            "channels": classes, "score_height": height, "score_width": width,
            "stride": stride, "height": rows, "width": columns,
        }  # fmt: skip
        index.append({"scores": f"{number}.scores.f32", "mask": f"{number}.mask.png", **sizes})
    (out / "index.json").write_text(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    make_bundle(HERE / "tiny.fcne")
    make_tails(HERE / "tail")
