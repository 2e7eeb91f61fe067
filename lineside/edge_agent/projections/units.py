"""Projection `units`: what every piece went through here, what is built into what, what is held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lineside.contracts import events as ev
from lineside.contracts.clock import Microseconds
from lineside.contracts.units import Thing, ThingKind
from lineside.edge_agent.journal.records import StoredEvent
from lineside.edge_agent.journal.side_files import Database

STEPS_KEPT_US = 400 * 86_400 * 1_000_000
FORGET_EVERY_EVENTS = 10_000
_TABLES = """
CREATE TABLE IF NOT EXISTS units_step (
    seq INTEGER PRIMARY KEY, item TEXT NOT NULL, serial TEXT NOT NULL, job TEXT NOT NULL,
    operation TEXT NOT NULL, attempt INTEGER NOT NULL, station TEXT NOT NULL,
    started_at INTEGER NOT NULL, end_seq INTEGER, finished_at INTEGER, result TEXT
);
CREATE INDEX IF NOT EXISTS units_step_serial ON units_step (serial, item);
CREATE INDEX IF NOT EXISTS units_step_end ON units_step (end_seq);
CREATE TABLE IF NOT EXISTS units_link (
    seq INTEGER PRIMARY KEY, item TEXT NOT NULL, id TEXT NOT NULL, issuer TEXT NOT NULL,
    into_item TEXT NOT NULL, into_id TEXT NOT NULL, removed_seq INTEGER
);
CREATE INDEX IF NOT EXISTS units_link_id ON units_link (id, item);
CREATE INDEX IF NOT EXISTS units_link_into ON units_link (into_id, into_item);
CREATE TABLE IF NOT EXISTS units_fate (
    seq INTEGER PRIMARY KEY, item TEXT NOT NULL, serial TEXT NOT NULL, fate TEXT NOT NULL,
    operation TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS units_fate_serial ON units_fate (serial, item);
CREATE TABLE IF NOT EXISTS units_hold (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, item TEXT NOT NULL, id TEXT NOT NULL,
    issuer TEXT NOT NULL, hold TEXT NOT NULL, reason TEXT NOT NULL, released_seq INTEGER
);
CREATE INDEX IF NOT EXISTS units_hold_id ON units_hold (id);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """One operation of a piece, finished or in work.

    Attributes:
        result: `pass`, `fail`, `rework`; empty while it is in work.
    """

    item: str
    order: str
    operation: str
    attempt: int
    station: str
    started_at: Microseconds
    finished_at: Microseconds | None
    result: str


class UnitsProjection:
    """Keeps the history of pieces in tables."""

    name = "units"
    version = 1

    def attach(self, figures: Database) -> None:
        """Create missing tables."""
        figures.executescript(_TABLES)
        self._db: Any = figures.conn

    def steps(self, item: str, serial: str) -> list[StepDone]:
        """What a piece went through here, in order."""
        rows = self._db.execute(
            "SELECT item, job, operation, attempt, station, started_at, finished_at, result"
            " FROM units_step WHERE serial = ? AND item = ? ORDER BY seq",
            (serial, item),
        ).fetchall()
        return [
            StepDone(
                item=row[0], order=row[1], operation=row[2], attempt=row[3], station=row[4],
                started_at=row[5], finished_at=row[6], result=row[7] or "",
            )
            for row in rows
        ]  # fmt: skip

    def items_of(self, serial: str) -> list[str]:
        """Items under which a serial number is known here."""
        return [
            item
            for (item,) in self._db.execute(
                "SELECT DISTINCT item FROM units_step WHERE serial = ? ORDER BY item", (serial,)
            )
        ]

    def built_into(self, item: str, serial: str) -> str:
        """Number of the piece that holds this one now; empty: none."""
        row = self._db.execute(
            "SELECT into_id FROM units_link WHERE id = ? AND item = ? AND removed_seq IS NULL"
            " ORDER BY seq DESC LIMIT 1",
            (serial, item),
        ).fetchone()
        return row[0] if row else ""

    def fate(self, item: str, serial: str) -> str:
        """The last disposition: `scrap`, `rework`, `use_as_is`, `return`; empty: none."""
        row = self._db.execute(
            "SELECT fate FROM units_fate WHERE serial = ? AND item = ? ORDER BY seq DESC LIMIT 1",
            (serial, item),
        ).fetchone()
        return row[0] if row else ""

    def held(self, thing: Thing) -> str:
        """Why a thing is held here (number or reason of the hold); empty: it is not."""
        row = self._db.execute(
            "SELECT hold, reason FROM units_hold WHERE id = ? AND kind = ? AND item = ?"
            " AND issuer = ? AND released_seq IS NULL ORDER BY seq DESC LIMIT 1",
            (thing.id, thing.kind.value, thing.item, thing.issuer),
        ).fetchone()
        return (row[1] or row[0]) if row else ""

    def apply(self, stored: StoredEvent) -> None:
        """Take one event in."""
        event, seq = stored.event, stored.seq
        for ref in (event.voids, event.corrects):
            if ref is not None:
                self._take_back(ref.seq)
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event, seq)
        if seq % FORGET_EVERY_EVENTS == 0:
            self._db.execute(
                "DELETE FROM units_step WHERE finished_at < ?",
                (event.recorded_at - STEPS_KEPT_US,),
            )

    def take_start(self, event: ev.UnitStarted, seq: int) -> None:
        """A piece begins an operation."""
        self._db.execute(
            "INSERT OR REPLACE INTO units_step VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)",
            (
                seq, event.unit.item, event.unit.id, event.order, event.operation,
                event.attempt, event.station, event.occurred_at,
            ),
        )  # fmt: skip

    def take_finish(self, event: ev.UnitFinished, seq: int) -> None:
        """A piece finished an operation, begun here or not."""
        found = self._db.execute(
            "SELECT seq FROM units_step WHERE serial = ? AND item = ? AND operation = ?"
            " AND end_seq IS NULL ORDER BY seq DESC LIMIT 1",
            (event.unit.id, event.unit.item, event.operation),
        ).fetchone()
        if found is None:
            self._db.execute(
                "INSERT OR REPLACE INTO units_step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    seq, event.unit.item, event.unit.id, event.order, event.operation,
                    event.attempt, event.station, event.occurred_at,
                    seq, event.occurred_at, event.result,
                ),
            )  # fmt: skip
            return
        self._db.execute(
            "UPDATE units_step SET end_seq = ?, finished_at = ?, result = ? WHERE seq = ?",
            (seq, event.occurred_at, event.result, found[0]),
        )

    def take_fitted(self, event: ev.ComponentFitted, seq: int) -> None:
        """A component is in a piece."""
        self._link(event.component, event.into, seq)

    def take_consumed(self, event: ev.Consumed, seq: int) -> None:
        """Material is in a piece."""
        self._link(event.material, event.into, seq)

    def _link(self, what: Thing, into: Thing, seq: int) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO units_link VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (seq, what.item, what.id, what.issuer, into.item, into.id),
        )

    def take_removed(self, event: ev.ComponentRemoved, seq: int) -> None:
        """A component is out again; a lot of which only a part came out is still in."""
        if event.quantity is not None and event.component.kind is not ThingKind.UNIT:
            return
        out_of = event.out_of
        self._db.execute(
            "UPDATE units_link SET removed_seq = ? WHERE id = ? AND item = ?"
            " AND into_id = ? AND into_item = ? AND removed_seq IS NULL",
            (seq, event.component.id, event.component.item, out_of.id, out_of.item),
        )

    def take_disposed(self, event: ev.UnitDisposed, seq: int) -> None:
        """What becomes of a piece."""
        self._db.execute(
            "INSERT OR REPLACE INTO units_fate VALUES (?, ?, ?, ?, ?)",
            (seq, event.unit.item, event.unit.id, event.disposition, event.operation),
        )

    def take_held(self, event: ev.Held, seq: int) -> None:
        """A thing may not be used."""
        thing = event.thing
        self._db.execute(
            "INSERT OR REPLACE INTO units_hold VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                seq, thing.kind.value, thing.item, thing.id, thing.issuer,
                event.hold, event.reason,
            ),
        )  # fmt: skip

    def take_released(self, event: ev.Released, seq: int) -> None:
        """A hold is over."""
        self._db.execute(
            "UPDATE units_hold SET released_seq = ? WHERE hold = ? AND id = ?"
            " AND released_seq IS NULL",
            (seq, event.hold, event.thing.id),
        )

    def _take_back(self, seq: int) -> None:
        self._db.execute(
            "UPDATE units_step SET end_seq = NULL, finished_at = NULL, result = NULL"
            " WHERE end_seq = ? AND seq <> ?",
            (seq, seq),
        )
        for table in ("units_step", "units_link", "units_fate", "units_hold"):
            self._db.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))  # noqa: S608
        self._db.execute("UPDATE units_link SET removed_seq = NULL WHERE removed_seq = ?", (seq,))
        self._db.execute("UPDATE units_hold SET released_seq = NULL WHERE released_seq = ?", (seq,))


_HANDLERS: dict[type[ev.Event], Callable[[UnitsProjection, Any, int], None]] = {
    ev.UnitStarted: UnitsProjection.take_start,
    ev.UnitFinished: UnitsProjection.take_finish,
    ev.ComponentFitted: UnitsProjection.take_fitted,
    ev.ComponentRemoved: UnitsProjection.take_removed,
    ev.Consumed: UnitsProjection.take_consumed,
    ev.UnitDisposed: UnitsProjection.take_disposed,
    ev.Held: UnitsProjection.take_held,
    ev.Released: UnitsProjection.take_released,
}
