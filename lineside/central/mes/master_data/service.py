"""Rules of master data: what must exist, what each edge must know."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from sqlalchemy import func, select, text

from lineside.central.errors import ConflictError, NotFoundError, RevisionMissingError
from lineside.central.ingest.edges import enrol
from lineside.central.kit.revisions import check_revision
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.master_data.entities import (
    BillOfMaterial,
    Block,
    Edge,
    Item,
    Reason,
    Routing,
    SiteCalendar,
    Station,
)
from lineside.central.mes.master_data.errors import (
    BlockExhaustedError,
    StationsOfSeveralEdgesError,
    UnknownReferenceError,
)
from lineside.central.mes.master_data.schemas import BlockIn, CalendarIn, OperationIn
from lineside.central.mes.notices import DocumentWanted, EdgeEquipped
from lineside.contracts import commands

SITE = "site"
Entity = TypeVar("Entity", Item, Routing, BillOfMaterial, Station, Reason)
Key = str | tuple[str, ...]


def get(work: UnitOfWork, entity: type[Entity], key: Key, *, lock: bool = False) -> Entity:
    """One row by its key.

    Raises:
        NotFoundError: No such row.
    """
    row = work.session.get(entity, key, with_for_update=lock)
    if row is None:
        raise NotFoundError(entity.__tablename__, key if isinstance(key, str) else " ".join(key))
    return row


def create(work: UnitOfWork, entity: type[Entity], key: Key, values: dict[str, Any]) -> Entity:
    """A new row; what it refers to must exist.

    Raises:
        ConflictError: The key is taken.
        UnknownReferenceError: It refers to something that does not exist.
    """
    if work.session.get(entity, key) is not None:
        name = key if isinstance(key, str) else " ".join(key)
        raise ConflictError(f"{entity.__tablename__} {name} exists.", hint="Change it instead.")
    row = entity(**values, revision=1)
    _check(work, row)
    work.session.add(row)
    work.session.flush()
    _after_change(work, row)
    return row


def change(
    work: UnitOfWork, entity: type[Entity], key: Key, values: dict[str, Any], *, expected: int
) -> Entity:
    """Replace the fields of a row.

    Raises:
        NotFoundError: No such row.
        RevisionStaleError: It was changed meanwhile.
        UnknownReferenceError: It refers to something that does not exist.
    """
    row = get(work, entity, key, lock=True)
    check_revision(row.revision, expected)
    for name, value in values.items():
        setattr(row, name, value)
    row.revision += 1
    _check(work, row)
    work.session.flush()
    _after_change(work, row)
    return row


def _check(work: UnitOfWork, row: object) -> None:
    match row:
        case Routing():
            _need(work, Item, [row.item], "body.item")
            operations = [OperationIn.model_validate(found) for found in row.operations]
            numbers = [found.operation for found in operations]
            if len(set(numbers)) != len(numbers):
                raise ConflictError("An operation number stands twice in the routing.")
            for operation in operations:
                edge_of_operation(work, operation)
        case BillOfMaterial():
            _need(work, Item, [row.item], "body.item")
            _need(work, Item, [line["item"] for line in row.lines], "body.lines.item")
        case Station():
            _need(work, Edge, [row.edge], "body.edge")
        case _:
            pass


def _need(
    work: UnitOfWork, entity: type[Item | Edge | Station], keys: list[str], field: str
) -> None:
    found = set(work.session.scalars(select(entity.id).where(entity.id.in_(keys))))
    for key in keys:
        if key not in found:
            raise UnknownReferenceError(entity.__tablename__, key, field=field)


def edge_of_operation(work: UnitOfWork, operation: OperationIn) -> str:
    """The edge that the stations of an operation belong to.

    Raises:
        UnknownReferenceError: A station does not exist.
        StationsOfSeveralEdgesError: They belong to several edges.
    """
    _need(work, Station, list(operation.stations), "body.operations.stations")
    edges = sorted(
        set(work.session.scalars(select(Station.edge).where(Station.id.in_(operation.stations))))
    )
    if len(edges) != 1:
        raise StationsOfSeveralEdgesError(operation.operation, edges)
    return edges[0]


def enrol_edge(work: UnitOfWork, edge: str, name: str) -> Edge:
    """Let an edge in, and give it what every edge has.

    Raises:
        ConflictError: The id is taken.
    """
    if work.session.get(Edge, edge) is not None:
        raise ConflictError(f"Edge {edge} exists.", hint="Revoke it before enrolling another.")
    enrol(work.connection, edge, now=work.now(), name=name)
    equip_edge(work, edge)
    return get_edge(work, edge)


def get_edge(work: UnitOfWork, edge: str) -> Edge:
    """One edge.

    Raises:
        NotFoundError: No such edge.
    """
    row = work.session.get(Edge, edge)
    if row is None:
        raise NotFoundError("edge", edge)
    return row


def edge_ids(work: UnitOfWork) -> list[str]:
    """All edges of the plant that are not revoked, by id."""
    return list(
        work.session.scalars(select(Edge.id).where(Edge.revoked_at.is_(None)).order_by(Edge.id))
    )


def put_calendar(work: UnitOfWork, body: CalendarIn, *, expected: int | None) -> SiteCalendar:
    """Replace the calendar of the site; every edge gets it.

    Raises:
        RevisionMissingError: There is one, and the caller does not say which he read.
        RevisionStaleError: It was changed meanwhile.
    """
    row = work.session.get(SiteCalendar, SITE, with_for_update=True)
    values = {
        "time_zone": body.time_zone,
        "shifts": [shift.model_dump() for shift in body.shifts],
        "planned_stops": [
            {"start": stop.start, "end": stop.end, "reason": stop.reason, "station": stop.station}
            for stop in body.planned_stops
        ],
        "micro_stop_threshold_s": body.micro_stop_threshold_s,
        "micro_stop_policy": body.micro_stop_policy,
    }
    if row is None:
        check_revision(0, expected)
        row = SiteCalendar(id=SITE, revision=1, **values)
        work.session.add(row)
    else:
        if expected is None:
            raise RevisionMissingError
        check_revision(row.revision, expected)
        for name, value in values.items():
            setattr(row, name, value)
        row.revision += 1
    work.session.flush()
    document = calendar_document(row)
    for edge in edge_ids(work):
        work.publish(DocumentWanted(edge=edge, kind="calendar", id=SITE, body=document))
    return row


def get_calendar(work: UnitOfWork) -> SiteCalendar:
    """The calendar of the site.

    Raises:
        NotFoundError: Nobody has entered one yet.
    """
    row = work.session.get(SiteCalendar, SITE)
    if row is None:
        raise NotFoundError("calendar", SITE)
    return row


def current_calendar(work: UnitOfWork) -> commands.Calendar | None:
    """The calendar as figures use it; None while nobody has entered one."""
    row = work.session.get(SiteCalendar, SITE)
    return None if row is None else calendar_document(row)


def calendar_document(row: SiteCalendar) -> commands.Calendar:
    """The calendar as edges and figures use it."""
    return commands.Calendar(
        time_zone=row.time_zone,
        shifts=tuple(
            commands.ShiftRule(
                id=shift["id"],
                local_start=shift["local_start"],
                local_end=shift["local_end"],
                breaks=tuple((stop["local_start"], stop["minutes"]) for stop in shift["breaks"]),
                days=tuple(shift["days"]),
            )
            for shift in row.shifts
        ),
        planned_stops=tuple(
            msgspec.convert(stop, commands.PlannedStop) for stop in row.planned_stops
        ),
        micro_stop_threshold_s=Decimal(row.micro_stop_threshold_s),
        micro_stop_policy=row.micro_stop_policy,
    )


def reasons_document(work: UnitOfWork) -> commands.Reasons:
    """All active stop reasons and defect codes."""
    labels: dict[str, dict[str, tuple[str, str]]] = {"stop": {}, "defect": {}}
    for row in work.session.scalars(
        select(Reason).where(Reason.active).order_by(Reason.kind, Reason.code)
    ):
        labels[row.kind][row.code] = (row.zh, row.en)
    return commands.Reasons(stops=labels["stop"], defects=labels["defect"])


def item_document(row: Item) -> commands.ItemInfo:
    """An item as edges know it."""
    return commands.ItemInfo(
        item=row.id,
        name=row.name,
        name_zh=row.name_zh,
        gtin=row.gtin,
        serial_pattern=row.serial_pattern,
        tracking=row.tracking,
    )


def _after_change(work: UnitOfWork, row: object) -> None:
    match row:
        case Item():
            document = item_document(row)
            for edge in edge_ids(work):
                work.publish(DocumentWanted(edge=edge, kind="item", id=row.id, body=document))
        case Reason():
            document = reasons_document(work)
            for edge in edge_ids(work):
                work.publish(DocumentWanted(edge=edge, kind="reasons", id=SITE, body=document))
        case _:
            pass


def equip_edge(work: UnitOfWork, edge: str) -> None:
    """Give a new edge what every edge has: calendar, reasons, items."""
    calendar = work.session.get(SiteCalendar, SITE)
    if calendar is not None:
        document = calendar_document(calendar)
        work.publish(DocumentWanted(edge=edge, kind="calendar", id=SITE, body=document))
    reasons = reasons_document(work)
    work.publish(DocumentWanted(edge=edge, kind="reasons", id=SITE, body=reasons))
    for item in work.session.scalars(select(Item).order_by(Item.id)):
        document = item_document(item)
        work.publish(DocumentWanted(edge=edge, kind="item", id=item.id, body=document))
    work.publish(EdgeEquipped(edge=edge))


def give_block(work: UnitOfWork, body: BlockIn) -> Block:
    """The next free numbers of a series, for one edge; none is ever given twice.

    Raises:
        UnknownReferenceError: No such edge.
        BlockExhaustedError: The series has no more numbers of this width.
    """
    _need(work, Edge, [body.edge], "body.edge")
    series = f"{body.kind}\x1f{body.item}\x1f{body.prefix}"
    # Two planners ask at once: the series is locked, whether it has blocks or not.
    work.connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:series, 0))"), {"series": series}
    )
    taken = work.session.scalar(
        select(func.max(Block.last)).where(
            Block.kind == body.kind, Block.item == body.item, Block.prefix == body.prefix
        )
    )
    first = body.first if taken is None else max(body.first, taken + 1)
    last = first + body.count - 1
    if last >= 10**body.width:
        raise BlockExhaustedError(body.prefix, body.width)
    block = Block(
        id=f"{body.kind}-{body.item or 'any'}-{body.prefix}{first}".replace("/", "_"),
        edge=body.edge,
        kind=body.kind,
        item=body.item,
        prefix=body.prefix,
        width=body.width,
        first=first,
        last=last,
        created_at=work.now(),
        revision=1,
    )
    work.session.add(block)
    work.session.flush()
    document = commands.NumberBlock(
        block=block.id,
        kind=block.kind,
        item=block.item,
        prefix=block.prefix,
        width=block.width,
        first=block.first,
        last=block.last,
    )
    work.publish(DocumentWanted(edge=block.edge, kind="number_block", id=block.id, body=document))
    return block
