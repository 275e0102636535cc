"""A rival in its own process: `python -m fcn_edge.bench.rivals.worker NAME CONTEXT`.

It prepares itself, writes the masks of all frames to CONTEXT's folder, then reads lines `run N` from stdin
and answers each with a JSON list of N latencies in milliseconds. Whatever libraries print goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence

import numpy as np

from fcn_edge.bench.rivals import RIVALS, RivalContext
from fcn_edge.bench.rivals.context import Frame
from fcn_edge.bench.rivals.predictors import Predict


def main() -> None:
    """Prepare, then serve until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, context = sys.argv[1], RivalContext.from_json(json.loads(sys.argv[2]))
    frames = list(np.load(context.frames))
    predict = RIVALS[name].prepare(context)
    np.save(context.folder / f"{name}.masks.npy", masks_of(predict, frames))
    for line in sys.stdin:
        times = []
        for index in range(int(line.split()[1])):
            start = time.perf_counter()
            predict(frames[index % len(frames)])
            times.append((time.perf_counter() - start) * 1e3)
        print(json.dumps(times), file=answers, flush=True)


def masks_of(predict: Predict, frames: Sequence[Frame]) -> Frame:
    """Return the masks of all frames, (N, H, W); copies, as some runtimes overwrite theirs with the next."""
    return np.stack([np.array(predict(frame)) for frame in frames])


if __name__ == "__main__":
    main()
