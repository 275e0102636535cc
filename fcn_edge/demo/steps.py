"""Steps that are done once: a stamp says with which settings, after which steps, and what came out."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fcn_edge
from fcn_edge.ground.artifacts import atomic_write_json, hash_json, read_json


class Steps:
    """A chain of steps; one that is made anew makes all that follow it anew too."""

    def __init__(self, folder: Path, count: int, say: Callable[[str], None]) -> None:
        self.folder, self.count, self.say = folder, count, say
        self.done: list[dict[str, Any]] = []
        self._before = fcn_edge.__version__

    def run(self, name: str, settings: Any, made: Path, make: Callable[[], str]) -> None:
        """Run `make`, which writes `made` and returns what came out in words, unless it is done."""
        number = f"[{len(self.done) + 1}/{self.count}]"
        stamp_path = self.folder / f"{name.replace(' ', '-')}.json"
        key = hash_json([name, settings, self._before])
        stamp = read_json(stamp_path) if stamp_path.is_file() else {}
        if stamp.get("key") == key and made.exists():
            self.say(f"{number} {name}: kept ({stamp['result']})")
        else:
            self.say(f"{number} {name} ...")
            start = time.monotonic()
            result = make()
            seconds = time.monotonic() - start
            stamp = {
                "key": key,
                "name": name,
                "result": result,
                "seconds": round(seconds, 1),
                "at": time.time(),
            }
            atomic_write_json(stamp_path, stamp)
            self.say(f"{number} {name}: {result} ({seconds:.0f} s)")
        self._before = hash_json(stamp)
        self.done.append({field: stamp[field] for field in ("name", "result", "seconds")})
