"""Rules of master data: what must exist, what each edge must know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select

from lineside.central.errors import AlreadyExistsError, NotFoundError, RevisionMissingError
from lineside.central.ingest.edges import enrol
from lineside.central.kit.revisions import check_revision
from lineside.central.kit.together import Statement
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.master_data.documents import (
    CALENDAR_NOW,
    CalendarRow,
    calendar_document,
    item_document,
    reasons_document,
)
from lineside.central.mes.master_data.entities import (
    BillOfMaterial,
    Edge,
    Item,
    Reason,
    Routing,
    SiteCalendar,
    Station,
)
from lineside.central.mes.master_data.errors import (
    FirstPieceRuleError,
    OperationTwiceError,
    StationsOfSeveralEdgesError,
    UnknownReferenceError,
)
from lineside.central.mes.master_data.schemas import BomLineIn, CalendarIn, OperationIn
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
        AlreadyExistsError: The key is taken.
        UnknownReferenceError: It refers to something that does not exist.
    """
    if work.session.get(entity, key) is not None:
        name = key if isinstance(key, str) else " ".join(key)
        raise AlreadyExistsError(entity.__tablename__, name)
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
                raise OperationTwiceError
            for operation in operations:
                _check_first_piece(operation)
                edge_of_operation(work, operation)
        case BillOfMaterial():
            _need(work, Item, [row.item], "body.item")
            _need(work, Item, [line["item"] for line in row.lines], "body.lines.item")
        case Station():
            _need(work, Edge, [row.edge], "body.edge")
        case _:
            pass


def _check_first_piece(operation: OperationIn) -> None:
    causes: list[str] = list(operation.first_piece_after)
    if len(set(causes)) != len(causes) or (operation.first_piece and not causes):
        raise FirstPieceRuleError(operation.operation, causes)


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


def edge_of_stations(work: UnitOfWork, operation: str, stations: Sequence[str]) -> str:
    """The edge that these stations belong to, for an operation that moves there.

    Raises:
        UnknownReferenceError: A station does not exist.
        StationsOfSeveralEdgesError: They belong to several edges.
    """
    return edge_of_operation(work, OperationIn(operation=operation, stations=list(stations)))


def item_info(work: UnitOfWork, item: str) -> commands.ItemInfo:
    """An item as others know it.

    Raises:
        NotFoundError: No such item.
    """
    return item_document(get(work, Item, item))


def need_item(work: UnitOfWork, item: str, *, field: str) -> None:
    """Refuse what refers to an item that does not exist.

    Raises:
        UnknownReferenceError: No such item; it names the field.
    """
    if work.session.get(Item, item) is None:
        raise UnknownReferenceError("item", item, field=field)


def routings_of(work: UnitOfWork, item: str) -> list[str]:
    """Ids of an item's routings."""
    return list(work.session.scalars(select(Routing.id).where(Routing.item == item)))


@dataclass(frozen=True, slots=True)
class Plan:
    """How an item is made, as of now.

    Attributes:
        revision: `<routing>/<revision>`.
        steps: Operations in order: the fields of `OperationIn`, `edge`, and `components`, the lines
            of the bill of material that the operation needs.
    """

    revision: str
    steps: list[dict[str, Any]]


def plan_of(work: UnitOfWork, *, routing: str, item: str) -> Plan:
    """What an order of an item takes over when it is released.

    Raises:
        NotFoundError: No such routing.
        UnknownReferenceError: It names a station that does not exist any more.
    """
    found = get(work, Routing, routing)
    bom = work.session.scalar(select(BillOfMaterial).where(BillOfMaterial.item == item))
    lines = [BomLineIn.model_validate(line) for line in (bom.lines if bom is not None else [])]
    operations = [OperationIn.model_validate(operation) for operation in found.operations]
    return Plan(
        revision=f"{found.id}/{found.revision}",
        steps=[_step(work, operation, lines) for operation in operations],
    )


def _step(work: UnitOfWork, operation: OperationIn, lines: list[BomLineIn]) -> dict[str, Any]:
    components = [
        {
            "item": line.item,
            "quantity": str(line.quantity),
            "unit": line.unit,
            "tracking": line.tracking,
            "position": line.position,
        }
        for line in lines
        if line.operation == operation.operation
    ]
    return operation.model_dump(mode="json") | {
        "edge": edge_of_operation(work, operation),
        "components": components,
    }


def enrol_edge(work: UnitOfWork, edge: str, name: str) -> Edge:
    """Let an edge in, and give it what every edge has.

    Raises:
        AlreadyExistsError: The id is taken.
    """
    if work.session.get(Edge, edge) is not None:
        raise AlreadyExistsError("Edge", edge, hint="Revoke it before enrolling another.")
    enrol(work.connection, edge, now=work.now(), name=name)
    equip_edge(work, edge)
    return get_edge(work, edge)


def admit_edge(work: UnitOfWork, edge: str, name: str) -> None:
    """Know an edge that is invited; one that is known already keeps what it has."""
    if work.session.get(Edge, edge) is None:
        enrol_edge(work, edge, name)


def get_edge(work: UnitOfWork, edge: str) -> Edge:
    """One edge.

    Raises:
        NotFoundError: No such edge.
    """
    row = work.session.get(Edge, edge)
    if row is None:
        raise NotFoundError("edge", edge)
    return row


def station_edges(work: UnitOfWork) -> dict[str, str]:
    """The edge of every station, by the station's id."""
    return {row.id: row.edge for row in work.session.execute(select(Station.id, Station.edge))}


def edge_ids(work: UnitOfWork) -> list[str]:
    """All edges of the plant that are not revoked, by id."""
    return list(
        work.session.scalars(select(Edge.id).where(Edge.revoked_at.is_(None)).order_by(Edge.id))
    )


def current_epochs(work: UnitOfWork) -> dict[str, str]:
    """The journal that each edge speaks from, by edge; empty before its first hello."""
    return {row.id: row.epoch for row in work.session.execute(select(Edge.id, Edge.epoch))}


def need_edges(work: UnitOfWork, edges: list[str], *, field: str) -> None:
    """Refuse what refers to an edge that does not exist.

    Raises:
        UnknownReferenceError: No such edge; it names the field.
    """
    _need(work, Edge, edges, field)


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


def calendar_read() -> tuple[Statement, type[CalendarRow]]:
    """How the calendar is read together with other things; `calendar_document` takes the row."""
    return CALENDAR_NOW, CalendarRow


def current_calendar(work: UnitOfWork) -> commands.Calendar | None:
    """The calendar as figures use it; None while nobody has entered one."""
    row = work.session.get(SiteCalendar, SITE)
    return None if row is None else calendar_document(row)


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
