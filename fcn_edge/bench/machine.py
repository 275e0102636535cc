"""What the platform tells about itself, and what disturbed it while a measurement ran."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from fcn_edge.ground.errors import MisuseError
from fcn_edge.ground.machine import INT8_DOT_PRODUCT, cpu_flags, cpu_model, int8_path, usable_cores

_TELLING_FLAGS = {"sse4_2", "avx", "avx2", "fma", "avx512f", "asimd"} | INT8_DOT_PRODUCT


def device_facts() -> dict[str, Any]:
    """Return what places a latency: processor, instruction sets, cores, clock policy, versions."""
    return {
        "cpu": cpu_model(),
        "arch": platform.machine(),
        "flags": sorted(cpu_flags() & _TELLING_FLAGS),
        "int8": int8_path(cpu_flags()),
        "cores": usable_cores(),
        "cpu_quota": _cpu_quota(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "memory_gb": _memory_gb(),
        "virtual": "hypervisor" in cpu_flags(),
        "os": _os_name(),
        "kernel": platform.release(),
        "versions": {"python": platform.python_version(), **_versions()},
    }


@contextmanager
def pinned(cpus: Sequence[int]) -> Iterator[None]:
    """Run the body, and every process it starts, on the processors `cpus` only; on all of them if empty.

    MisuseError for a processor that this process may not use.
    """
    if not cpus:
        yield
        return
    if not hasattr(os, "sched_setaffinity"):
        raise MisuseError("--cpus needs Linux", hint="leave it out")
    allowed = os.sched_getaffinity(0)
    for cpu in cpus:
        if cpu not in allowed:
            raise MisuseError(f"--cpus names processor {cpu}", hint=f"valid: {_listed(allowed)}")
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _listed(cpus: set[int]) -> str:
    return ", ".join(map(str, sorted(cpus)))


@dataclass
class Disturbance:
    """What else happened on the machine between the start and the end of a measurement."""

    seconds: float = 0.0
    load_before: float | None = None  # 1-minute load average before the first round
    steal: float | None = None  # share of the time the hypervisor gave to others, 0..1
    busy_others: float | None = None  # share of all cores' time used before we started, over a short look
    temperature_c: tuple[float, float] | None = None  # hottest sensor before and after
    throttled: int | None = None  # throttling events counted by the CPU while we ran

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain JSON."""
        return {**self.__dict__, "temperature_c": list(self.temperature_c) if self.temperature_c else None}


@contextmanager
def watch_machine() -> Iterator[Disturbance]:
    """Fill a Disturbance while the body runs; what the platform does not tell stays None."""
    seen = Disturbance(load_before=_load(), busy_others=_busy_share(0.3))
    before = _Counters.read()
    yield seen
    after = _Counters.read()
    seen.seconds = after.clock - before.clock
    if before.ticks and after.ticks:
        total = sum(after.ticks) - sum(before.ticks)
        seen.steal = (after.ticks[7] - before.ticks[7]) / total if total else 0.0
    if before.temperature is not None and after.temperature is not None:
        seen.temperature_c = (before.temperature, after.temperature)
    if before.throttled is not None and after.throttled is not None:
        seen.throttled = after.throttled - before.throttled


@dataclass(frozen=True)
class _Counters:
    clock: float
    ticks: list[int] = field(default_factory=list)  # first line of /proc/stat; index 3 idle, 7 steal
    temperature: float | None = None
    throttled: int | None = None

    @staticmethod
    def read() -> _Counters:
        return _Counters(time.monotonic(), _ticks(), _temperature(), _throttle_count())


def _ticks() -> list[int]:
    line = (_read("/proc/stat") or "").partition("\n")[0].split()
    return [int(value) for value in line[1:9]] if len(line) >= 9 else []


def _busy_share(seconds: float) -> float | None:
    """Return the share of all cores' time that is in use while this process sleeps."""
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    if not before or not after or sum(after) == sum(before):
        return None
    return 1.0 - (after[3] + after[4] - before[3] - before[4]) / (sum(after) - sum(before))


def _load() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def _temperature() -> float | None:
    found = [_read(path) for path in Path("/sys/class/thermal").glob("thermal_zone*/temp")]
    degrees = [int(text) / 1000.0 for text in found if text and text.lstrip("-").isdigit()]
    return max(degrees) if degrees else None


def _throttle_count() -> int | None:
    paths = Path("/sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
    counts = [int(text) for path in paths if (text := _read(path)) and text.isdigit()]
    return sum(counts) if counts else None


def _cpu_quota() -> float | None:
    """Return how many cores' worth of time the container may use, or None when there is no limit."""
    parts = (_read("/sys/fs/cgroup/cpu.max") or "").split()
    return round(int(parts[0]) / int(parts[1]), 2) if len(parts) == 2 and parts[0].isdigit() else None


def _memory_gb() -> float | None:
    for line in (_read("/proc/meminfo") or "").splitlines():
        if line.startswith("MemTotal:"):
            return round(int(line.split()[1]) / (1 << 20), 1)
    return None


def _os_name() -> str:
    for line in (_read("/etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip().strip('"')
    return platform.system()


def _versions() -> dict[str, str]:
    found = {}
    for package in ("fcn-edge", "openvino", "torch", "onnxruntime", "opencv-python-headless", "numpy"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _read(path: str | Path) -> str | None:
    try:
        return Path(path).read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None
