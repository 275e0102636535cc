from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from fcn_edge.backends.nvidia_key import EngineKey, find_engine, release, store_engine

KEY = EngineKey("a" * 64, "tensorrt", "10.3.0", "Orin, sm87", {"level": "3", "workspace_mb": "all"})


def test_digest_is_the_one_the_cpp_runtime_computes() -> None:
    assert KEY.digest == "1b93e061f14b8f1f"  # cpp_runtime/tests/backends/tensorrt_store_test.cpp has the same


def test_a_stored_engine_is_found_by_its_key(tmp_path: Path) -> None:
    store_engine(tmp_path, KEY, b"engine", {})
    assert find_engine(tmp_path, KEY, 87) == b"engine"


@pytest.mark.parametrize(
    "change",
    [
        {"model_sha256": "b" * 64},
        {"version": "10.3.1"},
        {"device": "Thor, sm110"},
        {"options": {"level": "5"}},
    ],
)
def test_an_engine_of_another_key_is_not_found(tmp_path: Path, change: dict) -> None:
    store_engine(tmp_path, KEY, b"engine", {})
    assert find_engine(tmp_path, replace(KEY, **change), 110) is None


def test_a_damaged_engine_is_not_found(tmp_path: Path) -> None:
    path = store_engine(tmp_path, KEY, b"engine", {})
    path.write_bytes(b"engin3")
    assert find_engine(tmp_path, KEY, 87) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"key": 3, "sha256": ""}'])
def test_an_engine_whose_side_file_is_broken_is_not_found(tmp_path: Path, text: str) -> None:
    path = store_engine(tmp_path, KEY, b"engine", {})
    path.with_suffix(".json").write_text(text)
    assert find_engine(tmp_path, KEY, 87) is None


def test_an_engine_renamed_to_another_key_is_not_found(tmp_path: Path) -> None:
    path = store_engine(tmp_path, KEY, b"engine", {})
    other = replace(KEY, version="11.0.0")
    for suffix in (".engine", ".json"):
        path.with_suffix(suffix).rename(path.with_name(other.digest + suffix))
    assert find_engine(tmp_path, other, 87) is None


def test_an_ahead_of_time_engine_fits_the_compute_capabilities_it_lists(tmp_path: Path) -> None:
    listed = replace(KEY, engine="tensorrt-rtx", device="sm86+sm120")
    store_engine(tmp_path, listed, b"engine", {})
    fits = [sm for sm in (8, 12, 80, 86, 120) if find_engine(tmp_path, replace(listed, device=f"sm{sm}"), sm)]
    assert fits == [86, 120]


def test_options_count_only_where_they_are_asked_for_and_the_newest_engine_wins(tmp_path: Path) -> None:
    for age, level in ((0, "5"), (10, "1"), (20, "3")):
        path = store_engine(tmp_path, replace(KEY, options={"level": level}), level.encode(), {})
        written = path.stat().st_mtime - age
        os.utime(path.with_suffix(".json"), (written, written))
    assert find_engine(tmp_path, replace(KEY, options={}), 87) == b"5"
    assert find_engine(tmp_path, replace(KEY, options={"level": "1"}), 87) == b"1"


def test_release_drops_the_build_number() -> None:
    assert [release(version) for version in ("10.3.0.30", "10.3.0", "1.7.1.116")] == [
        "10.3.0",
        "10.3.0",
        "1.7.1",
    ]
