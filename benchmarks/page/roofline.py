"""The section of docs/benchmarks.md on the limit of the machine."""

from __future__ import annotations

from plots import Curve, draw
from tables import Json, machine, section, size, table


def roofline(result: Json) -> str:
    """Return the section, and draw its picture."""
    return section(
        "The limit",
        machine(result),
        _machine_table(result["machine"]),
        _gain_words(result),
        _nets(result),
        _picture(result),
        _kinds(result),
        _closing(result),
    )


def _machine_table(rates: Json) -> str:
    heads = ["threads", "fp32, GMAC/s", "INT8, GMAC/s", "read, GB/s", "read from cache, GB/s", "copy, GB/s"]
    rows = [[threads, *(f"{value:.0f}" for value in row.values())] for threads, row in rates.items()]
    return "What the machine can do (benchmarks/speed/peak.cpp: registers only, no network):\n\n" + table(
        heads, rows, 0
    )


def _gain_words(result: Json) -> str:
    top = result["machine"][max(result["machine"], key=int)]
    gain = top["int8_gmac_per_s"] / top["fp32_gmac_per_s"]
    without = "without VNNI" in result["device"]["int8"]
    why = (
        "Without VNNI an INT8 multiply-accumulate of 32 numbers takes three instructions "
        "(vpmaddubsw, vpmaddwd, vpaddd), of which two compete for the same units; with VNNI it is one. "
        if without
        else ""
    )
    return f"{why}INT8 can be at most {gain:.1f} times as fast as fp32 here, whatever the engine."


def _nets(result: Json) -> str:
    heads = [
        "network",
        "size",
        "GMAC",
        "INT8, ms",
        "GMAC/s",
        "of the peak",
        "fp32, ms",
        "GMAC/s",
        "of the peak",
    ]
    rows = []
    for row in result["rows"]:
        cells = [row["net"], size(row), f"{row['gmac']:.2f}"]
        for kind in ("int8", "fp32"):
            one = row[kind]
            cells += [f"{one['ms']:.1f}", f"{one['gmac_per_s']:.0f}", f"{one['share_of_peak']:.0%}"]
        rows.append(cells)
    return "The network alone, in OpenVINO, all cores, median of 30 runs:\n\n" + table(heads, rows, 2)


def _picture(result: Json) -> str:
    top = result["machine"][max(result["machine"], key=int)]
    largest = result["rows"][-1]["size"]
    curves = [
        Curve(f"{row['net']}, INT8", _dots(row["int8"]["kinds"]), dots=True)
        for row in result["rows"]
        if row["size"] == largest
    ]
    peak = top["int8_gmac_per_s"]
    roofs = [(peak, top["read_cached_gb_per_s"]), (peak, top["read_gb_per_s"])]
    picture = draw("roofline", "Rate against work per byte", curves, "MAC per byte moved", "GMAC/s", roofs)
    return (
        f"{picture}\n\nEvery dot is one kind of layer of a network at {size(result['rows'][-1])}; the "
        "dashed roofs are the INT8 peak with data from the cache (upper) and from memory (lower)."
    )


def _dots(kinds: list[Json]) -> list[tuple[float, float]]:
    return [(one["macs_per_byte"], one["gmac_per_s"]) for one in kinds if one["gmac_per_s"]]


def _kinds(result: Json) -> str:
    heads = [
        *("network", "size", "kind of layer", "layers", "of the time", "of the work"),
        *("GMAC/s", "of the peak", "MAC per byte", "GB/s"),
    ]
    rows = []
    for row in result["rows"]:
        for one in row["int8"]["kinds"]:
            if one["share_of_time"] >= 0.01:
                rows.append([
                    row["net"], size(row), one["kind"], str(one["layers"]), f"{one['share_of_time']:.0%}",
                    f"{one['share_of_work']:.0%}", f"{one['gmac_per_s']:.0f}", f"{one['share_of_peak']:.0%}",
                    f"{one['macs_per_byte']:.0f}", f"{one['gb_per_s']:.1f}",
                ])  # fmt: skip
    slowest = []
    for row in result["rows"]:
        names = ", ".join(
            f"{one['name']} ({one['kind']}, {one['ms']:.1f} ms, {one['gmac_per_s']:.0f} GMAC/s)"
            for one in row["int8"]["slowest"][:4]
        )
        slowest.append(f"- {row['net']} {size(row)}: {names}")
    return (
        "Where the time of the INT8 networks goes, by OpenVINO's own clock:\n\n"
        + table(heads, rows, 3)
        + "\n\nThe slowest layers (all of the eight slowest are in benchmarks/results/roofline.json):\n\n"
        + "\n".join(slowest)
    )


def _closing(result: Json) -> str:
    lines = []
    for row in result["rows"]:
        slower = row["int8_slower_than_fp32"]
        share = slower["at_most_saved_ms"] / row["int8"]["ms"]
        count, most = len(slower["layers"]), slower["at_most_saved_ms"]
        lines.append(
            f"- {row['net']} {size(row)}: convolutions slower in INT8 than in fp32: {count}; fp32 for "
            f"just them would save {most:.1f} ms ({share:.0%}) at most."
        )
    tried = []
    for row in result["rows"]:
        told = ", ".join(f"{name} x{found:.2f}" for name, found in row["tried"].items())
        tried.append(f"- {row['net']} {size(row)}: {told}")
    return (
        "What is left to win:\n\n"
        + "\n".join(lines)
        + "\n\nWhat was tried, in times of what the runtime takes "
        "(below 1 would be a gain):\n\n" + "\n".join(tried)
    )
