"""What each event changes on the floor of a station: one small function a kind."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lineside.contracts import events as ev
from lineside.contracts.clock import Microseconds
from lineside.edge_agent.projections.counting import counter_read, declared, given_up
from lineside.edge_agent.projections.floor import (
    CALLS_MAX,
    UNITS_MAX,
    FirstPiece,
    Floor,
    JobOn,
    LastScan,
    Mount,
    OpenCall,
    OpenUnit,
    StationState,
    job_key,
)

JOBS_MAX = 500


def _state(station: StationState, event: ev.StateChanged, _: int) -> None:
    if station.state != event.state.value or station.state_since is None:
        station.state_since = event.occurred_at
    station.state, station.detail = event.state.value, event.detail


def _signal(station: StationState, event: ev.SignalChanged, _: int) -> None:
    station.signals[event.role] = event.value
    if event.role == "tool" and event.value:
        # The first tool that is ever seen was there before.
        if station.tool and event.value != station.tool:
            station.floor.tool_at = event.occurred_at
        station.tool = event.value


def _signed_on(station: StationState, event: ev.SignedOn, _: int) -> None:
    for person in event.by:
        station.floor.people.setdefault(person, event.occurred_at)


def _signed_off(station: StationState, event: ev.SignedOff, _: int) -> None:
    for person in event.by:
        station.floor.people.pop(person, None)


def _order_started(station: StationState, event: ev.OrderStarted, seq: int) -> None:
    floor = station.floor
    same = any(
        (job.order, job.operation) == (event.order, event.operation) for job in floor.jobs.values()
    )
    key = job_key(event.order, event.operation)
    if event.exclusive:
        for job in floor.jobs.values():
            _pause_key(floor, job_key(job.order, job.operation))
        floor.jobs.clear()
    if not same and (key not in floor.paused or event.activity == "setup"):
        floor.setup_at = event.occurred_at
    if key in floor.paused:
        floor.paused.remove(key)
    booking = event.booking or key
    floor.jobs[booking] = JobOn(
        order=event.order,
        operation=event.operation,
        item=event.item,
        booking=booking,
        activity=event.activity,
        started_at=event.occurred_at,
        ideal_cycle_s=event.ideal_cycle_s,
        planned=event.planned_quantity,
        exclusive=event.exclusive,
        seq=seq,
    )
    if len(floor.jobs) > JOBS_MAX:
        del floor.jobs[next(iter(floor.jobs))]
    floor.changed_at = event.occurred_at


def _pause_key(floor: Floor, key: str) -> None:
    if key not in floor.paused:
        floor.paused.append(key)
        del floor.paused[:-JOBS_MAX]


def _order_paused(station: StationState, event: ev.OrderPaused, _: int) -> None:
    _end_job(station.floor, event.booking, event.order, event.operation, event.occurred_at)
    _pause_key(station.floor, job_key(event.order, event.operation))


def _order_finished(station: StationState, event: ev.OrderFinished, _: int) -> None:
    _end_job(station.floor, event.booking, event.order, event.operation, event.occurred_at)
    key = job_key(event.order, event.operation)
    if event.complete and key in station.floor.paused:
        station.floor.paused.remove(key)


def _end_job(floor: Floor, booking: str, order: str, operation: str, at: Microseconds) -> None:
    floor.changed_at = at
    if booking and booking in floor.jobs:
        del floor.jobs[booking]
        return
    for key, job in list(floor.jobs.items()):
        if job.order == order and (not operation or job.operation == operation):
            del floor.jobs[key]


def _setup_started(station: StationState, event: ev.SetupStarted, _: int) -> None:
    station.floor.setup_at = event.occurred_at


def _presented(station: StationState, event: ev.FirstPiecePresented, _: int) -> None:
    station.floor.first_pieces[job_key(event.order, event.operation)] = FirstPiece(
        at=event.occurred_at, serial=event.serial, by=event.by
    )


def _released(station: StationState, event: ev.FirstPieceReleased, _: int) -> None:
    key = job_key(event.order, event.operation)
    piece = station.floor.first_pieces.get(key)
    if piece is None:
        piece = station.floor.first_pieces[key] = FirstPiece(at=event.occurred_at)
    piece.released = True
    piece.at = max(piece.at, event.occurred_at)
    station.before_release.pop(key, None)


def _unit_started(station: StationState, event: ev.UnitStarted, seq: int) -> None:
    units = station.floor.units
    units.append(
        OpenUnit(
            item=event.unit.item,
            serial=event.unit.id,
            issuer=event.unit.issuer,
            order=event.order,
            operation=event.operation,
            since=event.occurred_at,
            attempt=event.attempt,
            seq=seq,
            fitted={},
        )
    )
    del units[:-UNITS_MAX]


def _unit_finished(station: StationState, event: ev.UnitFinished, _: int) -> None:
    found = _open(station, event.unit.item, event.unit.id)
    if found is not None:
        station.floor.units.remove(found)
    station.last_finished = found or OpenUnit(
        item=event.unit.item,
        serial=event.unit.id,
        issuer=event.unit.issuer,
        order=event.order,
        operation=event.operation,
        since=event.occurred_at,
        attempt=event.attempt,
    )
    station.last_result = event.result
    if event.result != "pass":
        given_up(station.floor, event.order, event.operation, event.unit.id)


def _unit_disposed(station: StationState, event: ev.UnitDisposed, _: int) -> None:
    found = _open(station, event.unit.item, event.unit.id)
    if found is not None and event.disposition == "scrap":
        station.floor.units.remove(found)


def _defect(station: StationState, event: ev.DefectRecorded, _: int) -> None:
    if event.thing is not None:
        given_up(station.floor, event.order, event.operation, event.thing.id)


def _open(station: StationState, item: str, serial: str) -> OpenUnit | None:
    for unit in station.floor.units:
        if unit.serial == serial and unit.item == item:
            return unit
    return None


def _fitted(station: StationState, event: ev.ComponentFitted, _: int) -> None:
    unit = _open(station, event.into.item, event.into.id)
    if unit is not None:
        unit.fitted.setdefault(event.component.item, []).append(event.component.id)


def _removed(station: StationState, event: ev.ComponentRemoved, _: int) -> None:
    unit = _open(station, event.out_of.item, event.out_of.id)
    serials = unit.fitted.get(event.component.item, []) if unit is not None else []
    if event.component.id in serials:
        serials.remove(event.component.id)


def _mounted(station: StationState, event: ev.MaterialMounted, _: int) -> None:
    before = station.floor.mounts.get(event.position)
    changed = before is not None and before.material != event.material
    if before is None or changed:
        station.floor.material_at = event.occurred_at
    station.floor.mounts[event.position] = Mount(
        material=event.material,
        left=event.quantity.value,
        unit=event.quantity.unit,
        since=event.occurred_at,
        previous=before.material if before is not None and changed and before.used else None,
    )


def _unmounted(station: StationState, event: ev.MaterialUnmounted, _: int) -> None:
    mount = station.floor.mounts.get(event.position)
    if mount is None or mount.material != event.material:
        return
    if mount.used:
        # Kept until the next lot comes: the first piece after the change may hold both.
        mount.left = event.left.value
        mount.unit = ""
    else:
        del station.floor.mounts[event.position]


def _consumed(station: StationState, event: ev.Consumed, _: int) -> None:
    mount = station.floor.mounts.get(event.position)
    if mount is None:
        return
    if mount.material == event.material:
        mount.left -= event.quantity.value
        mount.used = mount.used or event.quantity.value > Decimal(0)
    elif mount.previous == event.material:
        mount.previous = None


def _call(station: StationState, event: ev.CallRaised, _: int) -> None:
    calls = station.floor.calls
    calls[event.call] = OpenCall(call=event.call, topic=event.topic, since=event.occurred_at)
    if len(calls) > CALLS_MAX:
        del calls[next(iter(calls))]


def _call_acknowledged(station: StationState, event: ev.CallAcknowledged, _: int) -> None:
    call = station.floor.calls.get(event.call)
    if call is not None:
        call.acknowledged = True


def _call_resolved(station: StationState, event: ev.CallResolved, _: int) -> None:
    station.floor.calls.pop(event.call, None)


def _moved(station: StationState, event: ev.BookingMoved, _: int) -> None:
    until = event.occurred_until if event.occurred_until is not None else event.occurred_at
    for job in station.floor.jobs.values():
        inside = event.occurred_at <= job.started_at < until
        if job.order == event.from_order and inside and until >= event.recorded_at:
            job.order, job.operation = event.to_order, event.to_operation or job.operation
            job.item = event.item or job.item
            job.ideal_cycle_s = event.ideal_cycle_s or job.ideal_cycle_s


def _scanned(station: StationState, event: ev.ScanAccepted | ev.ScanRefused, _: int) -> None:
    station.last_scan = LastScan(
        raw=event.raw,
        at=event.occurred_at,
        accepted=isinstance(event, ev.ScanAccepted),
        code=event.verdict.code if event.verdict is not None else "",
        meaning=event.meaning,
    )


HANDLERS: dict[type[ev.Event], Callable[[StationState, Any, int], None]] = {
    ev.StateChanged: _state,
    ev.SignalChanged: _signal,
    ev.SignedOn: _signed_on,
    ev.SignedOff: _signed_off,
    ev.OrderStarted: _order_started,
    ev.OrderPaused: _order_paused,
    ev.OrderFinished: _order_finished,
    ev.SetupStarted: _setup_started,
    ev.FirstPiecePresented: _presented,
    ev.FirstPieceReleased: _released,
    ev.UnitStarted: _unit_started,
    ev.UnitFinished: _unit_finished,
    ev.UnitDisposed: _unit_disposed,
    ev.DefectRecorded: _defect,
    ev.CounterRead: counter_read,
    ev.QuantityDeclared: declared,
    ev.ComponentFitted: _fitted,
    ev.ComponentRemoved: _removed,
    ev.MaterialMounted: _mounted,
    ev.MaterialUnmounted: _unmounted,
    ev.Consumed: _consumed,
    ev.CallRaised: _call,
    ev.CallAcknowledged: _call_acknowledged,
    ev.CallResolved: _call_resolved,
    ev.BookingMoved: _moved,
    ev.ScanAccepted: _scanned,
    ev.ScanRefused: _scanned,
}
