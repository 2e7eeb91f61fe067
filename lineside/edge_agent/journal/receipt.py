"""The delivery receipt: how far central has what this journal recorded, in words for anyone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lineside.contracts.receipt import Sentence, receipt_sentence
from lineside.edge_agent.journal.records import Epoch, Watermarks


class Delivered(Protocol):
    """What a receipt is made of; a journal and a reader of one have it."""

    def head(self) -> int:
        """Last committed fact."""
        ...

    def watermarks(self) -> Watermarks:
        """What central has told."""
        ...

    def epochs(self) -> list[Epoch]:
        """All epochs, oldest first."""
        ...

    def prunings(self) -> list[tuple[int, int, int, str]]:
        """(microseconds UTC, first seq, last seq, rule); rule `damage` tells of lost facts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """How far central has what was recorded here.

    Attributes:
        head: Last fact.
        durable_through: Central has every fact up to it, committed, but for the dropped ones.
        backed_up_through: Up to it the facts are in a backup that was restored on trial.
        pending: Facts that wait here until central has them.
        dropped: Facts that were damaged on this disk before central had them: nobody has them.
    """

    head: int
    durable_through: int
    backed_up_through: int
    pending: int
    dropped: int

    @property
    def sentence(self) -> Sentence:
        """In words for anyone."""
        return receipt_sentence(
            through=self.durable_through, pending=self.pending, dropped=self.dropped
        )


def receipt(journal: Delivered) -> Receipt:
    """The receipt of a journal as it is now.

    Raises:
        JournalError: It cannot be read.
    """
    head, marks = journal.head(), journal.watermarks()
    durable = min(marks.durable_through, head)
    return Receipt(
        head=head,
        durable_through=durable,
        backed_up_through=min(marks.backed_up_through, durable),
        pending=head - durable,
        dropped=dropped(journal),
    )


def dropped(journal: Delivered) -> int:
    """Facts that were lost for good: damaged here before central had confirmed them."""
    # A salvage begins an epoch behind what central had, in one transaction with its certificates.
    bases = {epoch.opened_at: epoch.base for epoch in journal.epochs()}
    return sum(
        max(0, last - max(first - 1, bases.get(at, first - 1)))
        for at, first, last, rule in journal.prunings()
        if rule == "damage"
    )
