"""What facts of a machine mean for the pieces in work at its station."""

from __future__ import annotations

from lineside.contracts.events import CounterRead, CounterRole, Event, PieceCompleted, Source
from lineside.edge_agent.projections.floor import OpenUnit
from lineside.edge_agent.terminal.finishing import ONE, finish_events, quantity_event
from lineside.edge_agent.terminal.first_pieces import marks
from lineside.edge_agent.terminal.situation import Situation


def extend(s: Situation, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """The same facts, each finished piece followed by what it means; committed together."""
    finishing = {trigger.name for trigger in s.station.trigger if trigger.finishes_unit}
    waiting = list(s.state.floor.units)
    told: list[Event] = []
    for event in events:
        told.append(event)
        if isinstance(event, PieceCompleted) and event.trigger in finishing:
            told += _piece(s, event, waiting)
        elif isinstance(event, CounterRead) and event.role is CounterRole.PRODUCED:
            told += _counted(s, event)
    return tuple(told)


def _counted(s: Situation, event: CounterRead) -> list[Event]:
    """What a counter counts before the first piece is released is marked as the rule says."""
    pieces = event.increment * event.pieces_per_count
    if not pieces:
        return []
    then = s.changed(at=event.occurred_at, time_source=event.time_source, source=Source.SIGNAL)
    return [
        mark
        for job in event.jobs
        for mark in marks(then, job.order, job.operation, pieces * job.share)
    ]


def _piece(s: Situation, event: PieceCompleted, waiting: list[OpenUnit]) -> list[Event]:
    then = s.changed(
        at=event.occurred_at,
        time_source=event.time_source,
        source=Source.SIGNAL,
        by=tuple(s.state.floor.people),
    )
    result = "fail" if event.good is False else "pass"
    unit = _unit_of(event, waiting)
    if unit is not None:
        waiting.remove(unit)
        return finish_events(then, unit, result=result, parameters=event.parameters)
    if s.station.counts_from != "unit_finished":
        return []
    # A piece without number at a station whose finished pieces are its count.
    told: list[Event] = []
    for job in list(s.state.floor.jobs.values())[:1]:
        place = {"order": job.order, "operation": job.operation}
        told.append(quantity_event(then, "produced", ONE, **place))
        if result == "fail":
            told.append(quantity_event(then, "scrap", ONE, **place))
        else:
            told += marks(then, job.order, job.operation, ONE)
    return told


def _unit_of(event: PieceCompleted, waiting: list[OpenUnit]) -> OpenUnit | None:
    """The piece that the machine names, else the one that has been in work longest."""
    named = event.parameters.get("serial", "")
    if named:
        return next((unit for unit in waiting if unit.serial == named), None)
    return waiting[0] if waiting else None
