"""What exceptions are found in, kept of the facts; computed again at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import RowMapping, Table, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.exceptions.entities import exception_finish as finish
from lineside.central.mes.exceptions.entities import exception_use as use
from lineside.central.projections.base import StoredEvent, identity, targets_of
from lineside.contracts import events as ev


class Exceptions:
    """Keeps who worked on which order by which revision, and who finished which piece."""

    name = "mes_exceptions"
    version = 1
    tables: tuple[Table, ...] = (use, finish)
    follows: tuple[str, ...] = ()
    event_types: tuple[type[ev.Event], ...] = (
        ev.OrderStarted,
        ev.UnitStarted,
        ev.UnitFinished,
        ev.QuantityDeclared,
        ev.EventVoided,
    )

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Take some facts in."""
        for stored in events:
            _take_back(work, stored.event)
            order = getattr(stored.event, "order", "")
            if order:
                _used(work, stored, order)
            if isinstance(stored.event, ev.UnitFinished):
                _finished(work, stored, stored.event)


def _used(work: UnitOfWork, stored: StoredEvent, order: str) -> None:
    event = stored.event
    statement = upsert(use).values(
        order_no=order,
        edge=stored.edge,
        routing=event.used.routing if event.used is not None else "",
        station=event.station,
        seq=stored.seq,
        first_at=event.occurred_at,
        last_at=event.occurred_at,
        seen_at=stored.received_at,
    )
    work.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["order_no", "edge", "routing"],
            set_={"last_at": func.greatest(use.c.last_at, statement.excluded.last_at)},
        )
    )


def _finished(work: UnitOfWork, stored: StoredEvent, event: ev.UnitFinished) -> None:
    piece: dict[str, str | int] = {
        "item": event.unit.item,
        "unit": event.unit.id,
        "operation": event.operation,
        "attempt": event.attempt,
    }
    work.connection.execute(
        upsert(finish)
        .values(
            **identity(stored),
            **piece,
            station=event.station,
            occurred_at=event.occurred_at,
            seen_at=stored.received_at,
            clash=False,
        )
        .on_conflict_do_nothing()
    )
    _judge(work, piece)


def _take_back(work: UnitOfWork, event: ev.Event) -> None:
    for target in targets_of(event):
        gone = (
            work.connection.execute(
                delete(finish)
                .where(
                    finish.c.edge == target.edge,
                    finish.c.epoch == target.epoch,
                    finish.c.seq == target.seq,
                )
                .returning(finish.c.item, finish.c.unit, finish.c.operation, finish.c.attempt)
            )
            .mappings()
            .first()
        )
        if gone is not None:
            _judge(work, gone)


def _judge(work: UnitOfWork, piece: Mapping[str, str | int] | RowMapping) -> None:
    """Two stations, or one name at two edges, are a clash of all their facts about the piece."""
    same = [finish.c[name] == value for name, value in piece.items()]
    places = select(func.count(func.distinct(finish.c.edge + "/" + finish.c.station))).where(*same)
    clash = work.connection.execute(places).scalar_one() > 1
    work.connection.execute(update(finish).where(*same).values(clash=clash))
