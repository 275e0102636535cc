"""Energy that the platform itself counts: RAPL on x86, the power rails of a Jetson through tegrastats.

Where neither is there (most virtual machines), nothing is measured and nothing is estimated.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
# What feeds the whole module: Orin NX and Nano, Xavier NX; Nano; AGX Orin and AGX Xavier (parts that add up).
_WHOLE = (
    ("VDD_IN",),
    ("POM_5V_IN",),
    ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),
    ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"),
)
_RAIL = re.compile(r"\b([A-Z][A-Z0-9_]*) (\d+)(?:mW)?/(\d+)(?:mW)?(?= |$)")


@dataclass
class Energy:
    """Joules between the start and the end of a measurement, and who counted them."""

    joules: float | None = None
    source: str = ""


@contextmanager
def count_energy(powercap: Path = POWERCAP) -> Iterator[Energy]:
    """Fill an Energy while the body runs; without a counter its joules stay None."""
    found = Energy()
    before = _rapl(powercap)
    if before:
        yield found
        found.joules, found.source = _rapl_joules(before, _rapl(powercap)), "RAPL"
    elif shutil.which("tegrastats"):
        with _tegrastats(found):
            yield found
    else:
        yield found


def _rapl(powercap: Path) -> dict[str, tuple[int, int]]:
    """Return (microjoules, where the counter wraps) of every processor package that may be read."""
    found = {}
    for folder in sorted(powercap.glob("intel-rapl:[0-9]*")):
        if folder.name.count(":") == 1:  # intel-rapl:0:1 is a part of intel-rapl:0
            try:
                values = [int((folder / name).read_text()) for name in ("energy_uj", "max_energy_range_uj")]
            except (OSError, ValueError):
                continue
            found[folder.name] = (values[0], values[1])
    return found


def _rapl_joules(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> float | None:
    if before.keys() != after.keys():
        return None
    steps = [(after[name][0] - start) % (wrap + 1) for name, (start, wrap) in before.items()]
    return sum(steps) / 1e6


@contextmanager
def _tegrastats(found: Energy, interval_ms: int = 100) -> Iterator[None]:
    with tempfile.TemporaryFile("w+") as log:
        command = ["tegrastats", "--interval", str(interval_ms)]
        meter = subprocess.Popen(command, stdout=log, stderr=subprocess.DEVNULL)
        start = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - start
            meter.terminate()
            meter.wait()
        log.seek(0)
        watts = [value for line in log if (value := module_watts(line)) is not None]
    if watts:
        found.joules, found.source = seconds * sum(watts) / len(watts), "tegrastats"


def module_watts(line: str) -> float | None:
    """Return the power of the whole module in one line of tegrastats, in watts; None where it names no rail.

    A rail reads `VDD_IN 4940mW/4803mW` (now/average) since JetPack 4.6, `POM_5V_IN 2500/2480` before.
    """
    rails = {name: int(now) for name, now, _ in _RAIL.findall(line)}
    for names in _WHOLE:
        present = [rails[name] for name in names if name in rails]
        if present:
            return sum(present) / 1000.0
    return None
