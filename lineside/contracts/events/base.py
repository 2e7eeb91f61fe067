"""What every event carries; the types stand in the sibling files."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from lineside.contracts.clock import Microseconds
from lineside.contracts.units import Act, EventRef, JobShare, Used, Verdict


class TimeSource(StrEnum):
    """Whose clock gave `occurred_at`."""

    DEVICE = "device"
    EDGE = "edge"
    PERSON = "person"


class Source(StrEnum):
    """Where the event came from."""

    SIGNAL = "signal"
    SCAN = "scan"
    TERMINAL = "terminal"
    BACK_ENTRY = "back-entry"
    CORRECTION = "correction"
    SYSTEM = "system"


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Something that happened, told once and never edited.

    Attributes:
        occurred_at: Business time, microseconds UTC: the device's where its driver trusts it, else
            the edge's. For a span its start.
        occurred_until: End of a span, microseconds UTC, exclusive.
        recorded_at: When the edge recorded it, microseconds UTC. What was known at a moment is what
            was recorded up to it.
        time_source: Whose clock `occurred_at` is.
        source: Signal, scan, terminal, back-entry, correction, system.
        station: Station id, empty for events of the edge itself.
        position: Spindle, cavity, reel slot, nest place.
        by: Opaque person ids.
        jobs: Order operations on the station at that moment; one machine may work on several.
        act: The act that it belongs to.
        used: Revisions in force.
        verdict: What was allowed or refused.
        corrects: The event that this one replaces; both stay visible.
        voids: The event that this one takes back.
        reason: Why it was corrected, voided, overridden, reprinted.
        flags: Marks for people and figures, sorted: `replayed`, `late`, `spans`, `over_gap`,
            `duplicate`, `overlap`, `zero_span`, `over_quantity`, `degraded`, `clock_unsure`,
            `before_release` (made before the first piece was released), `split` (a counter reading
            that a person told afterwards, at a boundary).
    """

    occurred_at: Microseconds
    recorded_at: Microseconds
    occurred_until: Microseconds | None = None
    time_source: TimeSource = TimeSource.EDGE
    source: Source = Source.SIGNAL
    station: str = ""
    position: str = ""
    by: tuple[str, ...] = ()
    jobs: tuple[JobShare, ...] = ()
    act: Act | None = None
    used: Used | None = None
    verdict: Verdict | None = None
    corrects: EventRef | None = None
    voids: EventRef | None = None
    reason: str = ""
    flags: tuple[str, ...] = ()
