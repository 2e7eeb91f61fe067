"""REST of master data: list, read, create, change."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel
from sqlalchemy import select

from lineside.central.errors import (
    ConflictError,
    NotFoundError,
    RevisionMissingError,
    RevisionStaleError,
)
from lineside.central.kit.http import refusals
from lineside.central.kit.pagination import Page, Paging, after_key, cut_page
from lineside.central.kit.revisions import ExpectedRevision, MaybeExpectedRevision, show_revision
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.mes.master_data import entities, schemas, service
from lineside.central.mes.master_data.errors import UnknownReferenceError
from lineside.central.platform.access.principal import Principal, require

router = APIRouter(prefix="/api/v1/mes", tags=["master data"], route_class=TransactionRoute)
Reader = Annotated[Principal, Depends(require("masterdata.read"))]
Writer = Annotated[Principal, Depends(require("masterdata.write"))]
EdgeReader = Annotated[Principal, Depends(require("edges.read"))]
EdgeAdmin = Annotated[Principal, Depends(require("edges.admin"))]

CREATE = refusals(ConflictError, UnknownReferenceError)
UPDATE = refusals(NotFoundError, RevisionMissingError, RevisionStaleError)
OutModel = TypeVar("OutModel", bound=BaseModel)


def _page(
    work: Work,
    page: Paging,
    entity: Any,  # noqa: ANN401 - any mapped class of this folder
    columns: tuple[str, ...],
    out: type[OutModel],
) -> Page[OutModel]:
    """One page of any master data table, in the order of its key."""
    key = tuple(getattr(entity, column) for column in columns)
    rows: list[Any] = list(work.session.scalars(after_key(select(entity), key, page)))
    rows, cursor = cut_page(rows, page, columns)
    return Page(items=[out.model_validate(row) for row in rows], next_cursor=cursor)


def _shown(response: Response, row: Any, out: type[OutModel]) -> OutModel:  # noqa: ANN401
    show_revision(response, row.revision)
    return out.model_validate(row)


@router.get("/items")
def list_items(work: Work, page: Paging, _: Reader) -> Page[schemas.ItemOut]:
    """All items, by number."""
    return _page(work, page, entities.Item, ("id",), schemas.ItemOut)


@router.post("/items", status_code=201, responses=CREATE)
def create_item(body: schemas.ItemIn, work: Work, response: Response, _: Writer) -> schemas.ItemOut:
    """A new item; every edge learns it."""
    row = service.create(work, entities.Item, body.id, body.model_dump())
    return _shown(response, row, schemas.ItemOut)


@router.get("/items/{item:path}", responses=refusals(NotFoundError))
def read_item(item: str, work: Work, response: Response, _: Reader) -> schemas.ItemOut:
    """One item."""
    return _shown(response, service.get(work, entities.Item, item), schemas.ItemOut)


@router.put("/items/{item:path}", responses=UPDATE)
def change_item(
    _: Writer,
    item: str,
    body: schemas.ItemBase,
    work: Work,
    response: Response,
    expected: ExpectedRevision,
) -> schemas.ItemOut:
    """Replace an item's fields."""
    values = body.model_dump()
    row = service.change(work, entities.Item, item, values, expected=expected)
    return _shown(response, row, schemas.ItemOut)


@router.get("/routings")
def list_routings(work: Work, page: Paging, _: Reader) -> Page[schemas.RoutingOut]:
    """All routings, by id."""
    return _page(work, page, entities.Routing, ("id",), schemas.RoutingOut)


@router.post("/routings", status_code=201, responses=CREATE)
def create_routing(
    body: schemas.RoutingIn, work: Work, response: Response, _: Writer
) -> schemas.RoutingOut:
    """A new routing."""
    row = service.create(work, entities.Routing, body.id, body.model_dump(mode="json"))
    return _shown(response, row, schemas.RoutingOut)


@router.get("/routings/{routing:path}", responses=refusals(NotFoundError))
def read_routing(routing: str, work: Work, response: Response, _: Reader) -> schemas.RoutingOut:
    """One routing."""
    return _shown(response, service.get(work, entities.Routing, routing), schemas.RoutingOut)


@router.put("/routings/{routing:path}", responses=UPDATE)
def change_routing(
    _: Writer,
    routing: str,
    body: schemas.RoutingBase,
    work: Work,
    response: Response,
    expected: ExpectedRevision,
) -> schemas.RoutingOut:
    """Replace a routing's operations; released orders keep the steps that they have."""
    values = body.model_dump(mode="json")
    row = service.change(work, entities.Routing, routing, values, expected=expected)
    return _shown(response, row, schemas.RoutingOut)


@router.get("/boms")
def list_boms(work: Work, page: Paging, _: Reader) -> Page[schemas.BomOut]:
    """All bills of material, by id."""
    return _page(work, page, entities.BillOfMaterial, ("id",), schemas.BomOut)


@router.post("/boms", status_code=201, responses=CREATE)
def create_bom(body: schemas.BomIn, work: Work, response: Response, _: Writer) -> schemas.BomOut:
    """A new bill of material."""
    row = service.create(work, entities.BillOfMaterial, body.id, body.model_dump(mode="json"))
    return _shown(response, row, schemas.BomOut)


@router.get("/boms/{bom:path}", responses=refusals(NotFoundError))
def read_bom(bom: str, work: Work, response: Response, _: Reader) -> schemas.BomOut:
    """One bill of material."""
    return _shown(response, service.get(work, entities.BillOfMaterial, bom), schemas.BomOut)


@router.put("/boms/{bom:path}", responses=UPDATE)
def change_bom(
    _: Writer,
    bom: str,
    body: schemas.BomBase,
    work: Work,
    response: Response,
    expected: ExpectedRevision,
) -> schemas.BomOut:
    """Replace the lines of a bill of material; released orders keep what they have."""
    values = body.model_dump(mode="json")
    row = service.change(work, entities.BillOfMaterial, bom, values, expected=expected)
    return _shown(response, row, schemas.BomOut)


@router.get("/edges")
def list_edges(work: Work, page: Paging, _: EdgeReader) -> Page[schemas.EdgeOut]:
    """All edges, by id."""
    return _page(work, page, entities.Edge, ("id",), schemas.EdgeOut)


@router.post("/edges", status_code=201, responses=CREATE)
def create_edge(body: schemas.EdgeIn, work: Work, _: EdgeAdmin) -> schemas.EdgeOut:
    """Enrol an edge; it gets calendar, reasons, items, people and holds."""
    return schemas.EdgeOut.model_validate(service.enrol_edge(work, body.id, body.name))


@router.post("/edges/{edge}/equip", responses=refusals(NotFoundError))
def equip_edge(edge: str, work: Work, _: EdgeAdmin) -> schemas.EdgeOut:
    """Write what every edge has for this one again; what it has does not travel."""
    row = service.get_edge(work, edge)
    service.equip_edge(work, edge)
    return schemas.EdgeOut.model_validate(row)


@router.get("/stations")
def list_stations(work: Work, page: Paging, _: Reader) -> Page[schemas.StationOut]:
    """All stations, by id."""
    return _page(work, page, entities.Station, ("id",), schemas.StationOut)


@router.post("/stations", status_code=201, responses=CREATE)
def create_station(
    body: schemas.StationIn, work: Work, response: Response, _: Writer
) -> schemas.StationOut:
    """A new station."""
    row = service.create(work, entities.Station, body.id, body.model_dump())
    return _shown(response, row, schemas.StationOut)


@router.put("/stations/{station:path}", responses=UPDATE)
def change_station(
    _: Writer,
    station: str,
    body: schemas.StationBase,
    work: Work,
    response: Response,
    expected: ExpectedRevision,
) -> schemas.StationOut:
    """Replace a station's fields."""
    values = body.model_dump()
    row = service.change(work, entities.Station, station, values, expected=expected)
    return _shown(response, row, schemas.StationOut)


@router.get("/reasons")
def list_reasons(work: Work, page: Paging, _: Reader) -> Page[schemas.ReasonOut]:
    """Stop reasons and defect codes."""
    return _page(work, page, entities.Reason, ("kind", "code"), schemas.ReasonOut)


@router.post("/reasons", status_code=201, responses=CREATE)
def create_reason(
    body: schemas.ReasonIn, work: Work, response: Response, _: Writer
) -> schemas.ReasonOut:
    """A new reason; every edge gets the whole list."""
    row = service.create(work, entities.Reason, (body.kind, body.code), body.model_dump())
    return _shown(response, row, schemas.ReasonOut)


@router.put("/reasons/{kind}/{code}", responses=UPDATE)
def change_reason(
    _: Writer,
    kind: str,
    code: str,
    body: schemas.ReasonBase,
    work: Work,
    response: Response,
    expected: ExpectedRevision,
) -> schemas.ReasonOut:
    """Replace a reason's labels, or set it inactive."""
    values = body.model_dump()
    row = service.change(work, entities.Reason, (kind, code), values, expected=expected)
    return _shown(response, row, schemas.ReasonOut)


@router.get("/calendar", responses=refusals(NotFoundError))
def read_calendar(work: Work, response: Response, _: Reader) -> schemas.CalendarOut:
    """Shifts and planned stops of the site."""
    return _shown(response, service.get_calendar(work), schemas.CalendarOut)


@router.put("/calendar", responses=refusals(RevisionMissingError, RevisionStaleError))
def put_calendar(
    *,
    _: Writer,
    body: schemas.CalendarIn,
    work: Work,
    response: Response,
    expected: MaybeExpectedRevision,
) -> schemas.CalendarOut:
    """Replace the calendar; every edge gets it. The first one needs no If-Match."""
    row = service.put_calendar(work, body, expected=expected)
    return _shown(response, row, schemas.CalendarOut)
