"""A made-up report in the contract's form: two bundles, skewed latencies, a surgery table, pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from fcn_edge.ground.stats import latency_summary
from fcn_edge.report.pictures import make_picture

NAMES = [
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign",
    "fence",
    "car",
    "pedestrian",
    "bicyclist",
]
COLORS = [
    (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0),
    (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
]  # fmt: skip
CLASSES = [{"name": name, "color": list(color)} for name, color in zip(NAMES, COLORS, strict=True)]
STAGES = {"capture": 1.4, "queue": 0.1, "infer": 1.0, "post": 0.8, "sink": 2.6}  # infer is set by each bundle


def example_report(rounds: int = 5, frames: int = 300, seed: int = 0) -> dict[str, Any]:
    """Return a report of an INT8 and an fp32 bundle."""
    rng = np.random.default_rng(seed)
    bundles = [
        _bundle(rng, "road-int8", 15.5, rounds, frames),
        _bundle(rng, "road-fp32", 29.0, rounds, frames),
    ]
    first = bundles[0]
    return {
        "magic": "fcn-edge-report",
        "schema": [1, 0],
        **{key: first[key] for key in ("bundle", "frames_in", "frames_out", "dropped", "fps", "latency_ms")},
        "device": _device(),
        "warnings": [
            {"type": "stolen_time", "message": "the hypervisor took 2.3% of the time away while this ran",
             "remedy": "trust the ratios between bundles, not the tail percentiles"},
        ],
        "method": {"rounds": rounds, "frames_per_round": frames, "warmup": 20, "order": "interleaved",
                   "source": "out/demo/data/clip.mp4"},
        "bundles": bundles,
        "pictures": [_picture(rng)],
        "clip": {"name": "clip.mp4", "frames": 150, "miou": 0.643, "class_iou": _ious(rng, 0.0)},
        "steps": [
            {"name": "render streets", "result": "160 frames, 40 val frames, a clip of 150", "seconds": 41.0},
            {"name": "train", "result": "12 epochs, val mIoU 66.1 %", "seconds": 262.0},
        ],
        "provenance": {"command": "fcn-edge demo", "created": "2026-11-22T19:00:00+00:00", "git": "abc1234"},
    }  # fmt: skip


def _bundle(rng: np.random.Generator, name: str, infer: float, rounds: int, frames: int) -> dict[str, Any]:
    runs = [_round(rng, infer * rng.normal(1, 0.01), frames) for _ in range(rounds)]
    stages = [*STAGES, "total"]
    flat = {stage: [value for run in runs for value in run["samples_ms"][stage]] for stage in stages}
    int8 = name.endswith("int8")
    return {
        "name": name, "bundle": f"out/{name}.fcne",
        "target": "openvino", "precision": "int8" if int8 else "fp32",
        "classes": CLASSES, "input": {"height": 360, "width": 480},
        "output": {"tail": "scores", "stride": 8, "height": 45, "width": 60, "channels": 11},
        "model": {"spec": {"name": "fcn8s-efficientnet_lite0"}},
        "gate": {"verdict": "pass", "metric": "miou", "fp32_miou": 0.661, "int8_miou": 0.6585, "drop": 0.0025,
                 "max_drop": 0.01, "agreement": 0.993, "worst_class": {"name": "pole", "drop": 0.012},
                 "split": "val", "data": "streets", "frames": 40},
        "layers": {"int8": 53, "float": 2} if int8 else {"int8": 0, "float": 55},
        "evidence": _evidence(rng) if int8 else {},
        "surgery": _surgery() if int8 else None,
        "size_mb": 6.1 if int8 else 21.9,
        "frames_in": rounds * frames, "frames_out": rounds * frames, "dropped": 0,
        "fps": 1000 / np.mean(flat["total"]), "pipelined_fps": 1300 / np.mean(flat["total"]),
        "start_ms": 212.0, "rss_mb": 97.4,
        "latency_ms": {stage: latency_summary(values) for stage, values in flat.items()},
        "interval_ms": {"total": {"p50": [float(np.median(flat["total"])) * f for f in (0.99, 1.01)]}},
        "warnings": [], "rounds": runs, "provenance": {},
    }  # fmt: skip


def _round(rng: np.random.Generator, infer: float, frames: int) -> dict[str, Any]:
    means = {**STAGES, "infer": infer}
    samples = {s: (m * (0.9 + rng.gamma(2.0, 0.05, frames))).tolist() for s, m in means.items()}
    late = rng.random(frames) < 0.012
    samples["infer"] = [
        v + (rng.exponential(9.0) if slow else 0.0) for v, slow in zip(samples["infer"], late, strict=True)
    ]
    timed = [samples[stage] for stage in STAGES if stage != "capture"]
    samples["total"] = [sum(values) for values in zip(*timed, strict=True)]
    return {
        "fps": 1000 / float(np.mean(samples["total"])),
        "start_ms": 212.0,
        "rss_mb": 97.4,
        "samples_ms": samples,
    }


def _ious(rng: np.random.Generator, loss: float) -> dict[str, float | None]:
    values = {name: float(np.clip(rng.beta(5, 3) - loss, 0, 1)) for name in NAMES}
    return {**values, "bicyclist": None}


def _evidence(rng: np.random.Generator) -> dict[str, Any]:
    fp32 = _ious(rng, 0.0)
    int8 = {name: None if v is None else v - abs(float(rng.normal(0, 0.004))) for name, v in fp32.items()}
    scores = {"pixel_accuracy": 0.921, "mean_accuracy": 0.74, "fw_iou": 0.861, "frames": 40}
    return {
        "fp32": {"miou": 0.661, "class_iou": fp32, **scores},
        "int8": {"miou": 0.6585, "class_iou": int8, **scores},
    }


def _surgery() -> dict[str, Any]:
    kinds = {"keep": (0.0, 0.031, 31.2), "subpixel": (0.0, 0.031, 33.9), "resize-conv": (0.12, 0.0, 30.4)}
    candidates = [
        {
            "kind": k,
            "residual": r,
            "checkerboard": c,
            "sqnr_db": s,
            "agreement": 0.98 + s / 3000,
            "latency_ms": 14.2,
        }
        for k, (r, c, s) in kinds.items()
    ]
    return {
        "mode": "auto",
        "note": "the choice has 2.7 dB more SQNR than the network as trained",
        "layers": [
            {
                "name": name,
                "stride": [2, 2],
                "kernel": [4, 4],
                "candidates": candidates,
                "chosen": chosen,
                "why": why,
            }
            for name, chosen, why in (
                ("up16", "subpixel", "highest SQNR after INT8"),
                ("up8", "keep", "no candidate is better by more than the noise"),
            )
        ],
    }


def _picture(rng: np.random.Generator) -> dict[str, Any]:
    height, width = 180, 240
    mask = np.zeros((height, width), np.uint8)
    mask[70:], mask[40:110, :60], mask[120:150, 90:140] = 3, 1, 8
    frame = np.clip(
        np.array([c["color"][::-1] for c in CLASSES])[mask] * 0.8 + rng.normal(0, 12, (height, width, 3)),
        0,
        255,
    )
    other = mask.copy()
    other[68:72, ::3] = 0
    return make_picture("Golden frame 1", frame.astype(np.uint8), {"fp32": mask, "int8": other}, CLASSES)


def _device() -> dict[str, Any]:
    return {
        "cpu": "AMD EPYC", "arch": "x86_64", "flags": ["sse4_2", "avx", "avx2", "fma"], "cores": 2,
        "int8": "INT8 by AVX2 without VNNI", "cpu_quota": None,
        "governor": None, "memory_gb": 23.4, "virtual": True, "os": "Debian GNU/Linux 12", "kernel": "6.1.0",
        "versions": {"python": "3.11.2", "openvino": "2026.4.1", "torch": "2.13.0"},
        "during_the_run": {"seconds": 61.0, "load_before": 0.4, "steal": 0.023},
    }  # fmt: skip
