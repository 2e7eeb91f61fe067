"""Events to entries of the list that a terminal shows: what it was about, in a few named values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lineside.contracts import events as ev
from lineside.contracts.units import Quantity, Thing
from lineside.edge_agent.projections.floor import Entry

PARAMETERS_SHOWN_MAX = 3

# Kinds that are shown, with the fields that their text and subject need.
_SHOWN: dict[type[ev.Event], tuple[str, ...]] = {
    ev.ScanRefused: ("raw", "meaning", "detail"),
    ev.SignedOn: (),
    ev.SignedOff: (),
    ev.OrderStarted: ("order", "operation", "item", "activity", "booking"),
    ev.OrderPaused: ("order", "operation", "booking"),
    ev.OrderFinished: ("order", "operation", "booking"),
    ev.SetupStarted: ("order", "operation"),
    ev.FirstPiecePresented: ("order", "operation", "serial"),
    ev.FirstPieceReleased: ("order", "operation", "serial"),
    ev.SpanDeclared: ("order", "operation", "activity", "booking"),
    ev.BookingMoved: ("from_order", "to_order"),
    ev.ReasonGiven: ("code",),
    ev.ReasonChanged: ("code", "previous"),
    ev.OverrideApproved: ("code", "serial"),
    ev.CallRaised: ("topic",),
    ev.CallAcknowledged: (),
    ev.CallResolved: ("outcome",),
    ev.PlannedDowntimeDeclared: ("code",),
    ev.UnitStarted: ("unit", "order", "operation"),
    ev.UnitFinished: ("unit", "result", "order", "operation"),
    ev.UnitDisposed: ("unit", "disposition", "defect"),
    ev.MaterialMounted: ("material", "quantity"),
    ev.MaterialUnmounted: ("material",),
    ev.ComponentFitted: ("component", "into"),
    ev.ComponentRemoved: ("component",),
    ev.DefectRecorded: ("code", "thing", "quantity", "order"),
    ev.Inspected: ("thing", "passed"),
    ev.SerialAssigned: ("unit", "order"),
    ev.LotCreated: ("lot", "quantity", "order"),
    ev.LabelPrinted: ("thing", "copy"),
    ev.LabelReprinted: ("thing", "copy"),
    ev.PutInCarrier: ("content", "carrier", "quantity"),
    ev.TakenOutOfCarrier: ("content", "carrier", "quantity"),
    ev.QuantityDeclared: ("kind", "quantity", "order"),
    ev.Weighed: ("weight", "pieces", "order"),
    ev.CounterRead: ("counter",),
    ev.EventVoided: (),
    ev.EventCorrected: (),
    ev.GapFound: ("device", "signal", "detail"),
}
# What a machine's piece brings with it; the piece itself is shown.
_FOLLOWS = (ev.Inspected, ev.QuantityDeclared)
_SUBJECTS = (
    "unit",
    "content",
    "lot",
    "component",
    "material",
    "thing",
    "serial",
    "order",
    "topic",
    "raw",
    "code",
)
SPLIT = "split"


def describe(event: ev.Event, seq: int, *, topic: str = "") -> Entry | None:
    """The entry of an event; None for kinds that the list does not show.

    Args:
        event: As stored.
        seq: Its number.
        topic: Of the call that it is about, where it names only its id.
    """
    fields = _SHOWN.get(type(event))
    if isinstance(event, ev.CounterRead) and SPLIT not in event.flags:
        return None  # a machine's readings are too many for a list of acts
    if fields is None or (event.source is ev.Source.SIGNAL and isinstance(event, _FOLLOWS)):
        return None
    params = {name: text for name in fields if (text := _text(getattr(event, name)))}
    params.update(_extras(event))
    if topic:
        params["topic"] = topic
    verdict = event.verdict
    return Entry(
        seq=seq,
        last_seq=seq,
        at=event.occurred_at,
        kind=str(type(event).__struct_config__.tag),
        subject=_subject(event, params),
        verdict="none" if verdict is None else "accepted" if verdict.allowed else "refused",
        code=verdict.code if verdict is not None else "",
        params=params,
        by=event.by,
        flags=event.flags,
        act=event.act.id if event.act is not None else "",
    )


def _subject(event: ev.Event, params: dict[str, str]) -> str:
    if isinstance(event, ev.SignedOn | ev.SignedOff):
        return ", ".join(event.by)
    return next((params[name] for name in _SUBJECTS if name in params), "")


def _extras(event: ev.Event) -> dict[str, str]:
    extras: dict[str, str] = {}
    if isinstance(event, ev.UnitFinished) and event.parameters:
        shown = list(event.parameters.items())[:PARAMETERS_SHOWN_MAX]
        extras["parameters"] = ", ".join(f"{name} {value}" for name, value in shown)
    if isinstance(event, ev.CounterRead):
        extras["pieces"] = amount(event.increment * event.pieces_per_count)
    if event.position:
        extras["position"] = event.position
    if event.reason:
        extras["reason"] = event.reason
    target = event.voids or event.corrects
    if target is not None:
        extras["seq"] = str(target.seq)
    return extras


def _text(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, Thing):
        return value.id
    if isinstance(value, Quantity):
        return f"{amount(value.value)} {value.unit}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return amount(value)
    return "" if value is None else str(value)


def amount(value: Decimal) -> str:
    """A quantity without needless zeros: `12`, `0.5`."""
    return f"{value.normalize():f}" if value else "0"
