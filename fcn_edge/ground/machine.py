"""Facts of this machine that decide how fast an engine is: processor, INT8 instructions, usable cores."""

from __future__ import annotations

import os
import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")

# Multiply-accumulate of INT8 in one instruction. Without it, INT8 gains little over float32.
INT8_DOT_PRODUCT = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}


def cpu_flags(cpuinfo: Path = CPUINFO) -> set[str]:
    """Return the instruction-set flags ("flags" on x86, "Features" on Arm); empty if unknown."""
    if not cpuinfo.is_file():
        return set()
    for line in cpuinfo.read_text(errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return set(value.split())
    return set()


def cpu_model(cpuinfo: Path = CPUINFO) -> str:
    """Return the processor's name from /proc/cpuinfo, else the architecture."""
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.machine()


def int8_path(flags: set[str]) -> str:
    """Return in words which INT8 instructions a CPU with these flags offers."""
    for flag, words in (
        ("amx_int8", "INT8 by AMX"),
        ("avx512_vnni", "INT8 by AVX-512 VNNI"),
        ("avx_vnni", "INT8 by AVX-VNNI"),
        ("i8mm", "INT8 by i8mm"),
        ("asimddp", "INT8 by dot product"),
        ("avx2", "INT8 by AVX2 without VNNI"),
    ):
        if flag in flags:
            return words
    return "no known INT8 instructions"


def usable_cores() -> int:
    """Return how many processors this process may run on (affinity and containers counted)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
