"""Make docs/benchmarks.md from the committed results.

python benchmarks/page/page.py            # write it
python benchmarks/page/page.py --check    # exit 1 when it is not up to date
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from growth import growth
from race import race
from roofline import roofline
from stream import stream
from tables import Json, machine, ratio, section, size, table

from fcn_edge.ground.artifacts import atomic_write_text, read_json

RESULTS = Path("benchmarks/results")
PAGE = Path("docs/benchmarks.md")
CONTESTANTS = {
    "in_graph": "INT8, upsampling and argmax in the graph",
    "fp32": "fp32, fused tail",
    "torch": "torch eager, fp32",
}


def main() -> None:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    page = render()
    if not check:
        atomic_write_text(PAGE, page)
    elif PAGE.read_text(encoding="utf-8") != page:
        sys.exit(f"{PAGE} is not made from {RESULTS}: run python benchmarks/page/page.py")


def render() -> str:
    """Return the page as Markdown."""
    found = {name: read_json(path) for name in SECTIONS if (path := RESULTS / f"{name}.json").is_file()}
    limit = found.get("roofline")
    parts = [INTRO]
    for name, result in found.items():
        parts.append(race(result, limit, found.get("speed")) if name == "race" else SECTIONS[name](result))
    missing = [f"`python benchmarks/{SCRIPTS[name]}`" for name in SECTIONS if name not in found]
    if missing:
        parts.append(f"No results of these are committed: {', '.join(missing)}.")
    return "\n\n".join(part.strip() for part in parts) + "\n"


INTRO = """
# Benchmarks

Made by `python benchmarks/page/page.py` from the results in benchmarks/results; do not edit by hand.
Commands are those typed at the commit beside them; [today's](../benchmarks/README.md) may have other paths.

Every ratio comes from one interleaved run (A B A B ...): each round gives the ratio of two medians taken
seconds apart, and the table gives the median round with the lowest and highest. Compare within a table only.
Every contestant turns a uint8 BGR frame into a uint8 mask, batch 1. The networks were trained for minutes
on rendered streets: speed does not depend on how good a network is, but the cost of the fused tail depends on
masks having areas, which those of random weights do not.
"""


def speed(result: Json) -> str:
    """Return the sections on our own runtime."""
    rows = [
        [
            row["net"],
            size(row),
            f"**{row['p50_ms']['ours']:.1f} ms**",
            *(f"{row['p50_ms'][key]:.1f} ({ratio(row['times_ours'][key])})" for key in CONTESTANTS),
            f"{row['agreement_with_torch']:.2%}",
        ]
        for row in result["rows"]
    ]
    heads = ["network", "size", "ours: INT8, fused tail", *CONTESTANTS.values(), "same pixels as torch"]
    latency = section(
        "The runtime against torch eager, and the fused tail against the graph's own",
        machine(result),
        "Milliseconds from frame to mask (p50), and how many times ours the others take.",
        table(heads, rows, 2),
    )
    return f"{latency}\n\n{_streams(result)}"


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
    rows = [
        [row["net"], size(row), *(f"{row['stream'][key]:.0f}" for key in heads)] for row in result["rows"]
    ]
    return section(
        "The stream as a whole",
        "Frames/s of fcn-edge-stream in INT8: from images of the network's size, then from a 1280x720 clip "
        "that is decoded and resized, and in the last column of frames/s drawn over and encoded again. First "
        "mask: from the start of the process, with an empty and with a filled engine cache. Memory: the "
        "largest resident size.",
        table(["network", "size", *heads.values()], rows, 2),
    )


SECTIONS = {
    "speed": speed,
    "stream_speed": stream,
    "race": race,
    "growth": growth,
    "roofline": roofline,
}
SCRIPTS = {name: "race.py" if name == "race" else f"speed/{name}.py" for name in SECTIONS}


if __name__ == "__main__":
    main()
