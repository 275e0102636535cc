"""One contestant of the race in its own process: reads `run N`, answers with N latencies in milliseconds."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from contestants import CONTESTANTS, Context


def main() -> None:
    """Prepare the contestant, write its masks of the frames, then serve until killed."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the libraries print goes to the log
    name, about, source = json.loads(sys.argv[1])
    size = tuple(json.loads(about["size"].replace("(", "[").replace(")", "]")))
    context = Context(
        Path(about["run"]), size, Path(about["fp32_mask"]), Path(about["folder"]), int(about["threads"])
    )
    frames = [cv2.imread(str(path)) for path in sorted(Path(source).glob("*.bmp"))]
    predict = CONTESTANTS[name][0](context)
    np.save(context.folder / f"{name}-masks.npy", np.stack([predict(frame) for frame in frames]))
    for line in sys.stdin:
        count = int(line.split()[1])
        times = []
        for index in range(count):
            start = time.perf_counter()
            predict(frames[index % len(frames)])
            times.append((time.perf_counter() - start) * 1e3)
        print(json.dumps(times), file=answers, flush=True)


if __name__ == "__main__":
    main()
