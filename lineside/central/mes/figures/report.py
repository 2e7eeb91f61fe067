"""Production reports out of bookings: all rows count, overlaps and duplicates too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from statistics import fmean, median
from typing import Any

from sqlalchemy import Connection, Row, text

from lineside.contracts.calendar import day_of, local_date
from lineside.contracts.clock import Microseconds
from lineside.contracts.commands import Calendar
from lineside.contracts.kpi.oee import report_yield
from lineside.contracts.kpi.ratios import Ratio, exact, ratio

MINUTE_US = 60_000_000
DAYS_MAX = 800
BY = ("order", "machine", "worker", "part", "activity")
Booking = Row[Any]

_BOOKINGS = text("""
    WITH step AS (
        SELECT o.id AS order_no, s ->> 'operation' AS operation, s ->> 'name' AS name
        FROM work_order o, jsonb_array_elements(o.steps) AS s
    )
    SELECT b.edge, b.epoch, b.seq, b.booking, b.order_no, b.operation, b.item, b.station, b.by,
           b.activity, b.rework, b.started_at, b.ended_at, b.completed, b.rejected, b.mrb,
           b.flags, coalesce(nullif(step.name, ''), b.operation) AS activity_name,
           coalesce(b.order_quantity, o.quantity) AS order_quantity
    FROM booking b
    LEFT JOIN step ON step.order_no = b.order_no AND step.operation = b.operation
    LEFT JOIN work_order o ON o.id = b.order_no
    WHERE NOT b.voided
      AND (CAST(:start AS bigint) IS NULL OR b.started_at >= :start)
      AND (CAST(:until AS bigint) IS NULL OR b.started_at < :until)
    ORDER BY b.started_at, b.edge, b.epoch, b.seq
""")


@dataclass(slots=True)
class Sums:
    """Sums over the bookings of one order, machine, worker, part or activity.

    Attributes:
        minutes_us: By `setup`, `production`, `breakdown`, `rework`; microseconds.
        spans: Start and end of every closed booking.
        open_rows: Bookings that still run; they add no minutes.
    """

    rows: int = 0
    completed: Decimal = Decimal(0)
    rejected: Decimal = Decimal(0)
    mrb: Decimal = Decimal(0)
    rework_rows: int = 0
    rework_completed: Decimal = Decimal(0)
    open_rows: int = 0
    minutes_us: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    spans: list[tuple[Microseconds, Microseconds]] = field(
        default_factory=list[tuple[Microseconds, Microseconds]]
    )
    first_start: Microseconds | None = None
    last_complete: Microseconds | None = None
    orders: set[str] = field(default_factory=set[str])
    operations: set[str] = field(default_factory=set[str])
    machines: set[str] = field(default_factory=set[str])
    workers: set[str] = field(default_factory=set[str])
    parts: set[str] = field(default_factory=set[str])
    order_quantities: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    completed_by_operation: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    flagged: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, row: Booking) -> None:
        """Count one booking."""
        self.rows += 1
        self.completed += row.completed
        self.rejected += row.rejected
        self.mrb += row.mrb
        if row.rework:
            self.rework_rows += 1
            self.rework_completed += row.completed
        self.completed_by_operation[row.activity_name] += row.completed
        self.orders.add(row.order_no)
        self.operations.add(row.activity_name)
        self.machines.add(row.station)
        self.workers.update(row.by)
        self.parts.add(row.item)
        if row.order_quantity is not None:
            self.order_quantities[row.order_no] = row.order_quantity
        for flag in row.flags:
            self.flagged[flag] += 1
        self._add_time(row)

    def _add_time(self, row: Booking) -> None:
        start, end = row.started_at, row.ended_at
        self.first_start = start if self.first_start is None else min(self.first_start, start)
        if end is None:
            self.open_rows += 1
            return
        self.minutes_us[row.activity] += end - start
        self.spans.append((start, end))
        self.last_complete = end if self.last_complete is None else max(self.last_complete, end)

    @property
    def report_yield(self) -> Ratio:
        """Completed / (completed + rejected + MRB); None when nothing was reported."""
        return report_yield(exact(self.completed), exact(self.rejected), exact(self.mrb))

    @property
    def rework_rate(self) -> Ratio:
        """Rows marked rework / rows."""
        return ratio(self.rework_rows, self.rows)

    @property
    def total_us(self) -> int:
        """Every booking's length added."""
        return sum(self.minutes_us.values())

    @property
    def busy_us(self) -> int:
        """Length of the union of all bookings: overlapping ones count once."""
        total, until = 0, None
        for start, end in sorted(self.spans):
            begin = start if until is None else max(start, until)
            if end > begin:
                total += end - begin
            until = end if until is None else max(until, end)
        return total

    @property
    def window_us(self) -> int | None:
        """Last end less first start: lead time of an order, window of a machine."""
        if self.first_start is None or self.last_complete is None:
            return None
        return self.last_complete - self.first_start


def read_bookings(
    connection: Connection,
    *,
    start: Microseconds | None = None,
    until: Microseconds | None = None,
) -> Sequence[Booking]:
    """Bookings that began in `[start, until)`, in order of their start."""
    return connection.execute(_BOOKINGS, {"start": start, "until": until}).all()


def group_bookings(rows: Iterable[Booking], by: str) -> dict[str, Sums]:
    """Sums by `order`, `machine`, `worker`, `part` or `activity` (the operation booked).

    A booking of several workers counts whole for each of them; one of none for nobody.
    """
    keys: dict[str, Callable[[Booking], Sequence[str]]] = {
        "order": lambda row: (row.order_no,),
        "machine": lambda row: (row.station,),
        "worker": lambda row: row.by,
        "part": lambda row: (row.item,),
        "activity": lambda row: (row.activity_name,),
    }
    found: dict[str, Sums] = defaultdict(Sums)
    for row in rows:
        for key in keys[by](row):
            found[key].add(row)
    return dict(sorted(found.items()))


def total_of(rows: Iterable[Booking]) -> Sums:
    """Sums over all bookings."""
    total = Sums()
    for row in rows:
        total.add(row)
    return total


@dataclass(frozen=True, slots=True)
class LeadTimes:
    """Lead times of orders, minutes."""

    mean: float
    median: float
    shortest: float
    longest: float


def lead_times(orders: dict[str, Sums], *, part: str | None = None) -> LeadTimes | None:
    """Statistics of the lead times of orders (of one part); None without any."""
    minutes = [
        sums.window_us / MINUTE_US
        for sums in orders.values()
        if sums.window_us is not None and (part is None or part in sums.parts)
    ]
    if not minutes:
        return None
    return LeadTimes(fmean(minutes), float(median(minutes)), min(minutes), max(minutes))


def work_in_process(orders: dict[str, Sums], calendar: Calendar) -> dict[date, int]:
    """Orders in process at each local midnight: first start at or before it, last end after it."""
    spans = [
        (sums.first_start, sums.last_complete)
        for sums in orders.values()
        if sums.first_start is not None and sums.last_complete is not None
    ]
    if not spans:
        return {}
    day = local_date(calendar, min(start for start, _ in spans))
    last = local_date(calendar, max(end for _, end in spans))
    found: dict[date, int] = {}
    while day <= last and len(found) < DAYS_MAX:
        midnight = day_of(calendar, day)[0]
        found[day] = sum(start <= midnight < end for start, end in spans)
        day += timedelta(days=1)
    return found
