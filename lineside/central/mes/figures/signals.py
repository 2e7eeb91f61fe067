"""Seconds by status, tools, programs and alarms of a stretch of a station's time."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from lineside.central.kit.together import Statement, read_together
from lineside.contracts.clock import Microseconds

UNKNOWN = "UNKNOWN"
STATUS_ROLES = ("program_status", "execution", "state")
Changes = list[tuple[Microseconds, str]]
MICROSECOND = Decimal("0.000001")

_SIGNALS = """
    SELECT wanted.n, s.role, s.value, s.occurred_at
    FROM unnest(
        CAST(%(stations)s AS text[]), CAST(%(starts)s AS bigint[]), CAST(%(ends)s AS bigint[])
    ) WITH ORDINALITY AS wanted (station, start_at, end_at, n)
    JOIN station_signal s ON s.station = wanted.station
     AND s.occurred_at >= wanted.start_at AND s.occurred_at <= wanted.end_at
    ORDER BY wanted.n, s.occurred_at, s.edge, s.epoch, s.seq
"""
_ALARMS = """
    SELECT wanted.n, a.*
    FROM unnest(
        CAST(%(stations)s AS text[]), CAST(%(starts)s AS bigint[]), CAST(%(ends)s AS bigint[])
    ) WITH ORDINALITY AS wanted (station, start_at, end_at, n)
    JOIN station_alarm a ON a.station = wanted.station
     AND a.occurred_at >= wanted.start_at AND a.occurred_at <= wanted.end_at
    ORDER BY wanted.n, a.occurred_at, a.edge, a.epoch, a.seq
"""
_CARRIED_IN = text("""
    SELECT DISTINCT ON (role) role, value FROM station_signal
    WHERE station = :station AND occurred_at < :start_at
    ORDER BY role, occurred_at DESC, edge, epoch DESC, seq DESC
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of a station's time, both ends included for events at them."""

    station: str
    start: Microseconds
    end: Microseconds


@dataclass(slots=True)
class StretchSignals:
    """What signals and alarms said in a stretch.

    Attributes:
        changes: Role to its (time, value) in order of time.
        alarms: Rows of `station_alarm`.
    """

    stretch: Stretch
    changes: dict[str, Changes] = field(default_factory=dict[str, Changes])
    alarms: list[Any] = field(default_factory=list[Any])

    def seconds(self, role: str, *, before: str = UNKNOWN) -> dict[str, Decimal]:
        """Seconds by value of a role, exact to the microsecond; they sum to the stretch.

        Args:
            role: Which signal.
            before: What held until the first change.
        """
        spans: dict[str, int] = defaultdict(int)
        value, since = before, self.stretch.start
        for at, new in self.changes.get(role, []):
            spans[value] += at - since
            value, since = new, at
        spans[value] += self.stretch.end - since
        return {name: span * MICROSECOND for name, span in sorted(spans.items()) if span}

    def status_role(self) -> str:
        """The role that tells the machine's own status here."""
        return next((role for role in STATUS_ROLES if self.changes.get(role)), STATUS_ROLES[0])

    def sequence(self, role: str, *, without: re.Pattern[str] | None = None) -> list[str]:
        """Values of a role in order; those that match `without` dropped, repeats merged."""
        found: list[str] = []
        for _, value in self.changes.get(role, []):
            dropped = without is not None and without.fullmatch(value)
            if not dropped and (not found or found[-1] != value):
                found.append(value)
        return found

    def distinct(self, role: str) -> list[str]:
        """Values of a role in the order of their first appearance."""
        return list(dict.fromkeys(value for _, value in self.changes.get(role, [])))


def statements(stretches: Sequence[Stretch]) -> list[Statement]:
    """The two reads that tell signals and alarms of any number of stretches."""
    wanted = {
        "stations": [stretch.station for stretch in stretches],
        "starts": [stretch.start for stretch in stretches],
        "ends": [stretch.end for stretch in stretches],
    }
    return [(_SIGNALS, wanted), (_ALARMS, wanted)]


def sorted_out(
    stretches: Sequence[Stretch], signals: Sequence[Any], alarms: Sequence[Any]
) -> list[StretchSignals]:
    """The rows of both reads, by stretch."""
    found = [StretchSignals(stretch) for stretch in stretches]
    for row in signals:
        said = found[int(row.n) - 1]
        said.changes.setdefault(row.role, []).append((row.occurred_at, row.value))
    for row in alarms:
        found[int(row.n) - 1].alarms.append(row)
    return found


def signals_in(connection: Connection, stretches: Sequence[Stretch]) -> list[StretchSignals]:
    """Signals and alarms of several stretches, in one round trip."""
    signals, alarms = read_together(connection, statements(stretches))
    return sorted_out(stretches, signals, alarms)


def carried_in(connection: Connection, station: str, at: Microseconds) -> dict[str, str]:
    """The value of each role that held when a stretch began; roles without one are left out."""
    rows = connection.execute(_CARRIED_IN, {"station": station, "start_at": at})
    return {row.role: row.value for row in rows}
