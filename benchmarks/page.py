"""Make docs/benchmarks.md from the committed results.

python benchmarks/page.py            # write it
python benchmarks/page.py --check    # exit 1 when it is not up to date
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fcn_edge.artifacts import atomic_write_text, read_json

RESULTS = Path("benchmarks/results")
PAGE = Path("docs/benchmarks.md")
CONTESTANTS = {
    "in_graph": "INT8, upsampling and argmax in the graph",
    "fp32": "fp32, fused tail",
    "torch": "torch eager, fp32",
}
Json = dict[str, Any]


def main() -> None:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    page = render()
    if not check:
        atomic_write_text(PAGE, page)
    elif PAGE.read_text(encoding="utf-8") != page:
        sys.exit(f"{PAGE} is not made from {RESULTS}: run python benchmarks/page.py")


def render() -> str:
    """Return the page as Markdown."""
    parts, missing = [INTRO], []
    for name, make in (("speed", speed), ("race", race)):
        path = RESULTS / f"{name}.json"
        if path.is_file():
            parts.append(make(read_json(path)))
        else:
            missing.append(f"`python benchmarks/{name}.py`")
    if missing:
        parts.append(f"No results of these are committed: {', '.join(missing)}.")
    return "\n\n".join(part.strip() for part in parts) + "\n"


INTRO = """
# Benchmarks

Made by `python benchmarks/page.py` from the results in benchmarks/results; do not edit by hand.

Every ratio comes from one interleaved run (A B A B ...): each round gives the ratio of two medians taken
seconds apart, and the table gives the median round with the lowest and highest. Compare within a table only.
Every contestant turns a uint8 BGR frame into a uint8 mask, batch 1. The networks were trained for minutes
on rendered streets: speed does not depend on how good a network is, but the cost of the fused tail depends on
masks having areas, which those of random weights do not.
"""


def speed(result: Json) -> str:
    """Return the section on our own runtime."""
    lines = [
        "## The runtime against torch eager, and the fused tail against the graph's own",
        _machine(result),
        "Milliseconds from frame to mask (p50), and how many times ours the others take.",
        _row(["network", "size", "ours: INT8, fused tail", *CONTESTANTS.values(), "same pixels as torch"]),
        _row(["---", "---", "---:", *["---:"] * len(CONTESTANTS), "---:"]),
    ]
    for row in result["rows"]:
        others = [f"{row['p50_ms'][key]:.1f} ({_ratio(row['times_ours'][key])})" for key in CONTESTANTS]
        own = f"**{row['p50_ms']['ours']:.1f} ms**"
        lines.append(_row([row["net"], _size(row), own, *others, f"{row['agreement_with_torch']:.2%}"]))
    return _joined(lines) + "\n\n" + _streams(result)


def _streams(result: Json) -> str:
    heads = {
        "engine_alone_fps": "network alone, fps",
        "one_at_a_time_fps": "one frame at a time",
        "in_flight_fps": "frames in flight",
        "clip_720p_fps": "720p clip, masks only",
        "clip_720p_overlay_mp4_fps": "720p clip to overlay clip",
        "start_cold_ms": "first mask, cold, ms",
        "start_warm_ms": "warm cache, ms",
        "rss_mb": "memory, MB",
        "rss_clip_overlay_mb": "with clip in and out, MB",
    }
    lines = [
        "## The stream as a whole",
        "Frames/s of fcn-edge-stream in INT8: from images of the network's size, then from a 1280x720 clip "
        "that is decoded and resized, and in the last column of frames/s drawn over and encoded again. First "
        "mask: from the start of the process, with an empty and with a filled engine cache. Memory: the "
        "largest resident size.",
        _row(["network", "size", *heads.values()]),
        _row(["---", "---", *["---:"] * len(heads)]),
    ]
    for row in result["rows"]:
        lines.append(_row([row["net"], _size(row), *(f"{row['stream'][key]:.0f}" for key in heads)]))
    return _joined(lines)


def race(result: Json) -> str:
    """Return the section on the peers."""
    names = list(dict.fromkeys(one["name"] for row in result["rows"] for one in row["rivals"]))
    lines = [
        "## The race",
        _machine(result),
        "The same trained networks, each peer set up as its own documentation says is fastest. How many "
        "times our time each takes (median round, lowest to highest): below 1 it is faster than we are. In "
        "brackets the share of pixels on which its masks equal ours.",
        _row(["", *(f"{row['net']} {_size(row)}" for row in result["rows"])]),
        _row(["---", *["---:"] * len(result["rows"])]),
        _row(
            [
                "**ours: INT8, fused tail, C++**",
                *(f"**{row['ours_ms']['p50']:.1f} ms**" for row in result["rows"]),
            ]
        ),
    ]
    lines += [_row([name, *(_rival(row, name) for row in result["rows"])]) for name in names]
    settings = {one["name"]: one["settings"] for row in result["rows"] for one in row["rivals"]}
    lines += ["How each is set up:", "\n".join(f"- {name}: {words}" for name, words in settings.items())]
    absent = sorted({f"- {name}: {why}" for row in result["rows"] for name, why in row["absent"].items()})
    lines += ["Left out:", "\n".join(absent)] if absent else []
    return _joined(lines)


def _rival(row: Json, name: str) -> str:
    found = next((one for one in row["rivals"] if one["name"] == name), None)
    return f"{_ratio(found['times_ours'])} ({found['same_pixels_as_ours']:.1%})" if found else "–"


def _machine(result: Json) -> str:
    device, during = result["device"], result["device"]["during_the_run"]
    versions = ", ".join(f"{name} {version}" for name, version in device["versions"].items())
    steal = f"{during['steal']:.2%}" if during.get("steal") is not None else "unknown"
    return (
        f"{device['cores']} cores of {device['cpu']} ({device['int8']}), {device['memory_gb']} GB, "
        f"{device['os']}; {versions}; commit {result['commit']}; stolen time {steal}. "
        f"Command: `{result['provenance']['command']}`."
    )


def _ratio(ratio: Json) -> str:
    return f"x{ratio['median']:.2f}, {ratio['min']:.2f} to {ratio['max']:.2f}"


def _size(row: Json) -> str:
    return f"{row['size'][0]}x{row['size'][1]}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _joined(lines: list[str]) -> str:
    """Join table rows by single line breaks and everything else by empty lines."""
    text = ""
    for line in lines:
        tight = text.endswith("|") and line.startswith("|")
        text += ("\n" if tight else "\n\n") + line if text else line
    return text


if __name__ == "__main__":
    main()
