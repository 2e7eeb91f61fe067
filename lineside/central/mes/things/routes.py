"""REST of lots and holds."""

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
from lineside.central.kit.revisions import ExpectedRevision, MaybeExpectedRevision, show_revision
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.mes.master_data.errors import UnknownReferenceError
from lineside.central.mes.orders.service import EdgeAppliedOut, documents_applied
from lineside.central.mes.things import schemas, service
from lineside.central.mes.things.entities import HoldRecord, Lot
from lineside.central.platform.access.principal import Principal, require

router = APIRouter(prefix="/api/v1/mes", tags=["lots and holds"], route_class=TransactionRoute)
LotReader = Annotated[Principal, Depends(require("lots.read"))]
LotWriter = Annotated[Principal, Depends(require("lots.write"))]
HoldReader = Annotated[Principal, Depends(require("holds.read"))]
HoldWriter = Annotated[Principal, Depends(require("holds.write"))]


@router.get("/lots")
def list_lots(
    work: Work,
    page: Paging,
    _: LotReader,
    item: Annotated[str, Query(max_length=100)] = "",
    lot: Annotated[str, Query(max_length=100)] = "",
) -> Page[schemas.LotOut]:
    """Lots, by item, number and issuer."""
    query = select(Lot)
    if item:
        query = query.where(Lot.item == item)
    if lot:
        query = query.where(Lot.lot == lot)
    columns = Lot.__table__.c
    key = (columns.item, columns.lot, columns.issuer)
    rows = list(work.session.scalars(after_key(query, key, page)))
    rows, cursor = cut_page(
        rows,
        page,
        (
            "item",
            "lot",
            "issuer",
        ),
    )
    return Page(items=[schemas.LotOut.model_validate(row) for row in rows], next_cursor=cursor)


@router.post("/lots", status_code=201, responses=refusals(ConflictError, UnknownReferenceError))
def create_lot(body: schemas.LotIn, work: Work, response: Response, _: LotWriter) -> schemas.LotOut:
    """A new lot, for example at goods receipt."""
    row = service.create_lot(work, body)
    show_revision(response, row.revision)
    return schemas.LotOut.model_validate(row)


@router.patch("/lots", responses=refusals(NotFoundError, RevisionMissingError, RevisionStaleError))
def change_lot(
    _: LotWriter,
    body: schemas.LotPatch,
    work: Work,
    response: Response,
    expected: ExpectedRevision,
) -> schemas.LotOut:
    """Change quantity or status of the lot that the body names."""
    row = service.change_lot(work, body, expected=expected)
    show_revision(response, row.revision)
    return schemas.LotOut.model_validate(row)


def _shown(row: HoldRecord, applied: dict[str, list[EdgeAppliedOut]]) -> schemas.HoldOut:
    edges = applied.get(row.id, [])
    values = {
        name: getattr(row, name)
        for name in schemas.HoldOut.model_fields
        if name not in {"edges", "not_confirmed"}
    }
    late = [found.edge for found in edges if found.applied < found.wanted]
    return schemas.HoldOut.model_validate(values | {"edges": edges, "not_confirmed": late})


@router.get("/holds")
def list_holds(
    work: Work,
    page: Paging,
    _: HoldReader,
    open_only: bool = True,  # noqa: FBT002 - a query flag
) -> Page[schemas.HoldOut]:
    """Holds, by id, with the edges that have not yet confirmed each."""
    query = select(HoldRecord)
    if open_only:
        query = query.where(HoldRecord.released_at.is_(None))
    rows = list(work.session.scalars(after_key(query, (HoldRecord.__table__.c.id,), page)))
    rows, cursor = cut_page(rows, page, ("id",))
    applied = documents_applied(work, "hold", [row.id for row in rows])
    return Page(items=[_shown(row, applied) for row in rows], next_cursor=cursor)


@router.post("/holds", status_code=201)
def hold_thing(
    body: schemas.HoldIn, work: Work, response: Response, principal: HoldWriter
) -> schemas.HoldOut:
    """Hold a unit, lot, carrier or tool everywhere."""
    row = service.hold_thing(work, body, by=principal.person or principal.id)
    show_revision(response, row.revision)
    return _shown(row, documents_applied(work, "hold", [row.id]))


@router.get("/holds/{hold}", responses=refusals(NotFoundError))
def read_hold(hold: str, work: Work, response: Response, _: HoldReader) -> schemas.HoldOut:
    """One hold, with the edges that have not yet confirmed it."""
    row = work.session.get(HoldRecord, hold)
    if row is None:
        raise NotFoundError("hold", hold)
    show_revision(response, row.revision)
    return _shown(row, documents_applied(work, "hold", [row.id]))


@router.post("/holds/{hold}/release", responses=refusals(NotFoundError, RevisionStaleError))
def release_hold(
    principal: HoldWriter,
    hold: str,
    work: Work,
    response: Response,
    expected: MaybeExpectedRevision,
) -> schemas.HoldOut:
    """End a hold everywhere."""
    by = principal.person or principal.id
    row = service.release_hold(work, hold, by=by, expected=expected)
    show_revision(response, row.revision)
    return _shown(row, documents_applied(work, "hold", [row.id]))
