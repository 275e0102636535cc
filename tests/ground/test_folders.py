"""Replacing a folder: what is not ours stays, and at every moment one of the two is in place."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fcn_edge.ground import folders
from fcn_edge.ground.artifacts import atomic_directory
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.ground.folders import Kind, check_replaceable

SET, OTHER = Kind("set"), Kind("other")


def write(path: Path, text: str, kind: Kind | None = SET) -> None:
    with atomic_directory(path, kind) as work:
        (work / "deep").mkdir()
        (work / "deep" / "part").write_text(text)


def write_while(happens: Callable[[], object], path: Path) -> None:
    with atomic_directory(path, SET):
        happens()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_an_empty_folder_and_one_of_the_same_kind_are_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for text in ("first", "second"):
        write(out, text)
        assert (out / "deep" / "part").read_text() == text
        assert names(tmp_path) == ["out"]


def test_other_peoples_files_survive_over_random_trees(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    for number in range(20):
        out = tmp_path / str(number)
        if ours := rng.random() < 0.5:
            write(out, "ours")
        for _ in range(rng.randint(1, 4)):
            place = out.joinpath(*(rng.choice("abc") for _ in range(rng.randint(0, 3))))
            place.mkdir(parents=True, exist_ok=True)
            (place / f"thesis{rng.randrange(99)}.txt").write_text("years of work")
        before = tree(out)
        with pytest.raises(MisuseError, match=r"thesis\d+\.txt.*name a new folder") as caught:
            write(out, "new")
        assert tree(out) == before
        assert ("fcn-edge did not write" if ours else "not an earlier set") in str(caught.value)
    assert names(tmp_path) == sorted(map(str, range(20)))


def test_a_folder_of_another_kind_or_without_a_marker_stays(tmp_path: Path) -> None:
    write(tmp_path / "out", "mine", OTHER)
    for kind in (SET, None):
        with pytest.raises(MisuseError, match="it holds"):
            write(tmp_path / "out", "new", kind)
    (tmp_path / "out" / folders.MARKER).write_text("{broken")
    with pytest.raises(MisuseError, match="not an earlier other"):
        write(tmp_path / "out", "new", OTHER)
    assert (tmp_path / "out" / "deep" / "part").read_text() == "mine"


def test_what_file_managers_leave_is_no_loss(tmp_path: Path) -> None:
    write(tmp_path / "out", "first")
    (tmp_path / "out" / "deep" / ".DS_Store").write_bytes(b"\0")
    write(tmp_path / "out", "second")
    assert (tmp_path / "out" / "deep" / "part").read_text() == "second"


def test_a_file_that_comes_while_the_work_is_done_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(MisuseError, match=r"late\.txt"):
        write_while(lambda: (out.mkdir(), (out / "late.txt").write_text("kept")), out)
    assert tree(out) == {"late.txt": "kept"}
    assert names(tmp_path) == ["out"]


def test_a_link_stays_and_its_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "out"
    link.symlink_to(tmp_path / "disk" / "real")
    for text in ("first", "second"):
        write(link, text)
        assert link.is_symlink()
        assert (tmp_path / "disk" / "real" / "deep" / "part").read_text() == text
    assert names(tmp_path) == ["disk", "out"]
    assert names(tmp_path / "disk") == ["real"]


@pytest.mark.parametrize("here", [".", "", "..", "../inner"])
def test_the_folder_that_the_command_runs_in_is_refused(
    here: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises(MisuseError, match="runs in"):
        write(Path(here), "new")
    assert names(tmp_path) == ["inner"]
    assert names(tmp_path / "inner") == []


def test_a_mount_point_is_refused_before_the_work() -> None:
    with pytest.raises(MisuseError, match="mount point"):
        check_replaceable(Path("/proc"), SET)


@pytest.mark.parametrize("exchange", [True, False])
def test_one_of_both_is_in_place_at_every_failure(
    exchange: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure at the last rename brings the old folder back; with the exchange there is no such moment."""
    out = tmp_path / "out"
    write(out, "first")
    if not exchange:
        monkeypatch.setattr(folders, "_exchange", lambda a, b: False)
    else:
        monkeypatch.setattr(folders, "_exchange", _refuse)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if target == out and "old" not in self.name:
            raise OSError(errno.EIO, "Input/output error", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(FcnEdgeError, match="Input/output error"):
        write(out, "second")
    monkeypatch.undo()
    assert (out / "deep" / "part").read_text() == "first"
    assert names(tmp_path) == ["out"]


def _refuse(a: Path, b: Path) -> bool:
    raise OSError(errno.EIO, "Input/output error", str(b))


def test_without_an_exchange_the_folder_is_replaced_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_exchange", lambda a, b: False)
    for text in ("first", "second"):
        write(tmp_path / "out", text)
        assert (tmp_path / "out" / "deep" / "part").read_text() == text
        assert names(tmp_path) == ["out"]


@pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is a call of Linux")
def test_a_reader_never_finds_the_place_empty(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, "0")
    code = f"""
from pathlib import Path
print("ready", flush=True)
missing = 0
while not Path({str(tmp_path)!r}, "stop").exists():
    missing += not Path({str(out)!r}).exists()
print(missing)"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        for number in range(200):
            write(out, str(number))
        (tmp_path / "stop").touch()
        assert reader.stdout.read().strip() == "0"


def test_everything_is_on_the_disk_before_the_exchange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    put, fsync = folders._exchange, os.fsync

    def record(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").resolve().name)
        fsync(handle)

    def exchanged(a: Path, b: Path) -> bool:
        assert {"part", "deep", folders.MARKER} <= set(synced)
        synced.append("exchange")
        return put(a, b)

    write(tmp_path / "out", "first")
    monkeypatch.setattr(os, "fsync", record)
    monkeypatch.setattr(folders, "_exchange", exchanged)
    write(tmp_path / "out", "second")
    assert synced[-2:] == ["exchange", tmp_path.name]


def test_the_marker_lists_every_file(tmp_path: Path) -> None:
    write(tmp_path / "out", "first")
    record = json.loads((tmp_path / "out" / ".fcn-edge.json").read_text())
    assert record == {"magic": "fcn-edge-folder", "kind": "set", "files": ["deep/part"]}
