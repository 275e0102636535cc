"""The race: the same trained networks, run by us and by what people would pick instead, interleaved.

    python benchmarks/race.py                 # every network, size and rival
    python benchmarks/race.py --quick --json  # 360x480 only, without torch.compile; under ten minutes
    .venv/bin/pip install -c constraints.txt -r benchmarks/peers.txt  # the rivals that are not dependencies

It is `fcn-edge bench --against` on two networks and two sizes: every rival is a process of its own that gets
the same frames and is asked in turns; a uint8 BGR frame in, a uint8 mask out. One whose package is missing is
left out, with the line that installs it. fcn_edge/bench/rivals/predictors.py says how each is set up.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.nets import NETS, SIZES, bundle, checkpoint, commit, frames_folder, say, trained_for

from fcn_edge.bench import bench
from fcn_edge.bench.rivals import RIVALS
from fcn_edge.ground.artifacts import atomic_write_json, provenance, read_json
from fcn_edge.ground.config import BenchConfig

RESULTS = Path("benchmarks/results/race.json")
SLOW = {"torch-compile"}  # left out by --quick: it compiles for minutes


def main() -> None:
    """Run the race, write the results and print the ratios."""
    options = parse()
    names = tuple(name for name in RIVALS if not (options.quick and name in SLOW))
    config = BenchConfig(
        rounds=options.rounds, frames=options.frames, warmup=5, cooldown_s=0.2, cpus=tuple(options.cpus),
        against=names, checkpoint="-",
    )  # fmt: skip
    sizes = SIZES[:1] if options.quick else SIZES
    out = options.out or (None if options.quick else RESULTS)
    rows = _rows_of_others(out, options.net)
    result: dict[str, Any] = {
        "commit": commit(),
        "device": {},
        "method": {"rounds": options.rounds, "frames": options.frames},
        **({"note": options.note} if options.note else {}),
        "rows": rows,
        "provenance": provenance("python " + " ".join(sys.argv)),
    }
    for net, size in ((net, size) for net in options.net or NETS for size in sizes):
        row = race(net, size, config, options.minutes)
        result["device"] = _noisier(result["device"], row.pop("device"))
        rows.append(row)
        print(text(row), file=sys.stderr if options.json else sys.stdout, flush=True)
        if out:
            atomic_write_json(out, result)  # after every row: the next may take minutes
    if options.json:
        print(json.dumps(result))


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="360x480 only, fewer frames, no torch.compile")
    parser.add_argument("--json", action="store_true", help="print the results as one JSON object")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=40, help="frames of each contestant in each round")
    parser.add_argument("--minutes", type=float, default=2.0, help="training time of a network, once")
    parser.add_argument(
        "--net", choices=list(NETS), action="append", help="only this network; results of others stay"
    )
    parser.add_argument("--note", help="what a reader must know of the circumstances; stands in the results")
    parser.add_argument("--cpus", type=int, nargs="+", default=[], help="bind everything to these processors")
    parser.add_argument("--out", type=Path, help=f"default: {RESULTS}, with --quick nowhere")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.frames, options.minutes = 3, 15, min(options.minutes, 0.5)
    return options


def race(net: str, size: tuple[int, int], config: BenchConfig, minutes: float) -> dict[str, Any]:
    """Return one row: every rival's latencies against ours."""
    say(f"{net} {size[0]}x{size[1]}")
    ours = bundle(net, size, int8=True, tail="scores", minutes=minutes)
    here = replace(
        config,
        source=frames_folder(size),
        checkpoint=str(checkpoint(net, minutes)),
        cache=trained_for(minutes) / f"{net}-{size[0]}x{size[1]}-rivals",
    )
    report = bench([ours], here, say).to_json()
    return {"net": net, "size": list(size), **report["against"], "device": report["device"]}


def _rows_of_others(out: Path | None, nets: list[str] | None) -> list[dict[str, Any]]:
    """Return the rows of the networks that are not run now, from the results that are to be written."""
    if not (out and nets and out.is_file()):
        return []
    return [row for row in read_json(out)["rows"] if row["net"] not in nets]


def _noisier(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the machine's facts from the run that lost more time to other guests of its host."""
    lost = [(each or other)["during_the_run"]["steal"] or 0.0 for each in (one, other)]
    return one if lost[0] > lost[1] else other


def text(row: dict[str, Any]) -> str:
    """Return a row as lines for people."""
    lines = [f"{row['net']} {row['size'][0]}x{row['size'][1]}: ours {row['ours_ms']['p50']:.2f} ms"]
    for one in sorted(row["rivals"], key=lambda one: one["times_ours"]["median"]):
        ratio = one["times_ours"]
        spread = f"{ratio['min']:.2f} to {ratio['max']:.2f}"
        same = f"{one['same_pixels_as_ours']:.2%} of the pixels as ours"
        doubt = "" if one["agrees"] else ": MASKS DIFFER, its time does not count"
        lines.append(f"  {one['name']:17} x{ratio['median']:5.2f} our time ({spread}), {same}{doubt}")
    return "\n".join(lines + [f"  {name:17} {why}" for name, why in row["absent"].items()])


if __name__ == "__main__":
    main()
