"""The one family of errors a user can cause: what happened, what to type instead, and the exit code."""

from __future__ import annotations


class FcnEdgeError(Exception):
    """A failure with one sentence for the user.

    what: what happened, with the value seen. hint: what to type or change instead.
    exit_code: 1 for a failure, 2 for misuse (see MisuseError).
    """

    exit_code = 1

    def __init__(self, what: str, *, hint: str = "", exit_code: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.what}; {self.hint}" if self.hint else self.what


class MisuseError(FcnEdgeError):
    """The command was asked for something that does not exist or contradicts itself: exit code 2."""

    exit_code = 2


def unknown_name(kind: str, name: str, valid: list[str] | tuple[str, ...]) -> MisuseError:
    """Return the error for a name that is not in a table, listing the names that are (closest first)."""
    from difflib import get_close_matches

    close = get_close_matches(name, valid, n=1, cutoff=0.5)
    meant = f"did you mean '{close[0]}'? " if close else ""
    return MisuseError(f"unknown {kind} '{name}'", hint=f"{meant}valid: {', '.join(valid)}")
