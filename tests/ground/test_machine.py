"""Facts of the machine are read right from real /proc/cpuinfo texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcn_edge.ground.machine import cpu_flags, cpu_model, int8_path

ICE_LAKE = (
    "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Platinum 8375C\nflags\t\t: fpu avx2 avx512f avx512_vnni\n"
)
MILAN = "processor\t: 0\nmodel name\t: AMD EPYC 7B13\nflags\t\t: fpu sse2 avx2 fma\n"
ORIN = "processor\t: 0\nFeatures\t: fp asimd asimdhp asimddp\nCPU implementer\t: 0x41\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [(ICE_LAKE, "INT8 by AVX-512 VNNI"), (MILAN, "INT8 by AVX2 without VNNI"), (ORIN, "INT8 by dot product")],
)
def test_int8_path_is_read_from_cpuinfo(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert int8_path(cpu_flags(tmp_path / "cpuinfo")) == words


def test_missing_cpuinfo_is_no_error(tmp_path: Path) -> None:
    assert cpu_flags(tmp_path / "absent") == set()
    assert cpu_model(tmp_path / "absent")
    assert int8_path(set()) == "no known INT8 instructions"
