"""Files are whole or absent, hashes are right, and a killed run leaves nothing half-written."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fcn_edge.ground.artifacts import (
    atomic_directory,
    atomic_write_bytes,
    atomic_write_json,
    hash_json,
    provenance,
    read_json,
    sha256_bytes,
    sha256_file,
)
from fcn_edge.ground.errors import FcnEdgeError


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _write_and_fail(path: Path) -> None:
    path.write_text("second")
    raise RuntimeError("power cut")


def test_hash_of_a_file_equals_hashlib_over_random_sizes(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    for size in (0, 1, (1 << 20) - 1, 1 << 20, random.Random(seed).randrange(3 << 20)):
        data = random.Random(seed).randbytes(size)
        (tmp_path / "file").write_bytes(data)
        assert sha256_file(tmp_path / "file") == hashlib.sha256(data).hexdigest() == sha256_bytes(data)


def test_hash_of_json_ignores_the_order_of_keys_but_not_the_values() -> None:
    assert hash_json({"a": 1, "b": [2, 3]}) == hash_json({"b": [2, 3], "a": 1})
    assert hash_json({"a": 1}) != hash_json({"a": 2})


def test_failed_write_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    target = atomic_write_bytes(tmp_path / "value.json", b"old")
    with pytest.raises(ValueError, match="JSON"):
        atomic_write_json(target, {"x": float("nan")})
    assert target.read_bytes() == b"old"
    assert _names(tmp_path) == ["value.json"]


def test_failed_directory_leaves_the_old_one_and_no_temporary(tmp_path: Path) -> None:
    with atomic_directory(tmp_path / "b.fcne") as work:
        (work / "part").write_text("first")
    with pytest.raises(RuntimeError), atomic_directory(tmp_path / "b.fcne") as work:
        _write_and_fail(work / "part")
    assert (tmp_path / "b.fcne" / "part").read_text() == "first"
    assert _names(tmp_path) == ["b.fcne"]


def test_process_killed_while_writing_a_directory_leaves_the_old_one_whole(tmp_path: Path) -> None:
    with atomic_directory(tmp_path / "b.fcne") as work:
        (work / "part").write_text("first")
    code = f"""
from pathlib import Path
import time
from fcn_edge.ground.artifacts import atomic_directory
with atomic_directory(Path({str(tmp_path)!r}) / "b.fcne") as work:
    (work / "part").write_text("second")
    print("writing", flush=True)
    time.sleep(60)"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    time.sleep(0.1)
    assert (tmp_path / "b.fcne" / "part").read_text() == "first"


def test_unwritable_target_is_one_sentence_that_names_it() -> None:
    with pytest.raises(FcnEdgeError, match=r"cannot write /proc/nothing/here\.json"):
        atomic_write_json("/proc/nothing/here.json", {})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a Linux device")
def test_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"x")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FcnEdgeError, match="No space left on device"):
        atomic_write_bytes(tmp_path / "mask.png", b"data")
    assert _names(tmp_path) == []


def test_broken_and_missing_json_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(FcnEdgeError, match=r"broken\.json is not valid JSON"):
        read_json(tmp_path / "broken.json")
    with pytest.raises(FcnEdgeError, match=r"no such file: .*missing\.json"):
        read_json(tmp_path / "missing.json")


def test_provenance_names_the_versions_that_made_an_artefact() -> None:
    record = provenance("fcn-edge compile x")
    assert record["command"] == "fcn-edge compile x"
    assert {"fcn-edge", "torch", "onnxruntime", "openvino"} <= record["versions"].keys()
