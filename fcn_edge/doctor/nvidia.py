"""NVIDIA machines in plain words: what JetPack, TensorRT, CUDA, the driver and OpenCV say about themselves.

Every judgement is a pure function from version outputs to findings, so that a machine nobody has at hand can
be tested; `examine_nvidia` collects the outputs of this one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from fcn_edge.doctor.finding import Finding

ENGINES = "TensorRT engines"
OLDEST_TENSORRT = (10, 3)
RELEASE_FILE = Path("/etc/nv_tegra_release")


@dataclass(frozen=True)
class JetPack:
    """What NVIDIA ships for a range of Jetson Linux releases (docs/jetson.md has the table)."""

    first: tuple[int, int]  # Jetson Linux release it begins with
    name: str
    tensorrt: str
    cuda: str
    usable: bool


# Newest first. Jetson Linux 36.4 is JetPack 6.1, 36.4.3 and later 6.2; 38 is Thor's alone, 39 Orin's too.
JETPACKS = (
    JetPack((39, 0), "JetPack 7.2", "10.16 or later", "13.2", True),
    JetPack((38, 4), "JetPack 7.1", "10.13", "13.0", True),
    JetPack((38, 0), "JetPack 7.0", "10.13", "13.0", True),
    JetPack((36, 4), "JetPack 6.1 or 6.2", "10.3", "12.6", True),
    JetPack((36, 0), "JetPack 6.0", "8.6", "12.2", False),
    JetPack((35, 0), "JetPack 5", "8.5", "11.4", False),
    JetPack((32, 0), "JetPack 4", "8.2", "10.2", False),
)


def judge_jetpack(release_file: str) -> Finding:
    """Judge the text of /etc/nv_tegra_release, e.g. "# R36 (release), REVISION: 4.3, GCID: ..."."""
    found = re.search(r"R(\d+) \(release\), REVISION: (\d+)\.(\d+)", release_file)
    if not found:
        return Finding("jetpack", "warning", "unknown Jetson Linux release", ENGINES, f"see {RELEASE_FILE}")
    major, minor, patch = (int(part) for part in found.groups())
    release = f"Jetson Linux {major}.{minor}.{patch}"
    for jetpack in JETPACKS:
        if (major, minor) >= jetpack.first:
            text = f"{release} ({jetpack.name}: TensorRT {jetpack.tensorrt}, CUDA {jetpack.cuda})"
            if jetpack.usable:
                return Finding("jetpack", "ok", text)
            fix = "TensorRT 10.3 or later is needed: flash JetPack 6.1 or later"
            return Finding("jetpack", "missing", text, ENGINES, fix)
    return Finding("jetpack", "missing", f"{release} is too old", ENGINES, "flash JetPack 6.1 or later")


def judge_tensorrt_packages(dpkg: str) -> Finding | None:
    """Judge "PACKAGE VERSION" lines of dpkg: libraries and headers of one version, new enough, parser there.

    Returns None where no TensorRT package is installed (pip installs have none).
    """
    versions = dict(line.split()[:2] for line in dpkg.splitlines() if len(line.split()) >= 2)
    library = next((v for name, v in versions.items() if re.fullmatch(r"libnvinfer\d+", name)), None)
    if library is None:
        return None
    name, found = "tensorrt packages", f"libnvinfer {library}"
    if _numbers(library)[:2] < OLDEST_TENSORRT:
        return Finding(name, "missing", found, ENGINES, "10.3 or later is needed: JetPack 6.1 or later")
    headers = versions.get("libnvinfer-headers-dev")
    if headers is None:
        fix = "sudo apt install libnvinfer-dev libnvonnxparsers-dev"
        return Finding(name, "warning", f"{found}, no headers", "building the C++ runtime", fix)
    if _numbers(headers)[:3] != _numbers(library)[:3]:
        text = f"{found}, headers {headers}"
        fix = "versions differ, the build would crash: sudo apt install --reinstall libnvinfer-dev"
        return Finding(name, "warning", text, "building the C++ runtime", fix)
    if "libnvonnxparsers-dev" not in versions:
        fix = "sudo apt install libnvonnxparsers-dev"
        return Finding(name, "warning", f"{found}, no ONNX parser headers", "building the C++ runtime", fix)
    return Finding(name, "ok", f"{found}, headers and ONNX parser {headers}")


def judge_python_tensorrt(dpkg: str, imports: bool, in_venv: bool) -> Finding | None:
    """Judge a python3-libnvinfer that this Python cannot import; None where nothing is wrong."""
    if imports or "python3-libnvinfer " not in dpkg:
        return None
    found = "python3-libnvinfer is installed, but this Python cannot import tensorrt"
    fix = "use the Python of the system"
    if in_venv:
        fix = "the virtual environment hides it: python3 -m venv --system-site-packages .venv"
    return Finding("tensorrt in this python", "warning", found, "fcn-edge build-engine", fix)


def judge_two_tensorrts(dpkg: str, python_version: str | None) -> Finding | None:
    """Judge a tensorrt module (its version, None without one) beside a libnvinfer of another version.

    Python and the C++ runtime then build an engine each, and neither uses the other's.
    """
    library = re.search(r"^libnvinfer\d+ (\S+)", dpkg, re.MULTILINE)
    if python_version is None or library is None:
        return None
    if _numbers(python_version)[:3] == _numbers(library[1])[:3]:
        return None
    found = f"this Python has tensorrt {python_version}, the system libnvinfer {library[1]}"
    fix = "keep the system's: pip uninstall tensorrt tensorrt-cu12 tensorrt-cu13"
    return Finding("tensorrt twice", "warning", found, "one engine for Python and C++", fix)


def judge_driver(nvidia_smi: str) -> Finding | None:
    """Judge what nvidia-smi prints; None when it looks healthy."""
    if "Driver/library version mismatch" in nvidia_smi:
        found = "the driver was updated while loaded (NVML: driver/library version mismatch)"
        return Finding("nvidia driver", "missing", found, ENGINES, "restart the machine")
    if "couldn't communicate with the NVIDIA driver" in nvidia_smi:
        found = "the driver is installed but not running"
        fix = "restart; if that does not help, secure boot may refuse the module: mokutil --sb-state"
        return Finding("nvidia driver", "missing", found, ENGINES, fix)
    return None


def judge_torch_cuda(torch_cuda: str | None, nvidia_smi: str) -> Finding | None:
    """Judge PyTorch's CUDA version (None: a CPU build) against the newest that the driver runs."""
    supported = re.search(r"CUDA Version: (\d+\.\d+)", nvidia_smi)
    if supported is None:
        return None
    name, driver = "cuda of torch and driver", f"the driver runs CUDA up to {supported[1]}"
    if torch_cuda is None:
        fix = "pip install torch from an index with CUDA builds"
        return Finding(name, "warning", f"{driver}, torch is a CPU build", "training on a GPU", fix)
    if _numbers(torch_cuda)[:1] > _numbers(supported[1])[:1]:
        fix = f"update the driver, or install a torch built for CUDA {supported[1]}"
        return Finding(name, "warning", f"{driver}, torch wants {torch_cuda}", "training on a GPU", fix)
    return None


def judge_opencv(build_information: str) -> Finding:
    """Judge OpenCV's build report. Video on a Jetson comes through GStreamer; CUDA modules are not used."""
    line = re.search(r"^\s*GStreamer:\s*(.+)$", build_information, re.MULTILINE)
    version = re.search(r"OpenCV (\d+\.\d+\.\d+\S*)", build_information)
    found = f"OpenCV {version[1] if version else 'of unknown version'}"
    if line is None or line[1].strip().startswith("NO"):
        fix = "build against apt's OpenCV: sudo apt install libopencv-dev"
        return Finding("opencv with gstreamer", "warning", f"{found} without GStreamer", "CSI cameras", fix)
    return Finding("opencv with gstreamer", "ok", f"{found}, GStreamer {line[1].strip()}")


def examine_nvidia() -> tuple[Finding, ...]:
    """Look at this machine's NVIDIA side; empty where there is none."""
    findings: list[Finding | None] = []
    smi = _output("nvidia-smi") if shutil.which("nvidia-smi") else ""
    if RELEASE_FILE.is_file():
        findings += [judge_jetpack(RELEASE_FILE.read_text(errors="replace")), _opencv()]
    query = ("dpkg-query", "-W", "-f=${Package} ${Version}\n", "libnvinfer*", "libnvonnxparsers*")
    dpkg = _output(*query, "python3-libnvinfer") if shutil.which("dpkg-query") else ""
    findings += [judge_tensorrt_packages(dpkg), _python_tensorrt(dpkg), judge_driver(smi), _torch(smi)]
    findings.append(judge_two_tensorrts(dpkg, _distribution("tensorrt")))
    return tuple(finding for finding in findings if finding is not None)


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def _opencv() -> Finding | None:
    try:
        import cv2
    except ImportError:
        return None  # doctor's own line about OpenCV says so
    return judge_opencv(cv2.getBuildInformation())


def _python_tensorrt(dpkg: str) -> Finding | None:
    import importlib.util
    import sys

    found = importlib.util.find_spec("tensorrt") is not None
    return judge_python_tensorrt(dpkg, found, sys.prefix != sys.base_prefix)


def _distribution(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _torch(smi: str) -> Finding | None:
    try:
        import torch
    except Exception:  # a broken torch raises anything; doctor's own line about it says so
        return None
    return judge_torch_cuda(torch.version.cuda, smi)


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of "10.3.0.30-1+cuda12.5": (10, 3, 0, 30)."""
    head = re.match(r"[\d.]+", version)
    return tuple(int(part) for part in head[0].split(".") if part) if head else ()
