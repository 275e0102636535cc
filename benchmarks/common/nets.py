"""The networks of the benchmarks: trained briefly on streets, compiled once, kept in out/benchmarks.

Trained, because the cost of the fused tail depends on how many cells of the score map have four equal
corners: random weights give noise, which no user's network does.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from fcn_edge.compilation.compile import compile_checkpoint
from fcn_edge.ground.config import CompileConfig, TrainConfig
from fcn_edge.ground.targets import TARGETS

NETS = {"efficientnet_lite0": "fcn8s-efficientnet_lite0", "resnet18": "fcn8s-resnet18"}
SIZES = ((360, 480), (512, 1024))
CACHE = Path("out/benchmarks")
CAMVID = (Path("data/camvid"), Path("../shared/data/camvid"))  # where it is looked for


def say(text: str) -> None:
    """Tell how the work goes, on stderr."""
    print(text, file=sys.stderr, flush=True)


def camvid() -> str | None:
    """Return CamVid as `--data` takes it; None, and a line on stderr, where it is not found."""
    found = [f"camvid:{path}" for path in CAMVID if path.is_dir()]
    if not found:
        say(f"no CamVid: it is not in {' or '.join(map(str, CAMVID))}; give --data camvid:DIR")
    return found[0] if found else None


def trained_for(minutes: float) -> Path:
    """Return the folder of the networks trained for `minutes`, kept apart from others."""
    return CACHE / f"{minutes:g}-minutes"


def checkpoint(net: str, minutes: float) -> Path:
    """Return the run folder of a network trained on streets for `minutes` (once)."""
    from fcn_edge.train.loop import train

    run = trained_for(minutes) / f"{net}-run"
    if not (run / "model.safetensors").is_file():
        say(f"training {net} for {minutes:g} minutes")
        train(TrainConfig("streets:192x256", run, model=NETS[net], minutes=minutes, val_every=100, ema=0.98))
    return run


def bundle(net: str, size: tuple[int, int], *, int8: bool, tail: str, minutes: float) -> Path:
    """Return a bundle of `net` for frames of `size`, made once. Its upsamplers are kept as trained."""
    out = trained_for(minutes) / f"{net}-{size[0]}x{size[1]}-{'int8' if int8 else 'fp32'}-{tail}.fcne"
    if not (out / "manifest.json").is_file():
        config = CompileConfig(
            str(checkpoint(net, minutes)), out, data=f"streets:{size[0]}x{size[1]}", int8=int8,
            upsample="keep", calibration_count=16, limit=2, max_drop=1.0,
        )  # fmt: skip
        with _openvino_tail(tail):
            compile_checkpoint(config, say)
    return out


@contextmanager
def _openvino_tail(tail: str):
    """Let the OpenVINO target take the other tail for a while; users get the fused one."""
    usual = TARGETS["openvino"]
    TARGETS["openvino"] = replace(usual, tail=tail)
    try:
        yield
    finally:
        TARGETS["openvino"] = usual


def frames_folder(size: tuple[int, int], count: int = 32) -> Path:
    """Return a folder of val frames of streets as BMP images, rendered once."""
    import cv2

    from fcn_edge.data import open_dataset

    folder = CACHE / f"frames-{size[0]}x{size[1]}"
    if not (folder / f"{count - 1:03d}.bmp").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        data = open_dataset(f"streets:{size[0]}x{size[1]}", "val", labelled=False)
        for index in range(count):
            cv2.imwrite(str(folder / f"{index:03d}.bmp"), data[index].frame)
    return folder


def road_clip() -> Path:
    """Return a 1280x720 clip of streets of 4 seconds, rendered once."""
    from fcn_edge.data.streets import write_folder

    folder = CACHE / "streets-720p"
    if not (folder / "clip.mp4").is_file():
        write_folder(folder, size=(720, 1280), train=1, val=1, seconds=4.0, seed=1)
    return folder / "clip.mp4"


def commit() -> str:
    """Return the git commit, with -dirty when files of the product differ from it (results do not count)."""
    head = _git("rev-parse", "--short=9", "HEAD") or "unknown"
    return head + ("-dirty" if _git("status", "--porcelain", "fcn_edge", "cpp_runtime") else "")


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()
