"""A model repository served by NVIDIA's Triton server, over HTTP as a client would ask it.

The server is the one inside the wheel nvidia-pytriton (55 MB, not installed by CI): pip install --no-deps
nvidia-pytriton. It has no ONNX Runtime backend, so triton_onnxruntime.py stands in for that; configuration,
repository, protocol and checks of shapes are Triton's own.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from fcn_edge.backends import onnxruntime
from fcn_edge.bundle import write_bundle
from fcn_edge.compilation.serving import write_repository

from .conftest import ROOT, SIZE, random_frames

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def server_files() -> Path:
    package = find_spec("pytriton")
    if package is None or not package.submodule_search_locations:
        pytest.skip("Triton's server is not here: pip install --no-deps nvidia-pytriton")
    files = Path(package.submodule_search_locations[0]) / "tritonserver"
    if not (files / "python_backend_stubs" / PYTHON).is_dir():
        pytest.skip(f"this nvidia-pytriton knows no Python {PYTHON}")
    return files


@pytest.fixture(scope="module")
def repository(models, tmp_path_factory) -> Path:
    tmp_path = tmp_path_factory.mktemp("repository")
    manifest = json.loads((ROOT / "tests" / "golden" / "tiny.fcne" / "manifest.json").read_text())
    for key in ("magic", "schema", "files", "golden"):
        del manifest[key]
    height, width = SIZE
    manifest.update(name="road", target="onnx")
    manifest["gate"]["verdict"] = "pass"
    manifest["input"].update(height=height, width=width)
    manifest["output"] = {
        "tail": "mask", "name": "mask", "stride": 1, "height": height, "width": width, "channels": 1,
    }  # fmt: skip
    oracle = onnxruntime.open(models["int8"], None, {})
    golden = [(frame, oracle.infer(frame)) for frame in random_frames(1, seed=1)]
    bundle = write_bundle(tmp_path / "road.fcne", manifest, models["int8"], golden, {}, 1.0)
    return write_repository(bundle, "triton", tmp_path / "repository")


@pytest.fixture(scope="module")
def server(server_files, repository, tmp_path_factory) -> Iterator[http.client.HTTPConnection]:
    tmp_path = tmp_path_factory.mktemp("server")
    backends = tmp_path / "backends"
    shutil.copytree(server_files / "backends" / "python", backends / "python")
    shutil.copy(
        server_files / "python_backend_stubs" / PYTHON / "triton_python_backend_stub", backends / "python"
    )
    (backends / "onnxruntime").mkdir()
    shutil.copy(Path(__file__).with_name("triton_onnxruntime.py"), backends / "onnxruntime" / "model.py")
    program = server_files / "bin" / "tritonserver"  # it finds its libraries relative to its own place
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    libraries = [sysconfig.get_config_var("LIBDIR"), str(server_files.parents[1] / "nvidia_pytriton.libs")]
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join(libraries),
        "TEST_PACKAGES": sysconfig.get_path("purelib"),
    }
    command = [
        program, "--model-repository", repository, "--backend-directory", backends, "--allow-grpc=false",
        "--allow-metrics=false", "--http-address=127.0.0.1", f"--http-port={port}",
        "--disable-auto-complete-config",
    ]  # fmt: skip
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield connect(port, process, log)
    finally:
        process.kill()  # its own way out takes half a minute; the process of the backend sees it and ends
        process.wait()


def connect(port: int, process: subprocess.Popen[bytes], log: Path) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(120):
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            connection.request("GET", "/v2/health/ready")
            answer = connection.getresponse()
            answer.read()
        except OSError:
            connection.close()
        else:
            if answer.status == 200:
                return connection
        time.sleep(0.5)
    pytest.fail("Triton does not become ready: " + log.read_text(errors="replace"))


def ask(connection: http.client.HTTPConnection, frame: np.ndarray) -> tuple[int, bytes]:
    """One inference in the protocol's binary form; returns the status and the mask, or the complaint."""
    port = {"name": "frame", "shape": list(frame.shape), "datatype": "UINT8"}
    port["parameters"] = {"binary_data_size": frame.nbytes}
    wanted = {"name": "mask", "parameters": {"binary_data": True}}
    head = json.dumps({"inputs": [port], "outputs": [wanted]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    connection.request("POST", "/v2/models/road/infer", head + frame.tobytes(), headers)
    answer = connection.getresponse()
    body = answer.read()
    return answer.status, body[int(answer.getheader("Inference-Header-Content-Length") or 0) :]


def test_clients_get_the_masks_of_the_bundle_s_model(server, models) -> None:
    oracle = onnxruntime.open(models["int8"], None, {})
    for frame in random_frames(3, seed=8):
        status, mask = ask(server, frame[None])
        assert status == 200, mask
        assert np.array_equal(np.frombuffer(mask, np.uint8).reshape(SIZE), oracle.infer(frame))


def test_a_frame_of_another_size_is_refused_by_the_configuration(server) -> None:
    status, complaint = ask(server, np.zeros((1, 10, 10, 3), np.uint8))
    assert status == 400
    assert b"unexpected shape for input 'frame'" in complaint
