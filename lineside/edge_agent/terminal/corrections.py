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
Decide = Callable[[Situation], Decision]


def undoable(s: Situation, entry: Entry) -> bool:
    """Whether an entry may be taken back from here now."""
    return isinstance(_mine(s, entry), Entry)


def take_back(s: Situation, seq: int, reason: str) -> Decision:
    """An own entry did not happen; seq 0 means the last one."""
    entry = _find(s, seq)
    if isinstance(entry, Decision):
        return entry
    told = s.changed(source=Source.CORRECTION, reason=reason)
    events = [
        told.tell(EventVoided, voids=s.ref(one)) for one in range(entry.seq, entry.last_seq + 1)
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
        for one in range(entry.seq, entry.last_seq + 1)
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


def _find(s: Situation, seq: int) -> Entry | Decision:
    if seq == 0:
        for entry in reversed(s.state.entries):
            if entry.verdict != "refused" and not entry.voided and entry.act:
                return _mine(s, entry)
        return refused("entry.none")
    for entry in s.state.entries:
        if entry.seq <= seq <= entry.last_seq:
            return _mine(s, entry)
    return refused("entry.unknown", seq=str(seq))


def _mine(s: Situation, entry: Entry) -> Entry | Decision:
    if entry.voided:
        return refused("entry.voided_already", subject=entry.subject)
    if not entry.act or entry.verdict == "refused":
        return refused("entry.not_undoable", subject=entry.subject)
    if entry.by and not set(entry.by) & set(s.by) and not s.overrides():
        return refused("entry.not_yours", subject=entry.subject, person=", ".join(entry.by))
    place = s.state.entries.index(entry)
    if entry.before and any(one.changed_floor for one in s.state.entries[place + 1 :]):
        return refused("entry.too_late", subject=entry.subject)
    return entry
