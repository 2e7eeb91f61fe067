"""Projection `numbers`: what this edge has taken of its blocks, and which labels it printed.

A number stays taken when its event is taken back, and a copy number is not used again: what was
printed is out there. The highest number of each block is also kept as a mark of the journal, in the
same transaction as the event that takes it, because events are pruned and blocks outlive them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lineside.contracts import events as ev
from lineside.contracts.units import NumberTaken, Thing, ThingKind
from lineside.edge_agent.journal.records import StoredEvent
from lineside.edge_agent.journal.side_files import Database

MARK = "number:"
_TABLES = """
CREATE TABLE IF NOT EXISTS numbers_taken (block TEXT PRIMARY KEY, through INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS numbers_label (
    kind TEXT NOT NULL, item TEXT NOT NULL, id TEXT NOT NULL, issuer TEXT NOT NULL,
    copies INTEGER NOT NULL, seq INTEGER NOT NULL, station TEXT NOT NULL,
    PRIMARY KEY (kind, item, id, issuer)
);
CREATE INDEX IF NOT EXISTS numbers_label_station ON numbers_label (station, seq);
"""


class NumbersProjection:
    """Keeps what was taken in tables.

    Args:
        marks: Marks of the journal when the agent started.
    """

    name = "numbers"
    version = 1

    def __init__(self, marks: Mapping[str, bytes] | None = None) -> None:
        self._kept = {
            name.removeprefix(MARK): int(value)
            for name, value in (marks or {}).items()
            if name.startswith(MARK)
        }

    def attach(self, figures: Database) -> None:
        """Create missing tables."""
        figures.executescript(_TABLES)
        self._db: Any = figures.conn

    def through(self, block: str) -> int | None:
        """The highest number that was taken of a block; None: none yet."""
        row = self._db.execute(
            "SELECT through FROM numbers_taken WHERE block = ?", (block,)
        ).fetchone()
        found = (row[0] if row else None, self._kept.get(block))
        known = [value for value in found if value is not None]
        return max(known) if known else None

    def copies(self, thing: Thing) -> int:
        """How many labels of a thing were printed here."""
        row = self._db.execute(
            "SELECT copies FROM numbers_label WHERE kind = ? AND item = ? AND id = ?"
            " AND issuer = ?",
            (thing.kind.value, thing.item, thing.id, thing.issuer),
        ).fetchone()
        return row[0] if row else 0

    def last_label(self, station: str) -> Thing | None:
        """The thing whose label a station printed last."""
        row = self._db.execute(
            "SELECT kind, item, id, issuer FROM numbers_label WHERE station = ?"
            " ORDER BY seq DESC LIMIT 1",
            (station,),
        ).fetchone()
        return Thing(kind=ThingKind(row[0]), item=row[1], id=row[2], issuer=row[3]) if row else None

    def labelled(self, number: str) -> list[Thing]:
        """Things with this number whose label was printed here."""
        rows = self._db.execute(
            "SELECT kind, item, id, issuer FROM numbers_label WHERE id = ? ORDER BY seq DESC",
            (number,),
        ).fetchall()
        return [
            Thing(kind=ThingKind(row[0]), item=row[1], id=row[2], issuer=row[3]) for row in rows
        ]

    def apply(self, stored: StoredEvent) -> None:
        """Take one event in."""
        event = stored.event
        taken = taken_by(event)
        if taken is not None:
            self._db.execute(
                "INSERT INTO numbers_taken VALUES (?, ?) ON CONFLICT (block) DO UPDATE"
                " SET through = max(through, excluded.through)",
                (taken.block, taken.number),
            )
        if isinstance(event, ev.LabelPrinted | ev.LabelReprinted):
            thing = event.thing
            self._db.execute(
                "INSERT INTO numbers_label VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (kind, item, id, issuer) DO UPDATE"
                " SET copies = max(copies, excluded.copies), seq = excluded.seq,"
                " station = excluded.station",
                (
                    thing.kind.value, thing.item, thing.id, thing.issuer,
                    event.copy, stored.seq, event.station,
                ),
            )  # fmt: skip


def taken_by(event: ev.Event) -> NumberTaken | None:
    """The number that an event takes out of a block."""
    if isinstance(event, ev.SerialAssigned | ev.LotCreated | ev.LabelPrinted):
        return event.taken
    return None


def marks_of(events: Iterable[ev.Event]) -> dict[str, bytes]:
    """The marks that the journal keeps with some events."""
    highest: dict[str, int] = {}
    for event in events:
        taken = taken_by(event)
        if taken is not None:
            highest[taken.block] = max(taken.number, highest.get(taken.block, taken.number))
    return {f"{MARK}{block}": str(number).encode() for block, number in highest.items()}
