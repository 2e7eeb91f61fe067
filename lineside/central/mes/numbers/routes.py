"""REST of number series and blocks."""

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
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.mes.master_data.errors import UnknownReferenceError
from lineside.central.mes.numbers import schemas, service
from lineside.central.mes.numbers.entities import Block, Series
from lineside.central.mes.numbers.errors import (
    BlockExhaustedError,
    SeriesOverlapError,
    SsccPrefixError,
)
from lineside.central.platform.access.principal import Principal, require
from lineside.contracts.numbers import written

router = APIRouter(prefix="/api/v1/mes", tags=["numbers"], route_class=TransactionRoute)
Reader = Annotated[Principal, Depends(require("edges.read"))]
Admin = Annotated[Principal, Depends(require("edges.admin"))]


def _series(row: Series) -> schemas.SeriesOut:
    values = {
        name: getattr(row, name) for name in schemas.SeriesOut.model_fields if name != "example"
    }
    example = written(row.kind, prefix=row.prefix, width=row.width, number=row.first)
    return schemas.SeriesOut.model_validate(values | {"example": example})


@router.get("/number-series")
def list_series(work: Work, page: Paging, _: Reader) -> Page[schemas.SeriesOut]:
    """All number series, by id."""
    rows = list(work.session.scalars(after_key(select(Series), (Series.__table__.c.id,), page)))
    rows, cursor = cut_page(rows, page, ("id",))
    return Page(items=[_series(row) for row in rows], next_cursor=cursor)


@router.post(
    "/number-series",
    status_code=201,
    responses=refusals(ConflictError, SeriesOverlapError, SsccPrefixError, UnknownReferenceError),
)
def create_series(
    body: schemas.SeriesIn, work: Work, response: Response, _: Admin
) -> schemas.SeriesOut:
    """A new series; each of its edges gets a block for 35 days."""
    row = service.create_series(work, body)
    show_revision(response, row.revision)
    return _series(row)


@router.get("/number-series/{series}", responses=refusals(NotFoundError))
def read_series(series: str, work: Work, response: Response, _: Reader) -> schemas.SeriesOut:
    """One number series."""
    row = service.get_series(work, series)
    show_revision(response, row.revision)
    return _series(row)


@router.put(
    "/number-series/{series}",
    responses=refusals(
        NotFoundError, RevisionMissingError, RevisionStaleError, UnknownReferenceError
    ),
)
def change_series(
    _: Admin,
    series: str,
    body: schemas.SeriesBase,
    work: Work,
    response: Response,
    expected: ExpectedRevision,
) -> schemas.SeriesOut:
    """Change expected use, edges, or set it inactive; its form stays for good."""
    row = service.change_series(work, series, body, expected=expected)
    show_revision(response, row.revision)
    return _series(row)


@router.get("/number-blocks")
def list_blocks(
    work: Work, page: Paging, _: Reader, edge: Annotated[str, Query(max_length=63)] = ""
) -> Page[schemas.BlockOut]:
    """All number blocks, by id, with what is left of them."""
    query = select(Block).where(Block.edge == edge) if edge else select(Block)
    rows = list(work.session.scalars(after_key(query, (Block.__table__.c.id,), page)))
    rows, cursor = cut_page(rows, page, ("id",))
    return Page(items=[schemas.BlockOut.model_validate(row) for row in rows], next_cursor=cursor)


@router.post(
    "/number-blocks",
    status_code=201,
    responses=refusals(UnknownReferenceError, BlockExhaustedError, SsccPrefixError),
)
def give_block(body: schemas.BlockIn, work: Work, _: Admin) -> schemas.BlockOut:
    """Give an edge the next free numbers of a series, beside what it gets by itself."""
    return schemas.BlockOut.model_validate(service.give_block(work, body))
