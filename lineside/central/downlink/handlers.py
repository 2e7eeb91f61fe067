"""How other parts of central reach the downlink: notices that it hears, facts that it reads."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table

from lineside.central.downlink import desired
from lineside.central.downlink.publisher import Publisher
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.notices import DocumentsGone, DocumentWanted
from lineside.central.mes.orders.notices import DocumentsAsked, RevisionsAsked
from lineside.central.projections.base import StoredEvent
from lineside.contracts.events import Event, IntentionApplied


class DownlinkListeners:
    """Answers the notices of the systems.

    Args:
        publisher: Woken after each commit that changed something.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def wanted(self, work: UnitOfWork, notice: DocumentWanted) -> int:
        """An edge shall have a document, or shall have it no longer; its revision."""
        work.after_commit(self._publisher.wake)
        if notice.body is None:
            return desired.drop(
                work.connection, notice.edge, notice.kind, notice.id, now=work.now()
            )
        return desired.put(
            work.connection, notice.edge, notice.kind, notice.id, notice.body, now=work.now()
        )

    def gone(self, work: UnitOfWork, notice: DocumentsGone) -> int:
        """An edge shall no longer have many documents; how many it had."""
        work.after_commit(self._publisher.wake)
        return desired.drop_many(
            work.connection, notice.edge, notice.kind, notice.ids, now=work.now()
        )

    def named(self, work: UnitOfWork, question: DocumentsAsked) -> list[str]:
        """Which documents of a kind an edge shall have."""
        return desired.ids(work.connection, question.edge, question.kind, question.prefix)

    def asked(self, work: UnitOfWork, question: RevisionsAsked) -> dict[tuple[str, str], int]:
        """Which revision of some documents is wanted at each edge."""
        return desired.revisions(work.connection, question.kind, question.ids)


class AppliedReader:
    """Notes what edges say that they have applied."""

    name = "desired_applied"
    version = 1
    tables: tuple[Table, ...] = ()
    follows: tuple[str, ...] = ()
    event_types: tuple[type[Event], ...] = (IntentionApplied,)

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Take some events in."""
        for stored in events:
            event = stored.event
            assert isinstance(event, IntentionApplied)
            desired.record_applied(
                work.connection,
                stored.edge,
                event.kind,
                event.id,
                revision=event.revision,
                refused=event.refused,
                at=event.recorded_at,
            )
