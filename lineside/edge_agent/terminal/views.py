"""What the terminal shows: answers of its API, exact types; the web client is generated from it.

Times are RFC 3339 UTC; quantities are decimal strings; ratios are shares of one (0.784), null where
their denominator is zero.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from lineside.edge_agent.terminal.entry_views import Entry, SpannedCountView
from lineside.edge_agent.terminal.numbers_shown import NumbersLeft
from lineside.edge_agent.terminal.view import Text, View


class Label(View):
    """A code and what people call it."""

    code: str
    label: Text


class Command(View):
    """A command code that can be scanned or touched.

    Attributes:
        kind: Act kind that it leads to.
        needs: What must be scanned or chosen next: `reason`, `defect`, `lot`, `topic`, empty.
    """

    code: str
    label: Text
    kind: str
    needs: str = ""


class Texts(View):
    """Labels of this edge: stop reasons, defects, commands, call topics."""

    reasons: list[Label]
    defects: list[Label]
    commands: list[Command]
    topics: list[Label]


class StationRow(View):
    """One station in the list."""

    id: str
    name: Text
    line: str
    simulation: bool


class Stations(View):
    """All stations of this edge."""

    edge: str
    time_zone: str
    stations: list[StationRow]


class ShiftView(View):
    """The shift that runs now; `date` is the local date on which it started."""

    id: str
    date: str
    start: AwareDatetime
    end: AwareDatetime


class PersonOn(View):
    """Somebody who is signed on; `name` is empty where the edge does not know it."""

    person: str
    name: str
    since: AwareDatetime


class UnitInWork(View):
    """A piece that is started and not finished here.

    Attributes:
        missing: Component items that must still be scanned, one entry a piece.
    """

    serial: str
    item: str
    order: str
    operation: str
    since: AwareDatetime
    attempt: int = 1
    missing: list[str] = Field(default=[])


FirstPieceState = Literal["not_needed", "needed", "presented", "released"]


class Job(View):
    """An order operation on the station now.

    Attributes:
        good, scrap, rework: Pieces of this operation so far, all stations of this edge.
        first_piece: Whether it waits for a second person (首件).
        units: Pieces in work.
    """

    order: str
    operation: str
    operation_name: Text
    item: str
    item_name: Text
    booking: str
    activity: Literal["production", "setup", "breakdown", "rework"]
    started_at: AwareDatetime
    planned: Decimal | None
    good: Decimal
    scrap: Decimal
    rework: Decimal
    unit: str
    ideal_cycle_s: Decimal
    serial_tracked: bool
    first_piece: FirstPieceState
    units: list[UnitInWork] = Field(default=[])


class OrderRow(View):
    """An order that waits for this station.

    Attributes:
        state: `waiting`, `paused`, `held`.
        urgent: Priority above the ordinary.
        reason: Why it is held; empty texts otherwise.
    """

    order: str
    operation: str
    operation_name: Text
    item: str
    item_name: Text
    planned: Decimal
    good: Decimal
    unit: str
    priority: int
    urgent: bool
    held: bool
    state: Literal["waiting", "paused", "held"]
    reason: Text
    due_at: AwareDatetime | None = None


class Figures(View):
    """Live figures of the running shift.

    Attributes:
        oee_target: Aim of the station, null without one.
        cycle_s, ideal_cycle_s: Seconds a piece: running time over pieces, and the order's ideal.
        unknown_share, unassigned_share, spanned_share: Shares that stand beside each OEE.
        provisional: Too much is unknown for the figures to be trusted.
        through_seq: Last event that they know.
    """

    oee: float | None
    oee_target: float | None
    availability: float | None
    effectiveness: float | None
    quality_ratio: float | None
    first_pass_yield: float | None
    cycle_s: float | None
    ideal_cycle_s: float | None
    produced: Decimal
    good: Decimal
    scrap: Decimal
    unknown_share: float | None
    unassigned_share: float | None
    spanned_share: float | None
    provisional: bool
    through_seq: int


Category = Literal["running", "setup", "planned", "waiting", "failure", "unknown", "no_order"]


class Segment(View):
    """A piece of the shift bar; the segments tile the shift up to now."""

    start: AwareDatetime
    end: AwareDatetime
    category: Category
    state: str
    reason: str = ""


class UnexplainedStop(View):
    """A stop without a reason; `end` is null while it lasts."""

    start: AwareDatetime
    end: AwareDatetime | None
    duration_s: float
    state: str


class Mounted(View):
    """A lot at a position; `left` is what should still be in it."""

    position: str
    item: str
    lot: str
    issuer: str
    left: Decimal
    unit: str
    since: AwareDatetime


class MachineView(View):
    """What the machine does now."""

    state: Literal["RUN", "SETUP", "STOP", "FAIL", "IDLE", "UNKNOWN"]
    detail: str
    since: AwareDatetime | None
    device: str
    connected: bool
    signals: dict[str, str]


class CallView(View):
    """A call for help that is not closed."""

    call: str
    topic: str
    since: AwareDatetime
    acknowledged: bool


class Sync(View):
    """The pill: is central there, and what waits.

    Attributes:
        away_since: Since when central has not answered; null while connected.
        pending: Facts that central has not confirmed.
        lost: Facts lost; always 0 unless a person was told of a gap.
    """

    connected: bool
    away_since: AwareDatetime | None
    pending: int
    lost: int


class Notice(View):
    """Something that stands above everything on every terminal of the edge.

    Attributes:
        code: `disk.pressed`, `disk.full`, `journal.salvaged`, `configuration.applied`,
            `configuration.taken_back_check`, `_trial` or `_apply`.
        what, why, todo: What is the case, what it means, what to do now.
        acknowledge: A shift leader may acknowledge it; then it goes.
    """

    code: str
    what: Text
    why: Text
    todo: Text
    acknowledge: bool = False


class StationView(View):
    """The whole screen of one station.

    Attributes:
        saving: A commit takes long: what was done is saved when the answer comes.
        notices: What is wrong with the disk, worst first; empty: nothing.
    """

    edge: str
    station: str
    name: Text
    line: str
    time_zone: str
    at: AwareDatetime
    seq: int
    simulation: bool
    parallel: bool
    counts_from: Literal["counter", "unit_finished", "declaration", "scale"]
    state_from: Literal["signals", "acts"]
    shift: ShiftView | None
    people: list[PersonOn]
    jobs: list[Job]
    orders: list[OrderRow]
    entries: list[Entry]
    figures: Figures
    segments: list[Segment]
    unexplained: list[UnexplainedStop]
    mounted: list[Mounted]
    numbers: list[NumbersLeft] = Field(default=[])
    machine: MachineView
    calls: list[CallView]
    spanned: list[SpannedCountView] = Field(default=[])
    sync: Sync
    recording: bool
    recording_problem: Text | None = None
    saving: bool = False
    notices: list[Notice] = Field(default=[])


class Option(View):
    """A choice after an `ask`: sent back as `confirm`, or scanned as `command`."""

    code: str
    label: Text
    command: str


class Answer(View):
    """What the terminal says to an act.

    Attributes:
        answer: `accepted`, `refused`, `ask` (nothing is booked yet: choose an option, send
            the act again with a new id and `confirm`).
        code: Stable dotted name.
        what, why, todo: What is the case, why we think so, what to do now.
        params: The values in the texts, by name.
        seqs: Events that were booked (a refused scan is booked as refused).
        meaning: What a scan was taken for: `badge`, `order`, `unit`, `lot`, `carrier`,
            `command`, empty.
        subject: The number that it is about.
        overridable: A leader's badge may allow what was refused: send the act again with a new id
            and `override`.
        took_ms: From the act's arrival to its commit, milliseconds.
    """

    id: str
    station: str
    answer: Literal["accepted", "refused", "ask"]
    code: str
    what: Text
    why: Text
    todo: Text
    params: dict[str, str] = Field(default={})
    seqs: list[int] = Field(default=[])
    options: list[Option] = Field(default=[])
    meaning: str = ""
    subject: str = ""
    degraded: str = ""
    overridable: bool = False
    took_ms: float = 0.0


class Booked(View):
    """Whether an act was booked: asked after a dropped connection."""

    id: str
    booked: bool
    answer: Answer | None = None


class StateMessage(View):
    """Stream message `state`: the whole screen again."""

    event: Literal["state"]
    state: StationView


class VerdictMessage(View):
    """Stream message `verdict`: the answer to a scan of a scanner that the agent reads itself."""

    event: Literal["verdict"]
    raw: str
    scanner: str
    answer: Answer


StreamMessage = Annotated[StateMessage | VerdictMessage, Field(discriminator="event")]


class ClockView(View):
    """Business time of a simulated plant."""

    at: AwareDatetime


class Problem(View):
    """An error, as RFC 9457 describes it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
