"""Stops, reasons, first pieces, calls: what a shift says about its station."""

from __future__ import annotations

from lineside.contracts.clock import Microseconds
from lineside.contracts.events import (
    CallAcknowledged,
    CallRaised,
    CallResolved,
    FirstPiecePresented,
    FirstPieceReleased,
    MachineState,
    PlannedDowntimeDeclared,
    ReasonGiven,
    StateChanged,
)
from lineside.edge_agent.projections.floor import job_key
from lineside.edge_agent.terminal.first_pieces import cleared, presented
from lineside.edge_agent.terminal.situation import (
    CANCEL,
    Decision,
    Situation,
    accepted,
    ask,
    option,
    refused,
)
from lineside.edge_agent.terminal.span_acts import check_span

OPTIONS_MAX = 24
TOPICS = {
    "maintenance": ("维修", "Maintenance"),
    "material": ("物料", "Material"),
    "quality": ("质量", "Quality"),
    "leader": ("班长", "Shift leader"),
}
NOTICE_TOPICS = {"journal.salvaged": ("记录文件曾损坏", "Damaged records")}
"""What a banner is about that a shift leader acknowledges; nobody calls for it by hand."""


def give_reason(
    s: Situation, *, start: Microseconds, end: Microseconds, code: str, text: str = ""
) -> Decision:
    """Why the station stood; of two reasons the later one counts."""
    if (wrong := check_span(s, start, end)) is not None:
        return wrong
    stops = s.plant.reasons.stops
    if stops and code not in stops:
        return refused("reason.unknown", code=code)
    event = s.tell(
        ReasonGiven, occurred_at=start, occurred_until=end, code=code, text=text, jobs=()
    )
    return accepted("reason.given", [event], code=code)


def reason_scanned(
    s: Situation, code: str, stops: list[tuple[Microseconds, Microseconds]]
) -> Decision:
    """A reason by scan belongs to the oldest stop that nobody has explained."""
    if not stops:
        return refused("reason.no_stop")
    if not code and not s.confirm:
        options = [
            option(name, zh, en, f"CMD-REASON-{name}")
            for name, (zh, en) in list(s.plant.reasons.stops.items())[:OPTIONS_MAX]
        ]
        return ask("reason.which", [*options, CANCEL])
    start, end = stops[0]
    return give_reason(s, start=start, end=end, code=code or s.confirm)


def present_first_piece(
    s: Situation, *, order: str = "", operation: str = "", serial: str = ""
) -> Decision:
    """The first piece waits for a second person."""
    job = (
        s.state.job_of(order, operation) if order else next(iter(s.state.floor.jobs.values()), None)
    )
    if job is None:
        return refused("order.not_running", order=order)
    last = s.state.last_finished
    mine = last is not None and (last.order, last.operation) == (job.order, job.operation)
    shown = serial or (last.serial if last is not None and mine else "")
    event = s.tell(FirstPiecePresented, order=job.order, operation=job.operation, serial=shown)
    return accepted("first_piece.presented", [event], order=job.order, serial=shown)


def release_first_piece(
    s: Situation,
    *,
    order: str = "",
    operation: str = "",
    serial: str = "",
    person: str = "",
    badge: str = "",
) -> Decision:
    """A second person releases the operation."""
    known = s.plant.person_of_badge(badge) if badge else s.plant.person(person)
    if badge and known is None:
        return refused("person.unknown_badge", badge=badge)
    who = known.person if known is not None else person
    waiting = [
        (key, piece)
        for key, piece in presented(s)
        if not order or key == job_key(order, operation or key[len(order) + 1 :])
    ]
    if not waiting:
        return refused("first_piece.none")
    key, piece = waiting[-1]
    if not who or who in piece.by:
        return refused("first_piece.same_person", person=who)
    name, _, number = key.partition("/")
    event = s.tell(
        FirstPieceReleased, by=(who,), order=name, operation=number, serial=serial or piece.serial
    )
    events = [event, *cleared(s.changed(by=(who,)), name, number, piece)]
    return accepted("first_piece.released", events, order=name, person=who, serial=piece.serial)


def raise_call(s: Situation, call: str, topic: str) -> Decision:
    """Help is wanted."""
    if not topic and not s.confirm:
        options = [option(name, zh, en, f"CMD-CALL-{name}") for name, (zh, en) in TOPICS.items()]
        return ask("call.which", [*options, CANCEL])
    chosen = topic or s.confirm
    event = s.tell(CallRaised, call=call, topic=chosen)
    return accepted("call.raised", [event], topic=chosen)


def acknowledge_call(s: Situation, call: str) -> Decision:
    """Somebody is coming."""
    if call not in s.state.floor.calls:
        return refused("call.unknown", call=call)
    return accepted("call.acknowledged", [s.tell(CallAcknowledged, call=call)])


def acknowledge_notice(s: Situation, notice: str) -> Decision:
    """A shift leader takes note of a banner: the fact is a call of that name, acknowledged."""
    if not s.led():
        return refused("notice.leader_needed")
    return accepted("notice.acknowledged", [s.tell(CallAcknowledged, call=notice, by=_leaders(s))])


def _leaders(s: Situation) -> tuple[str, ...]:
    """Who acts, with the leader whose badge allowed it."""
    allowing = () if s.overrider is None else (s.overrider.person,)
    return tuple(dict.fromkeys((*s.by, *allowing)))


def resolve_call(s: Situation, call: str, outcome: str) -> Decision:
    """The call is closed."""
    if call not in s.state.floor.calls:
        return refused("call.unknown", call=call)
    return accepted("call.resolved", [s.tell(CallResolved, call=call, outcome=outcome)])


def plan_stop(s: Situation, *, start: Microseconds, end: Microseconds, code: str) -> Decision:
    """The station is planned to stand, also ahead."""
    if end <= start:
        return refused("time.backwards")
    event = s.tell(
        PlannedDowntimeDeclared, occurred_at=start, occurred_until=end, code=code, jobs=()
    )
    return accepted("stop.planned", [event], code=code)


def set_state(s: Situation, state: str, detail: str) -> Decision:
    """A person says what the station does; only where no signal tells."""
    if s.station.state_from != "acts":
        return refused("state.from_signals", station=s.station.id)
    event = s.tell(StateChanged, state=MachineState(state), detail=detail)
    return accepted("state.set", [event], state=state)
