"""One thing that was looked at, whatever looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "missing", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at: its state, what was found, what it is needed for, and how to mend it."""

    name: str
    status: Status
    found: str
    needed_for: str = ""
    fix: str = ""
