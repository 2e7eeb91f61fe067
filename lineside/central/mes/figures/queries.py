"""Hand-written SQL of figures: signals, alarms, and what a reader knows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from lineside.central.kit.together import Statement
from lineside.contracts.clock import Microseconds

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


def signals_and_alarms(
    stretches: Sequence[tuple[str, Microseconds, Microseconds]],
) -> list[Statement]:
    """The two reads that tell signals and alarms of any number of (station, start, end)."""
    wanted = {
        "stations": [station for station, _, _ in stretches],
        "starts": [start for _, start, _ in stretches],
        "ends": [end for _, _, end in stretches],
    }
    return [(_SIGNALS, wanted), (_ALARMS, wanted)]


def carried_in(connection: Connection, station: str, at: Microseconds) -> dict[str, str]:
    """The value of each role that held when a stretch began; roles without one are left out."""
    rows = connection.execute(_CARRIED_IN, {"station": station, "start_at": at})
    return {row.role: row.value for row in rows}
