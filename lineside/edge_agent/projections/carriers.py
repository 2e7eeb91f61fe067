"""Projection `carriers`: what was put into carriers and taken out of them here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lineside.contracts import events as ev
from lineside.contracts.carriers import CarrierMove
from lineside.contracts.clock import Microseconds
from lineside.contracts.units import Thing, ThingKind
from lineside.edge_agent.journal.records import StoredEvent
from lineside.edge_agent.journal.side_files import Database
from lineside.edge_agent.projections.numbers import taken_by

MOVES_KEPT_US = 400 * 86_400 * 1_000_000
FORGET_EVERY_EVENTS = 10_000
_TABLES = """
CREATE TABLE IF NOT EXISTS carriers_move (
    seq INTEGER PRIMARY KEY, inwards INTEGER NOT NULL, carrier TEXT NOT NULL,
    kind TEXT NOT NULL, item TEXT NOT NULL, id TEXT NOT NULL, issuer TEXT NOT NULL,
    quantity TEXT NOT NULL, unit TEXT NOT NULL, job TEXT NOT NULL, at INTEGER NOT NULL,
    station TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS carriers_move_carrier ON carriers_move (carrier, seq);
CREATE INDEX IF NOT EXISTS carriers_move_content ON carriers_move (id, item);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveHere:
    """A move that this edge saw."""

    seq: int
    at: Microseconds
    move: CarrierMove


class CarriersProjection:
    """Keeps moves in a table; contents are counted from them."""

    name = "carriers"
    version = 1

    def attach(self, figures: Database) -> None:
        """Create missing tables."""
        figures.executescript(_TABLES)
        self._db: Any = figures.conn

    def moves(self, carrier: str) -> list[MoveHere]:
        """Moves of a carrier, in order."""
        rows = self._db.execute(
            "SELECT seq, inwards, kind, item, id, issuer, quantity, unit, job, at"
            " FROM carriers_move WHERE carrier = ? ORDER BY seq",
            (carrier,),
        ).fetchall()
        return [
            MoveHere(
                seq=row[0],
                at=row[9],
                move=CarrierMove(
                    into=bool(row[1]),
                    content=Thing(kind=ThingKind(row[2]), item=row[3], id=row[4], issuer=row[5]),
                    quantity=Decimal(row[6]),
                    unit=row[7],
                    order=row[8],
                ),
            )
            for row in rows
        ]

    def carriers_of(self, content: Thing) -> list[str]:
        """Carriers in which a thing ever was, as far as this edge saw."""
        rows = self._db.execute(
            "SELECT DISTINCT carrier FROM carriers_move WHERE id = ? AND item = ? AND issuer = ?"
            " AND kind = ?",
            (content.id, content.item, content.issuer, content.kind.value),
        )
        return [carrier for (carrier,) in rows]

    def things(self, number: str) -> list[Thing]:
        """Things with a number that ever were in a carrier here."""
        rows = self._db.execute(
            "SELECT DISTINCT kind, item, id, issuer FROM carriers_move WHERE id = ?", (number,)
        )
        return [
            Thing(kind=ThingKind(row[0]), item=row[1], id=row[2], issuer=row[3]) for row in rows
        ]

    def apply(self, stored: StoredEvent) -> None:
        """Take one event in."""
        event, seq = stored.event, stored.seq
        for ref in (event.voids, event.corrects):
            if ref is not None:
                self._db.execute("DELETE FROM carriers_move WHERE seq = ?", (ref.seq,))
        if isinstance(event, ev.PutInCarrier | ev.TakenOutOfCarrier):
            content = event.content
            self._db.execute(
                "INSERT OR REPLACE INTO carriers_move VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    seq, isinstance(event, ev.PutInCarrier), event.carrier.id,
                    content.kind.value, content.item, content.id, content.issuer,
                    str(event.quantity.value), event.quantity.unit, event.order,
                    event.occurred_at, event.station,
                ),
            )  # fmt: skip
        if seq % FORGET_EVERY_EVENTS == 0:
            self._db.execute(
                "DELETE FROM carriers_move WHERE at < ?", (event.recorded_at - MOVES_KEPT_US,)
            )


def concerns_others(events: Iterable[ev.Event]) -> bool:
    """Whether events take what another station may want as well: numbers, places in carriers."""
    moves = (ev.PutInCarrier, ev.TakenOutOfCarrier)
    return any(isinstance(event, moves) or taken_by(event) is not None for event in events)
