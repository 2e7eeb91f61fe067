"""Taking back and replacing what was entered; both versions stay visible, nothing is edited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.events import Event, EventCorrected, EventVoided, Source, TimeSource
from lineside.edge_agent.projections.floor import Entry, decode_floor
from lineside.edge_agent.terminal.situation import Decision, Situation, accepted, refused

AHEAD_US = 60 * US_PER_SECOND
BY_SCAN = "CMD-UNDO"
Decide = Callable[[Situation], Decision]

# What is never taken back, with the verdict that says what to do instead.
FINAL = {
    "event_voided": "entry.is_undo",
    "event_corrected": "entry.is_undo",
    "booking_moved": "entry.moved",
    "counter_read": "entry.split",
    "first_piece_released": "entry.first_piece",
}
# Kinds that are entered again in their own dialog: what replaces them.
CHANGED_BY: dict[str, str] = {
    "defect_recorded": "defect",
    "quantity_declared": "declare",
    "weighed": "declare",
    "material_mounted": "mount",
    "order_finished": "finish_order",
    "order_started": "start_order",
    "unit_finished": "finish_unit",
    "reason_given": "reason",
    "reason_changed": "reason",
}


def why_not(s: Situation, entry: Entry) -> Decision | None:
    """Why an entry cannot be taken back from here now; None: it can."""
    found = _mine(s, entry)
    return found if isinstance(found, Decision) else None


def changed_by(s: Situation, entry: Entry) -> str:
    """Kind of the act that may replace an entry; empty: it is only taken back, or not even that."""
    return "" if why_not(s, entry) is not None else CHANGED_BY.get(entry.kind, "")


def take_back(s: Situation, seq: int, reason: str) -> Decision:
    """An own entry did not happen; seq 0 means the last one."""
    entry = _find(s, seq)
    if isinstance(entry, Decision):
        return entry
    told = s.changed(source=Source.CORRECTION, reason=reason)
    events = [
        told.tell(EventVoided, voids=s.ref(one)) for one in range(_facts(entry), entry.last_seq + 1)
    ]
    return accepted("entry.voided", events, subject=entry.subject, seq=str(entry.seq))


def replace_entry(s: Situation, seq: int, reason: str, decide: Decide) -> Decision:
    """An own entry is replaced by what another act says, decided on what stood before it."""
    entry = _find(s, seq)
    if isinstance(entry, Decision):
        return entry
    state = msgspec.structs.replace(s.state)
    if entry.before:
        state.floor = decode_floor(entry.before)
    then = s.changed(
        state=state, at=entry.at, source=Source.CORRECTION, reason=reason,
        by=s.by or entry.by, flags=(*s.flags, "late"),
    )  # fmt: skip
    decision = decide(then)
    if not decision.accepted:
        return decision
    told = s.changed(source=Source.CORRECTION, reason=reason)
    corrected: list[Event] = [
        told.tell(EventCorrected, corrects=s.ref(one))
        for one in range(_facts(entry), entry.last_seq + 1)
    ]
    return replace(
        decision, code="entry.corrected", events=(*corrected, *decision.events), words=None,
        params={**decision.params, "subject": entry.subject, "seq": str(entry.seq)},
    )  # fmt: skip


def back_entry(
    s: Situation, at: Microseconds, until: Microseconds | None, decide: Decide
) -> Decision:
    """What was written on paper, with its true time (补录)."""
    if at > s.now + AHEAD_US:
        return refused("time.ahead")
    if until is not None and until < at:
        return refused("time.backwards")
    then = s.changed(
        at=at,
        until=until,
        source=Source.BACK_ENTRY,
        time_source=TimeSource.PERSON,
        flags=tuple(sorted({*s.flags, "late"})),
    )
    return decide(then)


def _facts(entry: Entry) -> int:
    """First event of an act that says something itself.

    What the act has replaced stays replaced: else taking a correction back would book the first
    version again, and nobody asked for that.
    """
    return entry.facts or entry.seq


def _find(s: Situation, seq: int) -> Entry | Decision:
    if seq == 0:
        for entry in reversed(s.state.entries):
            refused_or_undo = entry.verdict == "refused" or entry.kind in _UNDOS
            if not refused_or_undo and not entry.voided and entry.act:
                return _mine(s, entry)
        return refused("entry.none")
    for entry in s.state.entries:
        if entry.seq <= seq <= entry.last_seq:
            return _mine(s, entry)
    return refused("entry.unknown", seq=str(seq))


def _mine(s: Situation, entry: Entry) -> Entry | Decision:
    if entry.voided:
        return refused("entry.voided_already", subject=entry.subject)
    if entry.verdict == "refused":
        return refused("entry.nothing_booked", subject=entry.subject)
    if entry.kind in FINAL:
        return refused(FINAL[entry.kind], subject=entry.subject, **_places(entry))
    if not entry.act:
        return refused("entry.not_undoable", subject=entry.subject)
    if entry.by and not set(entry.by) & set(s.by) and not s.overrides():
        return refused("entry.not_yours", subject=entry.subject, person=", ".join(entry.by))
    place = s.state.entries.index(entry)
    if entry.before and any(one.changed_floor for one in s.state.entries[place + 1 :]):
        return refused("entry.too_late", subject=entry.subject)
    return entry


def _places(entry: Entry) -> dict[str, str]:
    return {"order": entry.params.get("from_order", "")} if entry.kind == "booking_moved" else {}


_UNDOS = frozenset({"event_voided", "event_corrected"})
