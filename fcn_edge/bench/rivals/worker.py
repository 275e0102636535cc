"""A rival in its own process: `python -m fcn_edge.bench.rivals.worker NAME CONTEXT`.

It prepares itself, writes the masks of all frames to CONTEXT's folder, then reads lines `run N` from stdin
and answers each with a JSON list of N latencies in milliseconds. Whatever libraries print goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
import time

import numpy as np

from fcn_edge.bench.rivals import RIVALS, RivalContext


def main() -> None:
    """Prepare, then serve until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, context = sys.argv[1], RivalContext.from_json(json.loads(sys.argv[2]))
    frames = list(np.load(context.frames))
    predict = RIVALS[name].prepare(context)
    # copied: some runtimes give a view of a buffer that the next frame overwrites
    np.save(context.folder / f"{name}.masks.npy", np.stack([np.array(predict(frame)) for frame in frames]))
    for line in sys.stdin:
        times = []
        for index in range(int(line.split()[1])):
            start = time.perf_counter()
            predict(frames[index % len(frames)])
            times.append((time.perf_counter() - start) * 1e3)
        print(json.dumps(times), file=answers, flush=True)


if __name__ == "__main__":
    main()
