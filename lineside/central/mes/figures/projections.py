"""KPI events, station signals and alarms out of events; rebuildable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.figures.tables import kpi_event, station_alarm, station_signal
from lineside.central.projections.base import StoredEvent, identity
from lineside.contracts import events as ev
from lineside.contracts.kpi import from_event

Row = dict[str, Any]
UNAVAILABLE = "UNAVAILABLE"
log = structlog.get_logger("central.figures")

# Facts of a kind that is rare reach back and forward in time; a window reads all of them.
KINDS: dict[type[ev.Event], str] = {
    ev.StateChanged: "state",
    ev.OrderStarted: "order",
    ev.OrderPaused: "order",
    ev.OrderFinished: "order",
    ev.CounterRead: "counter",
    ev.CounterReset: "counter",
    ev.QuantityDeclared: "quantity",
    ev.Inspected: "inspection",
    ev.SpanDeclared: "rare",
    ev.ReasonGiven: "rare",
    ev.ReasonChanged: "rare",
    ev.PlannedDowntimeDeclared: "rare",
    ev.BookingMoved: "rare",
    ev.EventVoided: "rare",
    ev.EventCorrected: "rare",
}
_encode = msgspec.json.Encoder(decimal_format="string").encode


class KpiEvents:
    """The events that figures need, by station and time."""

    name = "mes_kpi"
    version = 1
    tables: tuple[Table, ...] = (kpi_event,)
    follows: tuple[str, ...] = ()
    event_types: tuple[type[ev.Event], ...] = tuple(KINDS)

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Keep the facts of these events."""
        rows: list[Row] = []
        for stored in events:
            event = stored.event
            facts = from_event(event, seq=stored.seq, edge=f"{stored.edge}/{stored.epoch}")
            if facts and event.station:
                kind = "rare" if event.voids or event.corrects else KINDS[type(event)]
                rows.append(
                    identity(stored)
                    | {
                        "station": event.station,
                        "kind": kind,
                        "subject": _subject(event),
                        "occurred_at": event.occurred_at,
                        "facts": _encode(facts),
                    }
                )
        if rows:
            work.connection.execute(insert(kpi_event).on_conflict_do_nothing(), rows)


def _subject(event: ev.Event) -> str:
    match event:
        case ev.CounterRead() | ev.CounterReset():
            return event.counter
        case ev.Inspected():
            return event.thing.id
        case _:
            return ""


class StationSignals:
    """Discrete signals and alarms of stations, for unit histories and machine days."""

    name = "mes_signals"
    version = 1
    tables: tuple[Table, ...] = (station_signal, station_alarm)
    follows: tuple[str, ...] = ()
    event_types: tuple[type[ev.Event], ...] = (
        ev.StateChanged,
        ev.SignalChanged,
        ev.AlarmRaised,
    )

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Keep the signals and alarms of these events."""
        signals: list[Row] = []
        alarms: list[Row] = []
        for stored in events:
            match stored.event:
                case ev.StateChanged() as event if event.raw:
                    signals.append(_signal(stored, "state", "", event.raw, initial=False))
                case ev.SignalChanged() as event:
                    value = event.value or UNAVAILABLE
                    signals.append(
                        _signal(stored, event.role, event.signal, value, initial=event.initial)
                    )
                case ev.AlarmRaised() as event:
                    alarms.append(
                        identity(stored)
                        | {
                            "station": event.station,
                            "occurred_at": event.occurred_at,
                            "alarm": event.alarm,
                            "severity": event.severity,
                            "condition": event.condition,
                            "text": event.text,
                        }
                    )
                case _:
                    continue
        for table, rows in ((station_signal, signals), (station_alarm, alarms)):
            if rows:
                work.connection.execute(insert(table).on_conflict_do_nothing(), rows)


def _signal(stored: StoredEvent, role: str, signal: str, value: str, *, initial: bool) -> Row:
    return identity(stored) | {
        "station": stored.event.station,
        "role": role,
        "signal": signal,
        "value": value,
        "occurred_at": stored.event.occurred_at,
        "initial": initial,
    }
