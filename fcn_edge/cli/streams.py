"""The standard streams as the process was given them: some are closed, some are full."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def hold_streams() -> None:
    """Fill the places of closed standard streams, or the next file that is opened would stand there.

    A closed stdout then refuses what is printed, so that the loss is told; a closed stderr swallows it.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            handle = os.open(os.devnull, mode)
            os.dup2(handle, number)  # inheritable, as standard streams are
            if handle != number:
                os.close(handle)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for good
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for good


def release_streams() -> OSError | None:
    """Flush; return why stdout could not be. What is left is dropped, or the interpreter stumbles over it."""
    faults = [_flush(stream) for stream in (sys.stdout, sys.stderr)]
    return faults[0]


def _flush(stream: TextIO) -> OSError | None:
    try:
        stream.flush()
    except OSError as error:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        return error
    return None
