"""Files are whole or absent, hashes are right, and a killed run leaves nothing half-written."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
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
from fcn_edge.ground.folders import Kind

KIND = Kind("test")


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
    with atomic_directory(tmp_path / "b.fcne", KIND) as work:
        (work / "part").write_text("first")
    with pytest.raises(RuntimeError), atomic_directory(tmp_path / "b.fcne", KIND) as work:
        _write_and_fail(work / "part")
    assert (tmp_path / "b.fcne" / "part").read_text() == "first"
    assert _names(tmp_path) == ["b.fcne"]


def test_process_killed_while_writing_a_directory_leaves_the_old_one_whole(tmp_path: Path) -> None:
    with atomic_directory(tmp_path / "b.fcne", KIND) as work:
        (work / "part").write_text("first")
    code = f"""
from pathlib import Path
import time
from fcn_edge.ground.artifacts import atomic_directory
from fcn_edge.ground.folders import Kind
with atomic_directory(Path({str(tmp_path)!r}) / "b.fcne", Kind("test")) as work:
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


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    links = {"there": "deep/a", "dangling": "deep/b"}
    (tmp_path / "deep" / "a").write_text("old")
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
        atomic_write_bytes(tmp_path / name, name.encode())
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / target).read_text() == name
    assert sorted(_names(tmp_path / "deep")) == ["a", "b"]


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        device.open("wb").close()
    except OSError as error:
        pytest.skip(f"no device can be made here: {error}")
    before = device.stat()
    atomic_write_json(device, {"x": 1})
    assert (device.stat().st_mode, device.stat().st_ino) == (before.st_mode, before.st_ino)
    assert _names(tmp_path) == ["null"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a Linux device")
def test_a_full_device_is_one_sentence_and_stays() -> None:
    with pytest.raises(FcnEdgeError, match=r"cannot write /dev/full: No space left on device"):
        atomic_write_json("/dev/full", {"x": 1})
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_named_pipe_gets_the_bytes(tmp_path: Path) -> None:
    data = random.randbytes(300_000)  # more than a pipe holds
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor() as pool:
        read = pool.submit((tmp_path / "pipe").read_bytes)
        atomic_write_bytes(tmp_path / "pipe", data)
        assert read.result(timeout=60) == data
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize("place", ["/dev/fd/{}", "/proc/self/fd/{}"])
def test_an_open_file_of_ours_is_written_where_it_stands(place: str, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb", buffering=0) as file:
        file.write(b"before ")
        atomic_write_bytes(place.format(file.fileno()), b"report")
        file.write(b" after")
    assert (tmp_path / "file").read_bytes() == b"before report after"
    assert _names(tmp_path) == ["file"]


def test_the_name_of_the_temporary_file_cannot_be_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda handle: seen.append(Path(f"/proc/self/fd/{handle}").resolve().name)
    )
    for _ in range(2):
        atomic_write_bytes(tmp_path / "value", b"x")
    assert len(set(seen)) == 2


def test_a_long_name_is_written(tmp_path: Path) -> None:
    name = "n" * 250
    assert atomic_write_bytes(tmp_path / name, b"x").read_bytes() == b"x"
