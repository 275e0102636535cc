"""The section of docs/benchmarks.md on how cost grows."""

from __future__ import annotations

from plots import Curve, draw
from tables import Json, machine, section, size, table

KNEE = 1.1  # a megapixel that costs this many times the cheapest is told of


def growth(result: Json) -> str:
    """Return the section, and draw its pictures."""
    return section(
        "How cost grows",
        machine(result),
        f"{result['net']}, INT8, p50. The two tails do the same, upsampling x8 and argmax: fused, after the "
        "network; or as Resize and ArgMax in the graph, what the network takes longer for then.",
        _resolution(result["resolution"]),
        _classes(result["classes"]),
        _threads(result["threads"]),
        _streams(result["streams"]),
    )


def _resolution(rows: list[Json]) -> str:
    def curve(name: str, key: str) -> Curve:
        return Curve(name, [(row["megapixels"], row[key]) for row in rows])

    curves = [curve("network", "network_ms"), curve("tail in the graph", "graph_tail_ms")]
    curves.append(curve("fused tail", "fused_tail_ms"))
    title = "Milliseconds against resolution"
    times = draw("growth-resolution", title, curves, "megapixels", "milliseconds")
    memory = draw(
        "growth-memory", "Memory against resolution",
        [curve("fused tail", "rss_mb"), curve("tail in the graph", "graph_rss_mb")], "megapixels", "MB",
    )  # fmt: skip
    cells = [
        [
            size(row), f"{row['megapixels']:.2f}", f"{row['network_ms']:.1f}", f"{row['fused_tail_ms']:.2f}",
            f"{row['graph_tail_ms']:.1f}", f"{row['rss_mb']:.0f}", f"{row['graph_rss_mb']:.0f}",
        ]
        for row in rows
    ]  # fmt: skip
    heads = [
        "size",
        "megapixels",
        "network, ms",
        "fused tail, ms",
        "in the graph, ms",
        "MB",
        "MB, in the graph",
    ]
    return "\n\n".join(["### Resolution", times, memory, table(heads, cells), _resolution_words(rows)])


def _resolution_words(rows: list[Json]) -> str:
    each = [row["network_ms"] / row["megapixels"] for row in rows]
    best = min(range(len(rows)), key=lambda i: each[i])
    first, last = rows[0], rows[-1]
    knees = []
    if each[0] > KNEE * each[best]:
        knees.append("small frames give the cores too little work between two layers")
    if each[-1] > KNEE * each[best]:
        knees.append("of large frames the outputs of the first layers outgrow the cache")
    why = f" (likely: {', and '.join(knees)})" if knees else ": the cost is proportional to the pixels"
    return (
        f"A megapixel costs {each[0]:.0f} ms at {size(first)}, {each[best]:.0f} ms at {size(rows[best])} and "
        f"{each[-1]:.0f} ms at {size(last)}{why}. "
        f"Memory grows from {first['rss_mb']:.0f} to {last['rss_mb']:.0f} MB, and with the tail in the graph "
        f"to {last['graph_rss_mb']:.0f} MB, because full-size scores of every class are then held."
    )


def _classes(rows: list[Json]) -> str:
    picture = draw(
        "growth-classes", "Milliseconds of the tail against classes",
        [
            Curve("tail in the graph", [(row["classes"], row["graph_tail_ms"]) for row in rows]),
            Curve("fused tail", [(row["classes"], row["fused_tail_ms"]) for row in rows]),
        ],
        "classes", "milliseconds",
    )  # fmt: skip
    cells = [
        [
            str(row["classes"]), f"{row['network_ms']:.1f}", f"{row['fused_tail_ms']:.2f}",
            f"{row['graph_tail_ms']:.1f}", f"{row['rss_mb']:.0f}", f"{row['graph_rss_mb']:.0f}",
        ]
        for row in rows
    ]  # fmt: skip
    heads = ["classes", "network, ms", "fused tail, ms", "in the graph, ms", "MB", "MB, in the graph"]
    first, last = rows[0], rows[-1]
    graph_grows, fused_grows = (last[key] - first[key] for key in ("graph_tail_ms", "fused_tail_ms"))
    words = (
        f"From {first['classes']} to {last['classes']} classes the tail in the graph grows by "
        f"{graph_grows:.0f} ms and the fused one by {fused_grows:.1f} ms. The graph interpolates every class "
        "at every pixel; the fused tail only where the four corners of a cell disagree, along borders."
    )
    return "\n\n".join([f"### Classes, at {size(first)}", picture, table(heads, cells, 0), words])


def _threads(rows: list[Json]) -> str:
    cells = [[str(row["threads"]), f"{row['network_ms']:.1f}", f"{row['fused_tail_ms']:.2f}"] for row in rows]
    one, two, most = rows[0]["network_ms"], rows[1]["network_ms"], rows[-1]
    words = (
        f"A second thread makes the network {one / two:.2f} times as fast. There are two cores here: "
        f"{most['threads']} threads take {most['network_ms'] / two:.2f} times as long as two, so leave "
        "--threads alone unless other work must have a core."
    )
    return "\n\n".join(["### Threads", table(["threads", "network, ms", "fused tail, ms"], cells, 0), words])


def _streams(rows: list[Json]) -> str:
    cells = [
        [
            str(row["streams"]), f"{row['fps_together']:.1f}", f"{row['fps_slowest']:.1f}",
            f"{row['p90_total_ms']:.0f}", f"{row['rss_mb_together']:.0f}",
        ]
        for row in rows
    ]  # fmt: skip
    heads = ["streams", "frames/s together", "of the slowest", "p90 frame to result, ms", "MB together"]
    first, last = rows[0], rows[-1]
    gain = last["fps_together"] / first["fps_together"]
    each = (last["rss_mb_together"] - first["rss_mb_together"]) / (last["streams"] - 1)
    words = (
        f"One stream with frames in flight already fills both cores: {last['streams']} processes give "
        f"{gain:.2f} times its frames/s together, and each waits for the others. Memory adds up at "
        f"{each:.0f} MB a further process, because each holds an engine of its own."
    )
    return "\n\n".join(["### Streams, one process each, at 352x480", table(heads, cells, 0), words])
