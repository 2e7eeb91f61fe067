"""Which things an event is about, and what of it a history shows."""

from __future__ import annotations

from typing import Any

import msgspec

from lineside.contracts import events as ev
from lineside.contracts.events.base import Event as BaseEvent
from lineside.contracts.units import Thing

_BASE_FIELDS = frozenset(BaseEvent.__struct_fields__)
_COLUMNS = frozenset({"order", "operation"})

# The fields of an event that name things, and the role that each plays in the thing's own history.
THING_FIELDS: dict[type[ev.Event], tuple[str, ...]] = {
    ev.UnitStarted: ("unit",),
    ev.UnitFinished: ("unit",),
    ev.UnitRerouted: ("unit",),
    ev.UnitDisposed: ("unit",),
    ev.MaterialMounted: ("material",),
    ev.MaterialUnmounted: ("material",),
    ev.Consumed: ("material", "into"),
    ev.ComponentFitted: ("component", "into"),
    ev.ComponentRemoved: ("component", "out_of"),
    ev.LotCreated: ("lot",),
    ev.LotSplit: ("lot", "into"),
    ev.LotMerged: ("lot", "into"),
    ev.PutInCarrier: ("content", "carrier"),
    ev.TakenOutOfCarrier: ("content", "carrier"),
    ev.SerialAssigned: ("unit", "lot"),
    ev.LabelPrinted: ("thing",),
    ev.LabelReprinted: ("thing",),
    ev.LabelVoided: ("thing",),
    ev.SentToSupplier: ("thing",),
    ev.ReceivedFromSupplier: ("thing",),
    ev.DefectRecorded: ("thing",),
    ev.Inspected: ("thing",),
    ev.Measured: ("thing",),
    ev.Held: ("thing",),
    ev.Released: ("thing",),
}
TRACE_EVENTS: tuple[type[ev.Event], ...] = (*THING_FIELDS, ev.EventVoided, ev.EventCorrected)


def things_in(event: ev.Event) -> list[tuple[str, Thing]]:
    """Role and thing, for every thing that the event is about; each thing once."""
    found: list[tuple[str, Thing]] = []
    for field in THING_FIELDS.get(type(event), ()):
        thing: Thing | None = getattr(event, field)
        if thing is not None and all(thing != other for _, other in found):
            found.append((field, thing))
    return found


def detail_of(event: ev.Event, role: str) -> dict[str, Any]:
    """What the event says beyond its columns; `role` is the part that this thing played."""
    document: dict[str, Any] = {"role": role}
    for field in event.__struct_fields__:
        if field not in _BASE_FIELDS and field not in _COLUMNS and field != role:
            document[field] = msgspec.to_builtins(getattr(event, field), str_keys=True)
    if event.verdict is not None:
        document["verdict"] = msgspec.to_builtins(event.verdict)
    if event.used is not None:
        document["used"] = msgspec.to_builtins(event.used)
    return document


def order_of(event: ev.Event) -> tuple[str, str]:
    """Order and operation: the event's own, else the only job on the station, else empty."""
    order: str = getattr(event, "order", "")
    operation: str = getattr(event, "operation", "")
    if not order and len(event.jobs) == 1:
        order, operation = event.jobs[0].order, event.jobs[0].operation
    return order, operation


def type_of(event: ev.Event) -> str:
    """The event's type as it stands in the journal."""
    return str(event.__struct_config__.tag)
