"""The section of docs/benchmarks.md on a stream from end to end."""

from __future__ import annotations

from tables import Json, machine, section, size, table

CONTESTANTS = {
    "clip": "720p H.264 clip to masks",
    "in_graph": "the same, upsampling and argmax in the graph",
    "overlay": "clip to overlay clip in H.264",
    "opencv": "plain OpenCV loop, cv2.dnn in fp32",
}


def stream(result: Json) -> str:
    """Return the section."""
    return section(
        "From a clip or a camera to masks",
        machine(result),
        _recorded(result),
        _live(result),
        _stages(result),
    )


def _recorded(result: Json) -> str:
    rows = []
    for row in result["rows"]:
        shares = [f"{row['fps'][key]:.1f} ({row['share_of_alone'][key]:.0%})" for key in CONTESTANTS]
        rows.append(
            [row["net"], size(row), f"{row['fps']['alone']:.1f}", *shares, f"{row['tail_share']:.1%}"]
        )
    heads = ["network", "size", "network and tail alone", *CONTESTANTS.values(), "tail's share of a frame"]
    left = " and ".join(f"{_left(row, result):.0%} ({row['net']})" for row in result["rows"])
    rounds = len(result["rows"][0]["rounds_fps"]["clip"])
    return (
        "Frames/s, and in brackets the share of what network and tail reach alone, on frames of the "
        f"network's size that need no decoding (median of {rounds} rounds, all in turns):\n\n"
        + table(heads, rows, 2)
        + "\n\nDecoding a frame of the clip takes "
        f"{result['stages']['decode_core_ms']:.1f} ms of one core, all threads together, and resizing it "
        f"{result['stages']['median_ms']['resize']:.1f} ms. Taken from a network that keeps every core busy, "
        f"that leaves {left}; a decoder in hardware would leave more."
    )


def _left(row: Json, result: Json) -> float:
    """Return the share of the network's speed left when decoding and resize take their core time from it."""
    network = 1e3 * result["device"]["cores"] / row["fps"]["alone"]
    return network / (network + result["stages"]["decode_core_ms"] + result["stages"]["median_ms"]["resize"])


def _live(result: Json) -> str:
    rows = [
        [
            f"`{row['source']}`",
            f"{row['frames_out']}",
            f"{row['dropped']}",
            *(f"{row['age_ms'][key]:.1f}" for key in ("p50", "p99", "max")),
            f"{row['age_ms']['p99'] / row['age_ms']['p50']:.2f}",
            *(f"{row['coded']['age_ms'][key]:.1f}" for key in ("p50", "p99")),
            f"{row['jitter_ms']['p50']:.2f}",
        ]
        for row in result["live"]
    ]
    heads = [
        "source", "frames", "dropped", "age p50, ms", "p99", "max", "p99 / p50",
        "by the code in the picture, p50", "p99", "jitter p50, ms",
    ]  # fmt: skip
    return (
        "Live, efficientnet_lite0 at 360x480. Age: from the picture in memory to its mask delivered; by the "
        "code in the picture: from the making of the picture, as read back from the picture itself.\n\n"
        + table(heads, rows)
    )


def _stages(result: Json) -> str:
    ms = result["stages"]["median_ms"]
    rows = [
        [name, f"{ms[name]:.2f}", f"{ms[name + '_opencv']:.2f}", f"{ms[name + '_opencv'] / ms[name]:.1f}"]
        for name in ("resize", "tail", "overlay")
    ]
    heads = ["stage", "ours, ms", "plain OpenCV calls, ms", "times"]
    return (
        f"Around the engine, one thread: resize from {result['stages']['camera']} to "
        f"{result['stages']['network']}, tail of {result['stages']['classes']} classes at "
        f"{result['stages']['network']}, overlay on {result['stages']['camera']}.\n\n" + table(heads, rows)
    )
