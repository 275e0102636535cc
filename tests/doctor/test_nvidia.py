"""Judgements over version outputs of machines that are not here, in the form their tools print them."""

from __future__ import annotations

import pytest

from fcn_edge.doctor.nvidia import (
    examine_nvidia,
    judge_driver,
    judge_jetpack,
    judge_opencv,
    judge_python_tensorrt,
    judge_tensorrt_packages,
    judge_torch_cuda,
    judge_two_tensorrts,
)

R36_4 = "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 2025"
SMI = "| NVIDIA-SMI 535.183.01             Driver Version: 535.183.01   CUDA Version: 12.2     |"
JETPACK_6 = """\
libnvinfer10 10.3.0.30-1+cuda12.5
libnvinfer-headers-dev 10.3.0.30-1+cuda12.5
libnvonnxparsers-dev 10.3.0.30-1+cuda12.5
python3-libnvinfer 10.3.0.30-1+cuda12.5
"""


@pytest.mark.parametrize(
    ("release", "status", "said"),
    [
        (R36_4, "ok", "JetPack 6.1 or 6.2: TensorRT 10.3, CUDA 12.6"),
        (R36_4.replace("4.3", "3.0"), "missing", "JetPack 6.0: TensorRT 8.6"),
        (R36_4.replace("R36", "R35"), "missing", "JetPack 5"),
        (R36_4.replace("4.3", "5.0"), "ok", "JetPack 6.1 or 6.2: TensorRT 10.3"),
        (R36_4.replace("R36", "R38").replace("4.3", "2.1"), "ok", "JetPack 7.0: TensorRT 10.13, CUDA 13.0"),
        (R36_4.replace("R36", "R38").replace("4.3", "4.0"), "ok", "JetPack 7.1"),
        (R36_4.replace("R36", "R39").replace("4.3", "2.1"), "ok", "JetPack 7.2: TensorRT 10.16 or later"),
        (R36_4.replace("R36", "R28"), "missing", "too old"),
        ("# something else", "warning", "unknown"),
    ],
)
def test_jetpack_is_known_by_its_jetson_linux_release(release: str, status: str, said: str) -> None:
    finding = judge_jetpack(release)
    assert finding.status == status
    assert said in finding.found


def test_a_machine_without_tensorrt_packages_has_nothing_to_judge() -> None:
    assert judge_tensorrt_packages("dpkg-query: no packages found matching libnvinfer*\n") is None


@pytest.mark.parametrize(
    ("dpkg", "status", "fix"),
    [
        (JETPACK_6, "ok", ""),
        (JETPACK_6.replace("10.3.0.30", "8.6.2.3").replace("nvinfer10", "nvinfer8"), "missing", "6.1"),
        (JETPACK_6.replace("headers-dev 10.3.0", "headers-dev 10.7.0"), "warning", "--reinstall"),
        (JETPACK_6.replace("libnvinfer-headers-dev", "x"), "warning", "sudo apt install libnvinfer-dev"),
        (JETPACK_6.replace("libnvonnxparsers-dev", "x"), "warning", "sudo apt install libnvonnxparsers-dev"),
    ],
)
def test_tensorrt_packages_must_be_new_complete_and_of_one_version(dpkg: str, status: str, fix: str) -> None:
    finding = judge_tensorrt_packages(dpkg)
    assert finding is not None
    assert finding.status == status
    assert fix in finding.fix


def test_a_virtual_environment_that_hides_tensorrt_is_named() -> None:
    finding = judge_python_tensorrt(JETPACK_6, imports=False, in_venv=True)
    assert finding is not None
    assert "--system-site-packages" in finding.fix
    assert judge_python_tensorrt(JETPACK_6, imports=True, in_venv=True) is None
    assert judge_python_tensorrt("", imports=False, in_venv=True) is None


def test_a_python_tensorrt_of_another_version_than_the_system_s_is_named() -> None:
    finding = judge_two_tensorrts(JETPACK_6, "11.1.0.106")
    assert finding is not None
    assert "tensorrt 11.1.0.106, the system libnvinfer 10.3.0.30-1+cuda12.5" in finding.found
    assert judge_two_tensorrts(JETPACK_6, "10.3.0") is None
    assert judge_two_tensorrts(JETPACK_6, None) is None
    assert judge_two_tensorrts("", "11.1.0.106") is None


@pytest.mark.parametrize(
    ("smi", "fix"),
    [
        ("Failed to initialize NVML: Driver/library version mismatch\nNVML library: 550.90", "restart"),
        (
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
            "the latest NVIDIA driver is installed and running.",
            "mokutil",
        ),
    ],
)
def test_a_broken_driver_is_explained(smi: str, fix: str) -> None:
    finding = judge_driver(smi)
    assert finding is not None
    assert fix in finding.fix


def test_a_healthy_driver_is_not_mentioned() -> None:
    assert judge_driver(SMI) is None


@pytest.mark.parametrize(("torch_cuda", "said"), [("13.0", "torch wants 13.0"), (None, "CPU build")])
def test_torch_must_not_be_newer_than_the_driver(torch_cuda: str | None, said: str) -> None:
    finding = judge_torch_cuda(torch_cuda, SMI)
    assert finding is not None
    assert said in finding.found


def test_minor_versions_of_cuda_go_together() -> None:
    assert judge_torch_cuda("12.8", SMI) is None
    assert judge_torch_cuda("13.0", "") is None


def test_opencv_without_gstreamer_cannot_open_a_csi_camera() -> None:
    report = "General configuration for OpenCV 4.8.0 ====\n  Video I/O:\n    GStreamer:           {}\n"
    assert judge_opencv(report.format("YES (1.20.3)")).status == "ok"
    assert judge_opencv(report.format("NO")).status == "warning"
    assert judge_opencv("General configuration for OpenCV 5.0.0\n").status == "warning"


def test_examining_this_machine_never_fails() -> None:
    assert isinstance(examine_nvidia(), tuple)
