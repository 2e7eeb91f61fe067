"""Refusals of trace."""

from __future__ import annotations

from lineside.central.errors import NotFoundError


class NothingKnownError(NotFoundError):
    """No event that central has names this number."""

    code = "trace.nothing_known"

    def __init__(self, kind: str, number: str) -> None:
        super().__init__(kind, number)
        self.hint = (
            "Check the number; it is text, exactly as scanned. If it is new, its events may "
            "still be on their way: see what the edges have still to send."
        )
