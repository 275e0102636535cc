"""Energy as the platform counts it, from made-up counters and from lines that tegrastats printed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fcn_edge.bench.energy import count_energy, module_watts

# Forms of the power rails in NVIDIA's tegrastats documentation (Jetson Linux Developer Guide).
ORIN_NX = (
    "11-22-2026 20:14:05 RAM 2722/7620MB (lfb 4x2MB) SWAP 0/3810MB (cached 0MB) CPU [4%@729,0%@729,1%@729,"
    "off,off,off] EMC_FREQ 0%@2133 GR3D_FREQ 0%@[305] NVDEC off cpu@46.3C soc2@45.6C gpu@45.4C tj@46.3C "
    "VDD_IN 4940mW/4803mW VDD_CPU_GPU_CV 528mW/512mW VDD_SOC 1452mW/1440mW"
)
NANO = (
    "RAM 1102/3964MB (lfb 321x4MB) IRAM 0/252kB(lfb 252kB) CPU [12%@1428,6%@1428,5%@1428,4%@1428] "
    "EMC_FREQ 0% GR3D_FREQ 0% PLL@24C CPU@27C PMIC@100C GPU@25C AO@33C thermal@26C "
    "POM_5V_IN 2500/2480 POM_5V_GPU 40/40 POM_5V_CPU 486/470"
)
AGX_ORIN = (
    "RAM 6334/30536MB (lfb 5460x4MB) CPU [2%@1190,1%@1190] GR3D_FREQ 0% CPU@49.6C Tboard@37C "
    "VDD_GPU_SOC 2391mW/2391mW VDD_CPU_CV 398mW/398mW VIN_SYS_5V0 2922mW/2922mW NC 0mW/0mW"
)


@pytest.mark.parametrize(("line", "watts"), [(ORIN_NX, 4.940), (NANO, 2.500), (AGX_ORIN, 5.711)])
def test_a_line_of_tegrastats_gives_the_power_of_the_module(line: str, watts: float) -> None:
    assert module_watts(line) == pytest.approx(watts)


def test_a_line_without_a_power_rail_gives_nothing() -> None:
    assert module_watts("RAM 2722/7620MB SWAP 0/3810MB CPU [4%@729] cpu@46.3C") is None


def test_tegrastats_is_asked_where_there_is_no_rapl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "tegrastats"
    program.write_text(f"#!/bin/sh\necho '{NANO}'\necho '{NANO}'\n: > {tmp_path}/wrote\nexec sleep 30\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    start = time.monotonic()
    with count_energy(tmp_path / "no-powercap") as found:
        while not (tmp_path / "wrote").exists():
            time.sleep(0.01)
    assert found.source == "tegrastats"
    assert found.joules is not None
    assert 0 < found.joules <= 2.5 * (time.monotonic() - start)  # 2.5 W for as long as it ran


def package(powercap: Path, name: str, microjoules: int, wrap: int = 1_000_000) -> None:
    folder = powercap / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text(f"{wrap - 1}\n")


def test_rapl_adds_up_packages_and_leaves_out_their_parts(tmp_path: Path) -> None:
    package(tmp_path, "intel-rapl:0", 100)
    package(tmp_path, "intel-rapl:1", 200)
    package(tmp_path, "intel-rapl:0:0", 50)
    with count_energy(tmp_path) as found:
        package(tmp_path, "intel-rapl:0", 300_100)
        package(tmp_path, "intel-rapl:1", 400_200)
        package(tmp_path, "intel-rapl:0:0", 999)
    assert (found.joules, found.source) == (pytest.approx(0.7), "RAPL")


def test_a_rapl_counter_that_wraps_is_read_across_its_end(tmp_path: Path) -> None:
    package(tmp_path, "intel-rapl:0", 900_000)
    with count_energy(tmp_path) as found:
        package(tmp_path, "intel-rapl:0", 100_000)
    assert found.joules == pytest.approx(0.2)


def test_without_a_counter_nothing_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with count_energy(tmp_path) as found:
        pass
    assert found.joules is None
