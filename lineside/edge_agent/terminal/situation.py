"""What a decision is made from, and what it is made of. Pure: everything known is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from lineside.contracts.clock import Microseconds
from lineside.contracts.commands import OperationStep, Person
from lineside.contracts.events import Event, Source, TimeSource
from lineside.contracts.scancode import MeaningRules
from lineside.contracts.units import EventRef, JobShare, Thing, Used
from lineside.edge_agent.config import StationSection
from lineside.edge_agent.interpretation.shares import shares_of
from lineside.edge_agent.projections.carriers import CarriersProjection
from lineside.edge_agent.projections.floor import JobOn, StationState
from lineside.edge_agent.projections.numbers import NumbersProjection
from lineside.edge_agent.projections.progress import ProgressProjection
from lineside.edge_agent.projections.units import UnitsProjection
from lineside.edge_agent.terminal.plant import LEADER_ROLES, SHIFT_LEADER_ROLES, Plant
from lineside.edge_agent.terminal.views import Option, Text

AnyEvent = TypeVar("AnyEvent", bound=Event)
# Refusals that the badge of a leader turns into a yes; the page offers it by `Answer.overridable`.
OVERRIDABLE = frozenset(
    {
        "unit.earlier_missing",
        "unit.never_seen",
        "unit.passport_missing",
        "unit.failed_before",
        "unit.part_not_finished",
        "material.missing",
        "entry.not_yours",
        "span.leader_needed",
        "notice.leader_needed",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is answered and what is booked.

    Attributes:
        answer: `accepted`, `refused`, `ask`.
        code: Stable dotted name; its texts stand in `texts`.
        params: Values in the texts.
        events: What is committed with the answer, without act.
        options: Choices of an `ask`.
        words: What, why and what to do, where they are not those of the code.
        degraded: What was not known when it was allowed.
        overridden: Codes of the rules that a leader overrode.
    """

    answer: str
    code: str
    params: dict[str, str] = field(default_factory=dict[str, str])
    events: tuple[Event, ...] = ()
    options: tuple[Option, ...] = ()
    words: tuple[Text, Text, Text] | None = None
    meaning: str = ""
    subject: str = ""
    degraded: str = ""
    overridden_by: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it is done."""
        return self.answer == "accepted"

    @property
    def overridable(self) -> bool:
        """Whether a leader's badge may allow what was refused."""
        return self.answer == "refused" and self.code in OVERRIDABLE


def accepted(code: str, events: Sequence[Event] = (), /, **params: str) -> Decision:
    """It is done."""
    return Decision(answer="accepted", code=code, events=tuple(events), params=params)


def refused(code: str, /, **params: str) -> Decision:
    """It is not done, and the answer says why and what to do."""
    return Decision(answer="refused", code=code, params=params)


def ask(code: str, options: Sequence[Option], /, **params: str) -> Decision:
    """Nothing is done until a person chooses."""
    return Decision(answer="ask", code=code, options=tuple(options), params=params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A station at a moment, for one act.

    Attributes:
        epoch: Of the journal, for references to its events.
        state: What stands at the station.
        at, until: When it happened: now, or as a person says (back-entry).
        by: Who acts.
        overrider: A leader who allows it against rules; None without one.
        scan_repeat_us: The same scan again within it is a slip of the hand.
    """

    edge: str
    epoch: str
    station: StationSection
    rules: MeaningRules
    plant: Plant
    state: StationState
    units: UnitsProjection
    progress: ProgressProjection
    numbers: NumbersProjection
    carriers: CarriersProjection
    now: Microseconds
    at: Microseconds
    until: Microseconds | None = None
    by: tuple[str, ...] = ()
    source: Source = Source.TERMINAL
    time_source: TimeSource = TimeSource.EDGE
    flags: tuple[str, ...] = ()
    reason: str = ""
    corrects: EventRef | None = None
    overrider: Person | None = None
    confirm: str = ""
    scan_repeat_us: Microseconds = 3_000_000

    def tell(self, kind: type[AnyEvent], /, **fields: Any) -> AnyEvent:  # noqa: ANN401
        """A fact of this act."""
        flags = tuple(sorted({*self.flags, *fields.pop("flags", ())}))
        base: dict[str, Any] = {
            "occurred_at": self.at,
            "recorded_at": self.now,
            "time_source": self.time_source,
            "source": self.source,
            "station": self.station.id,
            "by": self.by,
            "jobs": self.jobs,
            "reason": self.reason,
            "flags": flags,
        }
        return kind(**{**base, **fields})

    @property
    def jobs(self) -> tuple[JobShare, ...]:
        """Order operations on the station."""
        return shares_of(self.state.floor.jobs.values())

    def ref(self, seq: int) -> EventRef:
        """Reference to an event of this journal."""
        return EventRef(edge=self.edge, epoch=self.epoch, seq=seq)

    def step_of(self, job: JobOn) -> OperationStep | None:
        """The routing's word on a running job."""
        return self.plant.step(job.order, job.operation)

    def used(self, order: str) -> Used | None:
        """Revisions in force for an order."""
        found = self.plant.order(order)
        program = self.state.signals.get("program", "")
        if found is None or not (found.routing_revision or program):
            return None
        return Used(routing=found.routing_revision, program=program)

    def held(self, thing: Thing) -> str:
        """Why a thing may not be used; empty: it may."""
        hold = self.plant.hold(thing)
        if hold is not None:
            return hold.reason or hold.hold
        return self.units.held(thing)

    def overrides(self) -> bool:
        """Whether a leader stands behind this act."""
        return self.overrider is not None and bool(LEADER_ROLES & set(self.overrider.roles))

    def led(self) -> bool:
        """Whether a shift leader acts: by badge, or signed on here and among those who act."""
        here = [person for person in self.by if person in self.state.floor.people]
        acting = [self.overrider, *(self.plant.person(person) for person in here)]
        return any(one is not None and SHIFT_LEADER_ROLES & set(one.roles) for one in acting)

    def changed(self, **changes: Any) -> Situation:  # noqa: ANN401
        """The same with other values."""
        return replace(self, **changes)


YES = "CMD-YES"
NO = "CMD-NO"


def option(code: str, zh: str, en: str, command: str) -> Option:
    """A choice that can be touched or scanned."""
    return Option(code=code, label=Text(zh=zh, en=en), command=command)


CANCEL = option("cancel", "取消", "Cancel", NO)
