from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fcn_edge.backends.nvidia_key import EngineKey, find_engine, find_engine_for, release, store_engine

KEY = EngineKey("a" * 64, "tensorrt", "10.3.0", "Orin, sm87", {"level": "3", "workspace_mb": "all"})


def test_digest_is_the_one_the_cpp_runtime_computes() -> None:
    assert KEY.digest == "1b93e061f14b8f1f"  # cpp_runtime/tests/tensorrt_test.cpp has the same


def test_a_stored_engine_is_found_by_its_key(tmp_path: Path) -> None:
    store_engine(tmp_path, KEY, b"engine", {})
    assert find_engine(tmp_path, KEY) == b"engine"


@pytest.mark.parametrize(
    "change", [{"model_sha256": "b" * 64}, {"version": "10.3.1"}, {"device": "Thor, sm110"}, {"options": {}}]
)
def test_an_engine_of_another_key_is_not_found(tmp_path: Path, change: dict) -> None:
    store_engine(tmp_path, KEY, b"engine", {})
    assert find_engine(tmp_path, replace(KEY, **change)) is None


def test_a_damaged_engine_is_not_found(tmp_path: Path) -> None:
    path = store_engine(tmp_path, KEY, b"engine", {})
    path.write_bytes(b"engin3")
    assert find_engine(tmp_path, KEY) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"key": 3, "sha256": ""}'])
def test_an_engine_whose_side_file_is_broken_is_not_found(tmp_path: Path, text: str) -> None:
    path = store_engine(tmp_path, KEY, b"engine", {})
    path.with_suffix(".json").write_text(text)
    assert find_engine(tmp_path, KEY) is None


def test_an_engine_renamed_to_another_key_is_not_found(tmp_path: Path) -> None:
    path = store_engine(tmp_path, KEY, b"engine", {})
    other = replace(KEY, version="11.0.0")
    for suffix in (".engine", ".json"):
        path.with_suffix(suffix).rename(path.with_name(other.digest + suffix))
    assert find_engine(tmp_path, other) is None


def test_an_ahead_of_time_engine_fits_the_compute_capabilities_it_lists(tmp_path: Path) -> None:
    store_engine(tmp_path, replace(KEY, engine="tensorrt-rtx", device="sm86+sm120"), b"engine", {})
    fits = [
        sm for sm in (8, 12, 80, 86, 120) if find_engine_for(tmp_path, "tensorrt-rtx", "a" * 64, "10.3.0", sm)
    ]
    assert fits == [86, 120]


def test_release_drops_the_build_number() -> None:
    assert [release(version) for version in ("10.3.0.30", "10.3.0", "1.7.1.116")] == [
        "10.3.0",
        "10.3.0",
        "1.7.1",
    ]
