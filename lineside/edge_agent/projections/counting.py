"""Counts that a person has to look at: over a boundary, and before the first piece was released."""

from __future__ import annotations

from lineside.contracts import events as ev
from lineside.edge_agent.projections.floor import (
    BEFORE_RELEASE_MAX,
    SPANNED_MAX,
    BeforeRelease,
    Floor,
    SpannedCount,
    StationState,
    job_key,
)

SPANS = "spans"
SPLIT = "split"
BEFORE_RELEASE = "before_release"


def counter_read(station: StationState, event: ev.CounterRead, seq: int) -> None:
    """Remember an increment over a boundary, or how a person split it."""
    if SPLIT in event.flags:
        _split(station, event, seq)
        return
    since = station.readings.get(event.counter)
    station.readings[event.counter] = max(event.occurred_at, since or 0)
    if since is None or SPANS not in event.flags or not event.pieces_per_count:
        return
    station.spanned.append(
        SpannedCount(
            seq=seq,
            counter=event.counter,
            role=event.role.value,
            since=since,
            at=event.occurred_at,
            value=event.value,
            increment=event.increment,
            modulus=event.modulus,
            max_per_min=event.max_per_min,
            pieces_per_count=event.pieces_per_count,
            resetting=event.resetting,
            item=event.item,
            jobs=event.jobs,
            parts=(seq,),
        )
    )
    del station.spanned[:-SPANNED_MAX]


def _split(station: StationState, event: ev.CounterRead, seq: int) -> None:
    for count in station.spanned:
        if count.counter != event.counter or not count.since < event.occurred_at <= count.at:
            continue
        if event.occurred_at < count.at:
            count.boundary, count.before = event.occurred_at, event.increment
            count.parts = (seq,)
        else:
            count.parts = (*count.parts, seq)
        return


def declared(station: StationState, event: ev.QuantityDeclared, seq: int) -> None:
    """Remember what was marked before a release, and forget what a release took off again."""
    key = job_key(event.order, event.operation)
    marks = station.before_release
    if event.corrects is not None:
        unmarked(station, event.corrects.seq)
    elif BEFORE_RELEASE in event.flags:
        _marked(marks.setdefault(key, []), event, seq)


def _marked(marks: list[BeforeRelease], event: ev.QuantityDeclared, seq: int) -> None:
    marks.append(
        BeforeRelease(
            seq=seq,
            at=event.occurred_at,
            kind=event.kind,
            amount=event.quantity.value,
            serial=event.thing.id if event.thing is not None else "",
        )
    )
    del marks[:-BEFORE_RELEASE_MAX]


def unmarked(station: StationState, seq: int) -> None:
    """What an event marked did not happen."""
    for key, marks in station.before_release.items():
        if any(mark.seq == seq for mark in marks):
            station.before_release[key] = [mark for mark in marks if mark.seq != seq]
            return


def given_up(floor: Floor, order: str, operation: str, serial: str) -> None:
    """A first piece that turned out bad is none: another one has to be made and presented."""
    key = job_key(order, operation)
    piece = floor.first_pieces.get(key)
    if piece is not None and not piece.released and serial and piece.serial == serial:
        del floor.first_pieces[key]
