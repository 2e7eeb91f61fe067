"""REST of carriers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import select

from lineside.central.errors import (
    ConflictError,
    NotFoundError,
    RevisionMissingError,
    RevisionStaleError,
)
from lineside.central.kit.http import refusals
from lineside.central.kit.pagination import Page, Paging, after_key, cut_page
from lineside.central.kit.revisions import ExpectedRevision, show_revision
from lineside.central.kit.schema import Instant
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.mes.carriers import schemas, service
from lineside.central.mes.carriers.entities import CarrierTypeRow
from lineside.central.platform.access.principal import Principal, require

router = APIRouter(prefix="/api/v1/mes", tags=["carriers"], route_class=TransactionRoute)
Reader = Annotated[Principal, Depends(require("masterdata.read"))]
Writer = Annotated[Principal, Depends(require("masterdata.write"))]
Tracer = Annotated[Principal, Depends(require("trace.read"))]


@router.get("/carrier-types")
def list_types(work: Work, page: Paging, _: Reader) -> Page[schemas.CarrierTypeOut]:
    """All types of carriers, by id."""
    query = after_key(select(CarrierTypeRow), (CarrierTypeRow.__table__.c.id,), page)
    rows, cursor = cut_page(list(work.session.scalars(query)), page, ("id",))
    shown = [schemas.CarrierTypeOut.model_validate(row) for row in rows]
    return Page(items=shown, next_cursor=cursor)


@router.post("/carrier-types", status_code=201, responses=refusals(ConflictError))
def create_type(
    body: schemas.CarrierTypeIn, work: Work, response: Response, _: Writer
) -> schemas.CarrierTypeOut:
    """A new type: which numbers it has, how much it holds, what may be mixed."""
    row = service.create_type(work, body)
    show_revision(response, row.revision)
    return schemas.CarrierTypeOut.model_validate(row)


@router.put(
    "/carrier-types/{carrier_type}",
    responses=refusals(NotFoundError, RevisionMissingError, RevisionStaleError),
)
def change_type(
    _: Writer,
    carrier_type: str,
    body: schemas.CarrierTypeBase,
    work: Work,
    response: Response,
    expected: ExpectedRevision,
) -> schemas.CarrierTypeOut:
    """Replace a type's rules; every edge gets them."""
    row = service.change_type(work, carrier_type, body, expected=expected)
    show_revision(response, row.revision)
    return schemas.CarrierTypeOut.model_validate(row)


@router.get("/carriers", responses=refusals(NotFoundError))
def read_carrier(
    work: Work,
    _: Tracer,
    carrier: Annotated[str, Query(min_length=1, max_length=100)],
    as_of: Annotated[Instant | None, Query(description="Contents at this moment")] = None,
) -> schemas.CarrierOut:
    """What is in a carrier, now or at a moment, and what went in and out."""
    rows = service.moves_of(work, [carrier]).get(carrier, [])
    if not rows:
        raise NotFoundError("carrier", carrier)
    contents = [
        schemas.ContentOut(
            kind=one.thing.kind.value,
            item=one.thing.item,
            id=one.thing.id,
            issuer=one.thing.issuer,
            quantity=one.quantity,
            unit=one.unit,
            order=one.order,
        )
        for one in service.contents_of(rows, as_of)
    ]
    moves = [
        schemas.MoveOut(
            direction=row.direction,
            occurred_at=row.occurred_at,
            kind=row.content_kind,
            item=row.content_item,
            id=row.content,
            issuer=row.content_issuer,
            quantity=row.quantity,
            unit=row.unit,
            order=row.order_no,
            voided=row.voided,
            evidence=schemas.EventOut(edge=row.edge, epoch=row.epoch, seq=row.seq),
        )
        for row in rows[-service.MOVES_MAX :]
    ]
    return schemas.CarrierOut(
        carrier=carrier,
        as_of=work.now() if as_of is None else as_of,
        contents=contents,
        moves=moves,
        truncated=len(rows) > service.MOVES_MAX,
    )
