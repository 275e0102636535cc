"""What this machine can train, compile and run, and what to install for the rest."""

from __future__ import annotations

import importlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from fcn_edge.doctor.finding import Finding
from fcn_edge.doctor.nvidia import examine_nvidia
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.ground.machine import INT8_DOT_PRODUCT, cpu_flags, cpu_model, int8_path, usable_cores
from fcn_edge.runtime.program import find_stream


@dataclass(frozen=True)
class Diagnosis:
    """All findings, and what they add up to."""

    findings: tuple[Finding, ...]

    def has(self, name: str) -> bool:
        """Return whether the thing called `name` is usable (ok, or usable with a warning)."""
        return any(finding.name == name and finding.status != "missing" for finding in self.findings)

    @property
    def abilities(self) -> dict[str, bool]:
        """Return what can be done here, by command."""
        python = self.has("torch") and self.has("opencv")
        compile_cpu = python and self.has("onnx") and self.has("openvino")
        return {
            "train": python,
            "train on a GPU": python and self.has("cuda in torch"),
            "compile --target openvino": compile_cpu,
            "compile --target onnx": python and self.has("onnx"),
            "compile --target tensorrt (build the engine here)": compile_cpu
            and self.has("tensorrt")
            and self.has("nvidia gpu"),
            "stream": self.has("fcn-edge-stream"),
            "stream from a camera": self.has("fcn-edge-stream") and self.has("camera"),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the diagnosis as JSON types; `ok` is true when the CPU line works end to end."""
        abilities = self.abilities
        needed = ("train", "compile --target openvino", "stream")
        return {
            "ok": all(abilities[name] for name in needed),
            "can": abilities,
            "findings": [asdict(finding) for finding in self.findings],
        }

    def to_text(self) -> str:
        """Return the diagnosis for people: what was found, then what can be done."""
        mark = {"ok": "ok     ", "missing": "missing", "warning": "warning"}
        lines = []
        for finding in self.findings:
            lines.append(f"{mark[finding.status]}  {finding.name}: {finding.found}")
            if finding.status != "ok":
                why = f"for {finding.needed_for}: " if finding.needed_for else ""
                lines.append(f"           {why}{finding.fix}")
        lines.append("")
        for what, able in self.abilities.items():
            lines.append(f"{'can   ' if able else 'cannot'}   {what}")
        return "\n".join(lines)


def examine() -> Diagnosis:
    """Look at this machine and return the diagnosis; nothing is installed or changed."""
    return Diagnosis((*(check() for check in CHECKS), *examine_nvidia()))


def _python() -> Finding:
    version, supported = platform.python_version(), (3, 10) <= sys.version_info[:2] <= (3, 13)
    return Finding("python", "ok" if supported else "warning", version, "", "use Python 3.10 to 3.13")


def _processor() -> Finding:
    flags = cpu_flags()
    model = f"{cpu_model()}, {usable_cores()} cores, {int8_path(flags)}"
    if flags and not flags & INT8_DOT_PRODUCT:
        return Finding(
            "processor", "warning", model, "fast INT8",
            "no INT8 dot-product instruction: INT8 gains less here; trust the bundle's own latency report",
        )  # fmt: skip
    return Finding("processor", "ok", model)


def _package(name: str, module: str, distributions: tuple[str, ...], needed_for: str, fix: str) -> Finding:
    try:
        importlib.import_module(module)
    except Exception as error:  # a broken installation raises anything: ImportError, OSError, RuntimeError
        return Finding(name, "missing", f"cannot import {module} ({_first_line(error)})", needed_for, fix)
    return Finding(name, "ok", _version(distributions))


def _version(distributions: tuple[str, ...]) -> str:
    for distribution in distributions:
        try:
            return f"{distribution} {metadata.version(distribution)}"
        except metadata.PackageNotFoundError:
            continue
    return "installed"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _torch() -> Finding:
    return _package("torch", "torch", ("torch",), "train and compile", "pip install torch")


def _torch_cuda() -> Finding:
    try:
        import torch
    except Exception as error:
        return Finding(
            "cuda in torch", "missing", _first_line(error), "training on a GPU", "pip install torch"
        )
    if torch.cuda.is_available():
        return Finding("cuda in torch", "ok", torch.cuda.get_device_name(0))
    built = f"torch {torch.__version__} finds no CUDA device"
    return Finding("cuda in torch", "missing", built, "training on a GPU", "training runs on the CPU instead")


def _openvino() -> Finding:
    finding = _package("openvino", "openvino", ("openvino",), "INT8 on CPUs", "pip install openvino")
    if finding.status != "ok":
        return finding
    from openvino import Core

    return Finding("openvino", "ok", f"{finding.found}, devices: {', '.join(Core().available_devices)}")


def _onnx() -> Finding:
    fix = "pip install onnx onnxscript onnxsim onnxruntime"
    return _package("onnx", "onnxruntime.quantization", ("onnxruntime",), "every compile target", fix)


def _opencv() -> Finding:
    names = ("opencv-python-headless", "opencv-python")
    return _package(
        "opencv", "cv2", names, "reading and resizing frames", "pip install opencv-python-headless"
    )


def _stream() -> Finding:
    try:
        binary = find_stream()
        done = subprocess.run(
            [str(binary), "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (FcnEdgeError, OSError, subprocess.TimeoutExpired) as error:
        fix = "run make build in a clone of the repository, or point FCN_EDGE_STREAM at the binary"
        return Finding("fcn-edge-stream", "missing", _first_line(error), "stream and bench", fix)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
        fix = "build it again: make build"
        return Finding("fcn-edge-stream", "missing", f"{binary}: {reason}", "stream and bench", fix)
    return Finding("fcn-edge-stream", "ok", f"{binary} ({' '.join(done.stdout.split())})")


def _camera() -> Finding:
    cameras = sorted(str(path) for path in Path("/dev").glob("video*"))
    if cameras:
        return Finding("camera", "ok", ", ".join(cameras))
    return Finding(
        "camera", "missing", "no /dev/video*", "--source 0", "plug one in, or stream a file or RTSP"
    )


def _gpu() -> Finding:
    if Path("/etc/nv_tegra_release").is_file():
        release = Path("/etc/nv_tegra_release").read_text(errors="replace").splitlines()[0]
        return Finding("nvidia gpu", "ok", f"Jetson, {release.lstrip('# ')}")
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding(
            "nvidia gpu", "missing", "no nvidia-smi", "TensorRT engines", "none needed for CPU targets"
        )
    query = [tool, "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(
            "nvidia gpu", "missing", _first_line(error), "TensorRT engines", "check the NVIDIA driver"
        )
    if done.returncode != 0:
        found = (done.stdout + done.stderr).strip().splitlines()[:1] or ["nvidia-smi failed"]
        return Finding("nvidia gpu", "missing", found[0], "TensorRT engines", "check the NVIDIA driver")
    return Finding("nvidia gpu", "ok", done.stdout.strip().replace("\n", "; "))


def _tensorrt() -> Finding:
    fix = "on a Jetson: apt install python3-libnvinfer; on x86: pip install tensorrt"
    return _package("tensorrt", "tensorrt", ("tensorrt",), "--target tensorrt engines", fix)


CHECKS: tuple[Callable[[], Finding], ...] = (
    _python,
    _processor,
    _torch,
    _torch_cuda,
    _opencv,
    _onnx,
    _openvino,
    _stream,
    _camera,
    _gpu,
    _tensorrt,
)
