"""What others ask of figures: seconds by status, tools, programs and alarms of a station's time."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from lineside.central.kit.together import Statement, read_together
from lineside.central.mes.figures import queries
from lineside.contracts.clock import Microseconds

UNKNOWN = "UNKNOWN"
STATUS_ROLES = ("program_status", "execution", "state")
Changes = list[tuple[Microseconds, str]]
MICROSECOND = Decimal("0.000001")


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
    return queries.signals_and_alarms([(one.station, one.start, one.end) for one in stretches])


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
