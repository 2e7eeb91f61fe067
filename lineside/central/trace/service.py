"""Puts a history together out of lines, links and signals."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.central.kit.schema import decimal_text
from lineside.central.kit.together import Reads, read_as_one
from lineside.central.mes.figures.service import sorted_out, statements
from lineside.central.mes.master_data.service import (
    calendar_document,
    calendar_read,
)
from lineside.central.mes.orders.service import operation_names
from lineside.central.trace import queries, schemas
from lineside.central.trace.errors import NothingKnownError
from lineside.central.trace.operations import (
    Attempt,
    add_signals,
    instant_text,
    operations_of,
    stretches_of,
    timed,
)
from lineside.central.trace.projections import Trace
from lineside.central.trace.queries import (
    LINKS_MAX,
    AlarmRow,
    CarrierRow,
    KnownRow,
    LineRow,
    LinkRow,
    NameRow,
    SignalRow,
    StationRow,
    StepNameRow,
    ThingKey,
    ThingRow,
)
from lineside.contracts.calendar import shift_at
from lineside.contracts.clock import Microseconds, format_rfc3339
from lineside.contracts.commands import Calendar


def trace(
    work: Reads, *, kind: str, number: str, item: str | None, issuer: str | None
) -> schemas.TraceOut:
    """The history of a number, or the candidates where it is known for several things.

    Args:
        work: A transaction.
        kind: `unit`, `lot`, `carrier` or `tool`.
        number: Exactly as scanned.
        item: Only of this item; None: any.
        issuer: Only of this issuer, empty for our own; None: any.

    Raises:
        NothingKnownError: No event names it.
    """
    shared, reads = queries.whole(kind=kind, number=number, item=item, issuer=issuer)
    calendar_now, calendar_row = calendar_read()
    things, *rows, known, calendar = read_as_one(
        work.connection,
        [*reads, queries.known(Trace.name), calendar_now],
        [ThingRow, LinkRow, LinkRow, LineRow, CarrierRow, KnownRow, calendar_row],
        shared,
    )
    found: list[ThingKey] = [(row.kind, row.item, row.id, row.issuer) for row in things]
    if not found:
        raise NothingKnownError(kind, number)
    history = None
    if len(found) == 1:
        shifts = _Shifts(calendar_document(calendar[0]) if calendar else None)
        history = _history(work, shifts, found[0], *rows)
    return schemas.TraceOut(
        candidates=[_thing(key) for key in found],
        history=history,
        as_of=[_known(row) for row in known],
    )


def known_edges(work: Reads) -> list[schemas.EdgeKnownOut]:
    """What of each edge a trace knows now."""
    (rows,) = read_as_one(work.connection, [queries.known(Trace.name)], [KnownRow])
    return [_known(row) for row in rows]


def _known(row: KnownRow) -> schemas.EdgeKnownOut:
    return schemas.EdgeKnownOut(
        edge=row.edge,
        epoch=row.epoch,
        seq=row.seq,
        known_until=instant_text(row.occurred_at),
        received_at=instant_text(row.received_at),
        still_to_come=max(0, max(row.reported_head, row.durable_through) - row.seq),
        heard_at=instant_text(row.heard_at),
    )


def _history(
    work: Reads,
    shifts: _Shifts,
    thing: ThingKey,
    back: Sequence[LinkRow],
    forward: Sequence[LinkRow],
    lines: Sequence[LineRow],
    carriers: Sequence[CarrierRow],
) -> schemas.HistoryOut:
    origins = _things(thing, back)
    products = _things(thing, forward)
    by_thing: dict[ThingKey, list[LineRow]] = {key: [] for key in origins}
    for row in lines:
        by_thing[row.kind, row.item, row.id, row.issuer].append(row)
    attempts = [operations_of(rows) for rows in by_thing.values()]
    names = _explain(work, [*origins, *products], list(by_thing.values()), attempts, shifts)
    nodes = [
        _node(key, by_thing[key], names, shifts, operations)
        for key, operations in zip(origins, attempts, strict=True)
    ]
    own = by_thing[thing]
    return schemas.HistoryOut(
        thing=_thing(thing),
        name=nodes[0].name,
        name_zh=nodes[0].name_zh,
        status=_status(thing, own),
        orders=list(dict.fromkeys(row.order_no for row in own if row.order_no)),
        first_at=instant_text(own[0].occurred_at if own else None),
        last_at=instant_text(max((row.occurred_at for row in own), default=None)),
        made_from=_graph(nodes, origins, back),
        went_into=_graph(
            [_node(key, [], names, shifts, []) for key in products], products, forward
        ),
        carriers=_carriers(carriers),
        hidden=0,
    )


def _explain(
    work: Reads,
    things: Sequence[ThingKey],
    lines: Sequence[Sequence[LineRow]],
    attempts: Sequence[list[Attempt]],
    shifts: _Shifts,
) -> dict[str, tuple[str, str]]:
    """Put names, lines, shifts and signals on the attempts; returns item names; one round trip."""
    operations = [operation for found in attempts for operation in found]
    with_span = timed(operations)
    stretches = stretches_of(with_span)
    items, steps, stations, *signals = read_as_one(
        work.connection,
        [
            queries.item_names([key[1] for key in things]),
            operation_names([row.order_no for rows in lines for row in rows if row.order_no]),
            queries.station_lines([operation.station for operation in operations]),
            *statements(stretches),
        ],
        [NameRow, StepNameRow, StationRow, SignalRow, AlarmRow],
    )
    step_names = {(row.id, row.operation): (row.name or "", row.name_zh or "") for row in steps}
    line_of = {row.id: row.line for row in stations}
    for operation in operations:
        key = (operation.order, operation.operation)
        operation.name, operation.name_zh = step_names.get(key, ("", ""))
        operation.line = line_of.get(operation.station, "")
        at = operation.started_at or operation.finished_at
        operation.shift = "" if at is None else shifts.at(at)
    add_signals(with_span, sorted_out(stretches, signals[0], signals[1]))
    return {row.id: (row.name or "", row.name_zh or "") for row in items}


class _Shifts:
    """Names the shift of an instant; without a calendar there is none."""

    def __init__(self, calendar: Calendar | None) -> None:
        self._calendar = calendar
        self._cache: dict[int, str] = {}

    def at(self, instant: Microseconds) -> str:
        """`early 2026-03-02`, or empty."""
        if self._calendar is None:
            return ""
        minute = instant // 60_000_000  # shifts change on whole minutes
        if minute not in self._cache:
            shift = shift_at(self._calendar, instant)
            self._cache[minute] = "" if shift is None else f"{shift.id} {shift.date.isoformat()}"
        return self._cache[minute]


def _things(root: ThingKey, links: Sequence[LinkRow]) -> dict[ThingKey, int]:
    """Every thing of some links with its index; the root is 0."""
    found: dict[ThingKey, int] = {root: 0}
    for row in links[:LINKS_MAX]:
        for key in (row.product, row.source):
            if key not in found:
                found[key] = len(found)
    return found


def _thing(key: ThingKey) -> schemas.ThingOut:
    return schemas.ThingOut(kind=key[0], item=key[1], id=key[2], issuer=key[3])


def _evidence(row: LinkRow | LineRow | CarrierRow) -> schemas.EvidenceOut:
    return schemas.EvidenceOut(edge=row.edge, epoch=row.epoch, seq=row.seq)


def _node(
    key: ThingKey,
    rows: Sequence[LineRow],
    names: dict[str, tuple[str, str]],
    shifts: _Shifts,
    operations: list[Attempt],
) -> schemas.NodeOut:
    name, name_zh = names.get(key[1], ("", ""))
    return schemas.NodeOut(
        kind=key[0],
        item=key[1],
        id=key[2],
        issuer=key[3],
        name=name,
        name_zh=name_zh,
        operations=[operation.told() for operation in operations],
        lines=[_line(row, shifts) for row in rows],
    )


def _line(row: LineRow, shifts: _Shifts) -> schemas.LineOut:
    return schemas.LineOut(
        type=row.type,
        occurred_at=format_rfc3339(row.occurred_at),
        occurred_until=instant_text(row.occurred_until),
        recorded_at=format_rfc3339(row.recorded_at),
        received_at=format_rfc3339(row.received_at),
        time_source=row.time_source,
        source=row.source,
        station=row.station,
        position=row.position,
        by=row.by,
        shift=shifts.at(row.occurred_at),
        order=row.order_no,
        operation=row.operation,
        detail=row.detail,
        flags=row.flags,
        reason=row.reason,
        voided=row.voided,
        replaced=row.replaced,
        evidence=_evidence(row),
    )


def _status(thing: ThingKey, rows: Sequence[LineRow]) -> str:
    """What the thing is now, by its own lines."""
    if thing[0] != "unit":
        held = _held(rows)
        return "held" if held else "unknown"
    status = "in_process"
    for row in rows:
        if row.voided:
            continue
        if row.type == "unit_finished":
            last = row.detail.get("last_operation") and row.detail.get("result") == "pass"
            status = "finished" if last else "in_process"
        elif row.type == "unit_disposed" and row.detail.get("disposition") == "scrap":
            status = "scrapped"
    return "held" if _held(rows) else status


def _held(rows: Sequence[LineRow]) -> bool:
    holds: set[str] = set()
    for row in rows:
        if row.type == "held" and not row.voided:
            holds.add(str(row.detail.get("hold", "")))
        elif row.type == "released" and not row.voided:
            holds.discard(str(row.detail.get("hold", "")))
    return bool(holds)


def _graph(
    nodes: list[schemas.NodeOut], index: dict[ThingKey, int], links: Sequence[LinkRow]
) -> schemas.GraphOut:
    return schemas.GraphOut(
        nodes=nodes,
        links=[_link(row, index) for row in links[:LINKS_MAX]],
        truncated=len(links) > LINKS_MAX,
    )


def _link(row: LinkRow, index: dict[ThingKey, int]) -> schemas.LinkOut:
    removed = None
    if row.removed_edge is not None:
        removed = schemas.EvidenceOut(
            edge=row.removed_edge, epoch=row.removed_epoch or "", seq=row.removed_seq or 0
        )
    return schemas.LinkOut(
        product=index[row.product],
        source=index[row.source],
        relation=row.relation,
        quantity=row.quantity,
        unit=row.unit,
        into_quantity=row.into_quantity,
        into_unit=row.into_unit,
        removed_quantity=row.removed_quantity,
        certainty=row.certainty,
        valid_from=format_rfc3339(row.valid_from),
        valid_until=instant_text(row.valid_until),
        station=row.station,
        position=row.position,
        order=row.order_no,
        operation=row.operation,
        evidence=_evidence(row),
        removed_by=removed,
    )


def _carriers(rows: Sequence[CarrierRow]) -> list[schemas.CarrierOut]:
    """Stays in carriers: each putting-in with the first taking-out of the same carrier after it."""
    stays: list[schemas.CarrierOut] = []
    for row in rows:
        if row.direction == "in":
            stays.append(
                schemas.CarrierOut(
                    carrier=row.carrier_id,
                    item=row.carrier_item,
                    quantity=decimal_text(row.quantity),
                    station=row.station,
                    put_in_at=format_rfc3339(row.occurred_at),
                    taken_out_at=None,
                    evidence=[_evidence(row)],
                )
            )
            continue
        stay = next(
            (s for s in stays if s.carrier == row.carrier_id and s.taken_out_at is None), None
        )
        if stay is None:
            stay = schemas.CarrierOut(
                carrier=row.carrier_id,
                item=row.carrier_item,
                quantity=decimal_text(row.quantity),
                station=row.station,
                put_in_at=None,
                taken_out_at=None,
                evidence=[],
            )
            stays.append(stay)
        stay.taken_out_at = format_rfc3339(row.occurred_at)
        stay.evidence.append(_evidence(row))
    return stays
