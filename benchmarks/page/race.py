"""The section of docs/benchmarks.md on the race against other runtimes."""

from __future__ import annotations

from tables import Json, machine, ratio, section, size, table

OPENVINO = ("openvino-graph", "openvino-fp32")
# network, size (None: every one), rivals (the fastest counts), how many times our time it should take
TARGETS: tuple[tuple[str, list[int] | None, tuple[str, ...], float], ...] = (
    ("resnet18", [512, 1024], ("torch",), 8.0),
    ("resnet18", [512, 1024], ("onnxruntime",), 4.0),
    ("efficientnet_lite0", [512, 1024], ("torch",), 12.0),
    ("efficientnet_lite0", [512, 1024], ("litert",), 1.25),
    ("resnet18", None, OPENVINO, 1.0),
    ("efficientnet_lite0", None, OPENVINO, 1.0),
)


def race(result: Json, limit: Json | None = None, speed: Json | None = None) -> str:
    """Return the section.

    limit: what roofline.py found, to tell which targets the machine rules out. speed: what speed.py found,
    for torch at sizes that the race was not run at.
    """
    rows = result["rows"]
    names = list(dict.fromkeys(one["name"] for row in rows for one in row["rivals"]))
    ours = ["**ours: INT8, fused tail, C++**", *(f"**{row['ours_ms']['p50']:.1f} ms**" for row in rows)]
    cells = [[name, *(_cell(row, name) for row in rows)] for name in names]
    settings = {one["name"]: f"{one['settings']} ({one['version']})" for row in rows for one in row["rivals"]}
    absent = sorted({f"- {name}: {why}" for row in rows for name, why in row["absent"].items()})
    return section(
        "The race",
        machine(result),
        "The same trained networks, each peer set up as its own documentation says is fastest, in a process "
        "of its own, with frames already in memory. How many times our time each takes (median round, lowest "
        "to highest): below 1 it is faster than we are. In brackets the share of pixels on which its masks "
        "equal ours.",
        table(["", *(f"{row['net']} {size(row)}" for row in rows)], [ours, *cells]),
        result.get("note", ""),
        _targets(rows, speed),
        _parts_of_the_gain(speed) if speed else "",
        _out_of_reach(rows, limit, str(result["device"]["cores"])) if limit else "",
        "How each is set up:\n\n" + "\n".join(f"- {name}: {words}" for name, words in settings.items()),
        "Left out:\n\n" + "\n".join(absent) if absent else "",
    )


def _cell(row: Json, name: str) -> str:
    found = next((one for one in row["rivals"] if one["name"] == name), None)
    if found is None:
        return "–"
    same = f"{found['same_pixels_as_ours']:.1%}" + ("" if found["agrees"] else ", not the same network")
    return f"{ratio(found['times_ours'])} ({same})"


def _targets(rows: list[Json], speed: Json | None) -> str:
    """Return what was aimed at, and what came of it; a size that was not run is said to be so."""
    timed = {
        (row["net"], *row["size"]): row["times_ours"]["torch"] for row in (speed or {"rows": []})["rows"]
    }
    cells = []
    for net, wanted, names, least in TARGETS:
        aimed = [row for row in rows if row["net"] == net and wanted in (None, row["size"])]
        cells += [[net, size(row), *_reached(row, names, least)] for row in aimed]
        if not aimed:
            where = size({"size": wanted}) if wanted else "any"
            found = timed.get((net, *wanted)) if wanted and names == ("torch",) else None
            told = f"x{found['median']:.2f} (first table)" if found else "not measured"
            reached = ("yes" if found["median"] >= least else "**no**") if found else "?"
            cells.append([net, where, " or ".join(names), f"x{least:g}", told, reached])
    heads = ["network", "size", "against", "aimed at", "found", "reached"]
    return "What was aimed at:\n\n" + table(heads, cells, 3)


def _reached(row: Json, names: tuple[str, ...], least: float) -> list[str]:
    rivals = [one for one in row["rivals"] if one["name"] in names and one["agrees"]]
    if not rivals:
        return [" or ".join(names), f"x{least:g}", "not measured", "?"]
    best = min(rivals, key=lambda one: one["times_ours"]["median"])
    found = best["times_ours"]["median"]
    return [best["name"], f"x{least:g}", f"x{found:.2f}", "yes" if found >= least else "**no**"]


def _out_of_reach(rows: list[Json], limit: Json, cores: str) -> str:
    """Return for every target against fp32 torch what share of the machine's INT8 peak it would take."""
    machine_limit = limit["machine"].get(cores)
    work = {(row["net"], *row["size"]): row["gmac"] for row in limit["rows"]}
    words = []
    for net, wanted, names, least in TARGETS if machine_limit else ():
        row = next((row for row in rows if row["net"] == net and row["size"] == wanted), None)
        rival = (
            next((one for one in row["rivals"] if names == ("torch",) == (one["name"],)), None)
            if row
            else None
        )
        if row and rival:
            rate = work[(net, *row["size"])] / (rival["latency_ms"]["p50"] / 1e3)
            share = rate / machine_limit["fp32_gmac_per_s"]
            needed = rate * least / machine_limit["int8_gmac_per_s"]
            words.append(
                f"torch eager runs {net} at {rate:.0f} GMAC/s, {share:.0%} of this machine's fp32 peak, and "
                f"{least:g} times that is {needed:.0%} of its INT8 peak"
            )
    if not words:
        return ""
    gain = machine_limit["int8_gmac_per_s"] / machine_limit["fp32_gmac_per_s"]
    return (
        f"{'; '.join(words)}. INT8 instructions do {gain:.1f} times the work of fp32 ones here, see "
        "[the limit](#the-limit)."
    )


def _parts_of_the_gain(speed: Json) -> str:
    """Return in words what the distance to torch is made of, at the largest size that speed.py measured."""
    largest = max(row["size"] for row in speed["rows"])
    words = []
    for row in (row for row in speed["rows"] if row["size"] == largest):
        torch, plain = (row["times_ours"][key]["median"] for key in ("torch", "fp32"))
        words.append(
            f"{row['net']} takes x{torch / plain:.2f} in torch eager of its time in fp32 with our engine and "
            f"tail, and that x{plain:.2f} of INT8"
        )
    where = size({"size": largest})
    return (
        f"Why no more over torch, at {where}: {'; '.join(words)}. Without VNNI, 32 products of INT8 take "
        "three instructions, two of which compete for the multipliers, and 8 of fp32 take one: a factor of "
        "about two at most. With VNNI 32 products take one instruction; no such machine was at hand."
    )
