"""Wire shapes of a trace; times and amounts are written already."""

from __future__ import annotations

from typing import Any

from lineside.central.kit.shapes import AmountText, InstantText, Shape


class ThingOut(Shape):
    """Something with a number."""

    kind: str
    item: str
    id: str
    issuer: str


class EvidenceOut(Shape):
    """The event that proves it, and when central got it."""

    edge: str
    epoch: str
    seq: int


class LineOut(Shape):
    """One event in the history of a thing.

    Attributes:
        type: Type of the event, e.g. `unit_finished`.
        by: Opaque person ids.
        shift: Shift of the site's calendar, e.g. `early 2026-03-02`; empty without a calendar.
        detail: What the event says beyond these fields; `role` is the part that this thing played.
        voided: It was taken back; `replaced`: by a correction.
    """

    type: str
    occurred_at: InstantText
    occurred_until: InstantText | None
    recorded_at: InstantText
    received_at: InstantText
    time_source: str
    source: str
    station: str
    position: str
    by: list[str]
    shift: str
    order: str
    operation: str
    detail: dict[str, Any]
    flags: list[str]
    reason: str
    voided: bool
    replaced: bool
    evidence: EvidenceOut


class AlarmOut(Shape):
    """An alarm of the station."""

    occurred_at: InstantText
    alarm: str
    severity: str
    condition: str
    text: str
    evidence: EvidenceOut


class SignalsOut(Shape):
    """What the station's signals said during the operation.

    Attributes:
        seconds_by_status: Seconds by raw program status, exact to the microsecond. A status holds
            until
            the next one, the last until the unit was finished; before the first it is UNKNOWN.
        tools: Tools in order; zeros dropped, repeats merged.
        programs: Programs in the order of their first appearance.
        alarms: Alarms raised.
        events: How many signal events this is made of.
    """

    seconds_by_status: dict[str, AmountText]
    tools: list[str]
    programs: list[str]
    alarms: list[AlarmOut]
    events: int


class OperationOut(Shape):
    """One attempt of a unit at an operation.

    Attributes:
        result: `pass`, `fail`, `rework`; null while it runs.
        disposition: What became of it when it failed.
        lines: Indices into the thing's `lines`, in order of time.
    """

    order: str
    operation: str
    name: str
    name_zh: str
    station: str
    line: str
    attempt: int
    started_at: InstantText | None
    finished_at: InstantText | None
    by: list[str]
    shift: str
    result: str | None
    disposition: str | None
    parameters: dict[str, str]
    defects: list[str]
    flags: list[str]
    signals: SignalsOut | None
    lines: list[int]
    evidence: list[EvidenceOut]


class NodeOut(ThingOut):
    """A thing of the genealogy with its own history.

    Attributes:
        name: Item name.
        operations: What was done to it; of units.
        lines: Its history; empty in forward traces, where only the number is told.
    """

    name: str
    name_zh: str
    operations: list[OperationOut]
    lines: list[LineOut]


class LinkOut(Shape):
    """Source went into product; indices into the list of nodes.

    Attributes:
        relation: `consumed`, `fitted`, `split`, `merged`, `serialised`.
        quantity: How much of the source went in, in `unit`.
        removed_quantity: How much of it came out again.
        into_quantity: How much of the product.
        certainty: `this one` or `one of these`.
        valid_until: When the last of it was removed again; null: it is in there.
        removed_by: The last removal that took of it.
    """

    product: int
    source: int
    relation: str
    quantity: AmountText
    unit: str
    into_quantity: AmountText
    into_unit: str
    removed_quantity: AmountText
    certainty: str
    valid_from: InstantText
    valid_until: InstantText | None
    station: str
    position: str
    order: str
    operation: str
    evidence: EvidenceOut
    removed_by: EvidenceOut | None


class CarrierOut(Shape):
    """A stay in a carrier."""

    carrier: str
    item: str
    quantity: AmountText
    station: str
    put_in_at: InstantText | None
    taken_out_at: InstantText | None
    evidence: list[EvidenceOut]


class GraphOut(Shape):
    """Part of the genealogy.

    Attributes:
        nodes: Node 0 is the thing that was asked for.
        truncated: There is more than `links` shows.
    """

    nodes: list[NodeOut]
    links: list[LinkOut]
    truncated: bool


class EdgeKnownOut(Shape):
    """What of an edge the answer knows.

    Attributes:
        seq: Last event that it knows.
        known_until: When that event occurred.
        still_to_come: Events that the edge has said to have beyond it.
        heard_at: When the edge last said hello.
    """

    edge: str
    epoch: str
    seq: int
    known_until: InstantText | None
    received_at: InstantText | None
    still_to_come: int
    heard_at: InstantText | None


class HistoryOut(Shape):
    """The complete history of one thing.

    Attributes:
        status: `in_process`, `finished`, `scrapped`, `held`, or `unknown` for what is no unit.
        orders: Orders that it was made under, in order of time.
        made_from: What it was made from, back to the last known source, with the sources'
            histories.
        went_into: What it went into, forward to the last known product.
    """

    thing: ThingOut
    name: str
    name_zh: str
    status: str
    orders: list[str]
    first_at: InstantText | None
    last_at: InstantText | None
    made_from: GraphOut
    went_into: GraphOut
    carriers: list[CarrierOut]
    hidden: int = 0


class TraceOut(Shape):
    """The answer to a number.

    Attributes:
        candidates: All things that the number is known for; with more than one, `history` is null
            and the
            caller chooses by item and issuer.
        as_of: What of each edge the answer knows.
    """

    candidates: list[ThingOut]
    history: HistoryOut | None
    as_of: list[EdgeKnownOut]
