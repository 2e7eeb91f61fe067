"""What a terminal shows of what was booked: last entries, and counts that a person may split."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime

from lineside.edge_agent.terminal.view import Text, View

Change = Literal[
    "",
    "defect",
    "declare",
    "mount",
    "finish_order",
    "start_order",
    "finish_unit",
    "reason",
]


class Entry(View):
    """One of the last entries.

    Attributes:
        seq: Identity of the event in the journal (lane facts), for evidence, `void` and `correct`.
        kind: Event type.
        subject: The number that it is about; empty where it is about none.
        verdict: `accepted`, `refused`, `none`.
        text: What happened or why not.
        undoable: May be taken back from here.
        change: Kind of the act that may replace it; empty: it is taken back and entered again.
        why_not: Why it cannot be taken back, and what to do instead; null where it can.
        voided: Was taken back or replaced.
    """

    seq: int
    at: AwareDatetime
    kind: str
    subject: str
    verdict: Literal["accepted", "refused", "none"]
    code: str
    text: Text
    by: list[str]
    flags: list[str]
    undoable: bool
    change: Change = ""
    why_not: Text | None = None
    voided: bool


class Boundary(View):
    """A moment at which a count may be split.

    Attributes:
        kind: `shift` or `order`: what changed then.
        before, after: Shift or order before and after it; empty: none.
    """

    at: AwareDatetime
    kind: Literal["shift", "order"]
    before: str
    after: str


class SpannedCountView(View):
    """A counter's increment over a boundary that took longer than a minute.

    Attributes:
        seq: Names it in `split_count`.
        since, until: Between these two readings the pieces were made.
        pieces: How many.
        step: Pieces a count: the parts are multiples of it.
        boundaries: Where it may be split.
        boundary, pieces_before: How a person split it; null: nobody has, it counts at `until`.
    """

    seq: int
    counter: str
    role: str
    since: AwareDatetime
    until: AwareDatetime
    pieces: Decimal
    step: Decimal
    boundaries: list[Boundary]
    boundary: AwareDatetime | None = None
    pieces_before: Decimal | None = None
