"""Projection `progress`: what each order operation has made, and every booking of a station.

Quantities are kept one row an event, so that a void takes back exactly its own, taking that void
back restores them, and a moved span moves exactly what lies in it; the sums are a cache of the rows
that are not dead. Amounts are whole millionths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lineside.contracts import events as ev
from lineside.contracts.clock import Microseconds
from lineside.contracts.units import Outcome, Quantity
from lineside.edge_agent.journal.records import StoredEvent
from lineside.edge_agent.journal.side_files import Database

SCALE = 1_000_000
ROWS_KEPT_US = 60 * 86_400 * 1_000_000
FORGET_EVERY_EVENTS = 10_000

_TABLES = """
CREATE TABLE IF NOT EXISTS progress_row (
    seq INTEGER NOT NULL, station TEXT NOT NULL, at INTEGER NOT NULL, job TEXT NOT NULL,
    operation TEXT NOT NULL, kind TEXT NOT NULL, amount INTEGER NOT NULL, dead_by INTEGER
);
CREATE INDEX IF NOT EXISTS progress_row_seq ON progress_row (seq);
CREATE INDEX IF NOT EXISTS progress_row_at ON progress_row (station, at);
CREATE INDEX IF NOT EXISTS progress_row_dead ON progress_row (dead_by)
    WHERE dead_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS progress_row_job ON progress_row (job, operation);
CREATE TABLE IF NOT EXISTS progress_sum (
    job TEXT NOT NULL, operation TEXT NOT NULL, kind TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (job, operation, kind)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress_booking (
    seq INTEGER PRIMARY KEY, station TEXT NOT NULL, booking TEXT NOT NULL, job TEXT NOT NULL,
    operation TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER, content TEXT NOT NULL,
    end_seq INTEGER
);
CREATE INDEX IF NOT EXISTS progress_booking_station ON progress_booking (station, start);
CREATE INDEX IF NOT EXISTS progress_booking_open
    ON progress_booking (station, job) WHERE end IS NULL;
CREATE TABLE IF NOT EXISTS progress_done (
    job TEXT NOT NULL, operation TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (job, operation)
) WITHOUT ROWID;
"""

_OUTCOMES: dict[Outcome, tuple[str, ...]] = {
    Outcome.GOOD: ("produced",),
    Outcome.SCRAP: ("produced", "scrap"),
    Outcome.STARTUP_SCRAP: ("produced", "scrap"),
    Outcome.REWORK: ("produced", "rework"),
    Outcome.SUSPECT: ("produced", "rework"),
    Outcome.SAMPLE: ("produced", "scrap"),
}
_REWORKED: dict[Outcome, tuple[str, ...]] = {
    Outcome.GOOD: ("rework_good",),
    Outcome.SCRAP: ("rework_scrap",),
    Outcome.STARTUP_SCRAP: ("rework_scrap",),
    Outcome.SAMPLE: ("rework_scrap",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What an order operation has made (R19).

    Attributes:
        good: Produced less scrap and rework.
        delivered: Good, and recovered by rework: what completes an order.
    """

    produced: Decimal = Decimal(0)
    scrap: Decimal = Decimal(0)
    rework: Decimal = Decimal(0)
    recovered: Decimal = Decimal(0)
    complete: bool = False

    @property
    def good(self) -> Decimal:
        """GQ."""
        return self.produced - self.scrap - self.rework

    @property
    def delivered(self) -> Decimal:
        """GQ and what rework recovered."""
        return self.good + self.recovered


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedSpan:
    """A span of an order on a station; `end` None while it is open."""

    seq: int
    booking: str
    order: str
    operation: str
    start: Microseconds
    end: Microseconds | None
    content: str


class ProgressProjection:
    """Keeps quantities by order operation, and bookings by station, in tables."""

    name = "progress"
    version = 2

    def attach(self, figures: Database) -> None:
        """Create missing tables."""
        figures.executescript(_TABLES)
        self._db: Any = figures.conn

    def apply(self, stored: StoredEvent) -> None:
        """Take one event in."""
        event, seq = stored.event, stored.seq
        for ref in (event.voids, event.corrects):
            if ref is not None:
                self._take_back(ref.seq, by=seq)
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event, seq)
        if seq % FORGET_EVERY_EVENTS == 0:
            self._forget(event.recorded_at - ROWS_KEPT_US)

    def _forget(self, before: Microseconds) -> None:
        """Rows too old to be moved or taken back; their sums stay."""
        self._db.execute("DELETE FROM progress_row WHERE at < ?", (before,))
        self._db.execute("DELETE FROM progress_booking WHERE end < ?", (before,))

    def of(self, order: str, operation: str) -> Progress:
        """What an order operation has made so far."""
        sums = {
            kind: Decimal(amount) / SCALE
            for kind, amount in self._db.execute(
                "SELECT kind, amount FROM progress_sum WHERE job = ? AND operation = ?",
                (order, operation),
            )
        }
        done = self._db.execute(
            "SELECT 1 FROM progress_done WHERE job = ? AND operation = ?", (order, operation)
        ).fetchone()
        nothing = Decimal(0)
        return Progress(
            produced=sums.get("produced", nothing),
            scrap=sums.get("scrap", nothing) + sums.get("rework_scrap", nothing),
            rework=sums.get("rework", nothing) - sums.get("rework_scrap", nothing),
            recovered=sums.get("rework_good", nothing),
            complete=done is not None,
        )

    def spans(
        self, station: str, start: Microseconds, end: Microseconds, limit: int = 200
    ) -> list[BookedSpan]:
        """Bookings that share time with `[start, end]`, by start; the newest `limit`."""
        rows = self._db.execute(
            "SELECT seq, booking, job, operation, start, end, content FROM progress_booking"
            " WHERE station = ? AND start <= ? AND (end IS NULL OR end >= ?)"
            " ORDER BY start DESC, seq DESC LIMIT ?",
            (station, end, start, limit),
        ).fetchall()
        return [
            BookedSpan(
                seq=seq, booking=booking, order=order, operation=operation, start=begin,
                end=until, content=content,
            )
            for seq, booking, order, operation, begin, until, content in reversed(rows)
        ]  # fmt: skip

    def _add(
        self,
        event: ev.Event,
        seq: int,
        job: tuple[str, str],
        *,
        kind: str,
        amount: Decimal,
        at: Microseconds | None = None,
    ) -> None:
        scaled = int((amount * SCALE).to_integral_value())
        if not scaled or not job[0]:
            return
        self._db.execute(
            "INSERT INTO progress_row VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            (seq, event.station, at or event.occurred_at, *job, kind, scaled),
        )
        self._sum(*job, kind, scaled)

    def _sum(self, order: str, operation: str, kind: str, scaled: int) -> None:
        self._db.execute(
            "INSERT INTO progress_sum VALUES (?, ?, ?, ?) ON CONFLICT (job, operation, kind)"
            " DO UPDATE SET amount = amount + excluded.amount",
            (order, operation, kind, scaled),
        )

    def take_count(self, event: ev.CounterRead, seq: int) -> None:
        """Pieces of a counter, by the shares of the jobs on the station."""
        pieces = event.increment * event.pieces_per_count
        if not pieces:
            return
        for job in event.jobs:
            share = pieces * job.share
            name = (job.order, job.operation)
            self._add(event, seq, name, kind=event.role.value, amount=share)

    def take_declare(self, event: ev.QuantityDeclared, seq: int) -> None:
        """Pieces that a person or a scale declared."""
        named = [(event.order, event.operation, Decimal(1))] if event.order else []
        shares = named or [(job.order, job.operation, job.share) for job in event.jobs]
        for order, operation, share in shares:
            amount = event.quantity.value * share
            self._add(event, seq, (order, operation), kind=event.kind, amount=amount)

    def _report(
        self,
        event: ev.OrderFinished | ev.SpanDeclared,
        quantities: tuple[Quantity, ...],
        at: Microseconds,
        *,
        seq: int,
        rework: bool,
    ) -> None:
        for quantity in quantities:
            for kind in (_REWORKED if rework else _OUTCOMES).get(quantity.outcome, ()):
                job = (event.order, event.operation)
                self._add(event, seq, job, kind=kind, amount=quantity.value, at=at)

    def take_start(self, event: ev.OrderStarted, seq: int) -> None:
        """A booking opens; on an exclusive station the open ones end."""
        if event.exclusive:
            self._db.execute(
                "UPDATE progress_booking SET end = ?, end_seq = ?"
                " WHERE station = ? AND end IS NULL",
                (event.occurred_at, seq, event.station),
            )
        self._book(event, seq, until=None, content="")

    def _book(
        self,
        event: ev.OrderStarted | ev.SpanDeclared,
        seq: int,
        *,
        until: Microseconds | None,
        content: str,
    ) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO progress_booking VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                seq, event.station, event.booking, event.order, event.operation,
                event.occurred_at, until, content,
            ),
        )  # fmt: skip

    def take_end(self, event: ev.OrderPaused | ev.OrderFinished, seq: int) -> None:
        """A booking ends."""
        operation, booking = event.operation, event.booking
        self._db.execute(
            "UPDATE progress_booking SET end = ?, end_seq = ? WHERE end IS NULL AND station = ?"
            " AND job = ? AND (? = '' OR operation = ?) AND (? = '' OR booking = ?)",
            (
                event.occurred_at, seq, event.station, event.order,
                operation, operation, booking, booking,
            ),
        )  # fmt: skip

    def take_finish(self, event: ev.OrderFinished, seq: int) -> None:
        """A booking ends with what it reported."""
        self.take_end(event, seq)
        self._db.execute(
            "UPDATE progress_booking SET content = ? WHERE end_seq = ?",
            (content_of(event.quantities, rework=event.rework), seq),
        )
        self._report(event, event.quantities, event.occurred_at, seq=seq, rework=event.rework)
        if event.complete:
            self._db.execute(
                "INSERT OR IGNORE INTO progress_done VALUES (?, ?, ?)",
                (event.order, event.operation, seq),
            )

    def take_span(self, event: ev.SpanDeclared, seq: int) -> None:
        """A booking told afterwards."""
        until = event.occurred_until if event.occurred_until is not None else event.occurred_at
        content = content_of(event.quantities, rework=event.rework)
        self._book(event, seq, until=until, content=content)
        self._report(event, event.quantities, until, seq=seq, rework=event.rework)

    def take_move(self, event: ev.BookingMoved, _: int) -> None:
        """What lies in the span belongs to another order."""
        until = event.occurred_until if event.occurred_until is not None else event.occurred_at
        rows = self._db.execute(
            "SELECT rowid, operation, kind, amount, dead_by FROM progress_row"
            " WHERE station = ? AND at > ? AND at <= ? AND job = ? AND (? = '' OR operation = ?)",
            (
                event.station, event.occurred_at, until, event.from_order,
                event.from_operation, event.from_operation,
            ),
        ).fetchall()  # fmt: skip
        for rowid, operation, kind, amount, dead_by in rows:
            target = event.to_operation or operation
            if dead_by is None:
                self._sum(event.from_order, operation, kind, -amount)
                self._sum(event.to_order, target, kind, amount)
            self._db.execute(
                "UPDATE progress_row SET job = ?, operation = ? WHERE rowid = ?",
                (event.to_order, target, rowid),
            )

    def _take_back(self, seq: int, *, by: int) -> None:
        """What event `seq` said did not happen; what it had taken back stands again."""
        for sign, found, dead in (
            (1, "dead_by = ?", None),
            (-1, "seq = ? AND dead_by IS NULL", by),
        ):
            for order, operation, kind, amount in self._db.execute(
                f"SELECT job, operation, kind, amount FROM progress_row WHERE {found}",  # noqa: S608
                (seq,),
            ).fetchall():
                self._sum(order, operation, kind, sign * amount)
            self._db.execute(
                f"UPDATE progress_row SET dead_by = ? WHERE {found}",  # noqa: S608
                (dead, seq),
            )
        self._db.execute("DELETE FROM progress_booking WHERE seq = ?", (seq,))
        self._db.execute(
            "UPDATE progress_booking SET end = NULL, end_seq = NULL WHERE end_seq = ?", (seq,)
        )
        self._db.execute("DELETE FROM progress_done WHERE seq = ?", (seq,))


def content_of(quantities: tuple[Quantity, ...], *, rework: bool) -> str:
    """What a booking reported, in a form that equals for equal reports."""
    parts = [f"{quantity.outcome}:{quantity.value.normalize():f}" for quantity in quantities]
    return ",".join([*sorted(parts), "rework"] if rework else sorted(parts))


_HANDLERS: dict[type[ev.Event], Callable[[ProgressProjection, Any, int], None]] = {
    ev.CounterRead: ProgressProjection.take_count,
    ev.QuantityDeclared: ProgressProjection.take_declare,
    ev.OrderStarted: ProgressProjection.take_start,
    ev.OrderPaused: ProgressProjection.take_end,
    ev.OrderFinished: ProgressProjection.take_finish,
    ev.SpanDeclared: ProgressProjection.take_span,
    ev.BookingMoved: ProgressProjection.take_move,
}
