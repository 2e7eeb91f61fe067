"""Prints over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import select

from lineside.central.errors import InvalidInputError, NotFoundError
from lineside.central.kit.http import refusals
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.mes.master_data import service as master_data
from lineside.central.mes.master_data.entities import Item
from lineside.central.mes.orders.errors import OrderNotFoundError, OrderStateError
from lineside.central.mes.orders.service import get_order
from lineside.central.mes.printing import documents, zpl
from lineside.central.platform.access.principal import Principal, require
from lineside.central.platform.identity.entities import PersonRecord

router = APIRouter(prefix="/api/v1/mes/prints", tags=["prints"], route_class=TransactionRoute)
Printer = Annotated[Principal, Depends(require("labels.print"))]
PeopleReader = Annotated[Principal, Depends(require("people.read"))]
LABELS_MAX = 500
PDF = "application/pdf"
ZPL = "application/zpl"


def _binary(*types: str) -> dict[int | str, dict[str, Any]]:
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"content": dict.fromkeys(types, schema)}}


def _file(data: bytes, media_type: str, name: str) -> Response:
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)
    return Response(
        data,
        media_type=media_type,
        headers={"Content-Disposition": f'inline; filename="{safe}"'},
    )


@router.get(
    "/travellers/{order:path}",
    response_class=Response,
    responses=_binary(PDF) | refusals(OrderNotFoundError, OrderStateError),
)
def print_traveller(order: str, work: Work, _: Printer) -> Response:
    """The traveller of a released order, as PDF."""
    row = get_order(work, order)
    if not row.steps:
        raise OrderStateError(order, row.state, "printed")
    item = master_data.get(work, Item, row.item)
    return _file(documents.traveller(row, item), PDF, f"traveller-{order}.pdf")


@router.get("/badges", response_class=Response, responses=_binary(PDF) | refusals(NotFoundError))
def print_badges(
    work: Work,
    request: Request,
    _: PeopleReader,
    person: Annotated[list[str], Query(min_length=1, max_length=LABELS_MAX)],
) -> Response:
    """Badges of some people, as PDF."""
    rows = {
        row.id: row
        for row in work.session.scalars(select(PersonRecord).where(PersonRecord.id.in_(person)))
    }
    for wanted in person:
        if wanted not in rows:
            raise NotFoundError("person", wanted)
        if not rows[wanted].badge:
            raise InvalidInputError(f"Person {wanted} has no badge.", field="query.person")
    site: str = request.app.state.central.config.site.name
    return _file(
        documents.badges([rows[wanted] for wanted in person], site=site), PDF, "badges.pdf"
    )


@router.get(
    "/unit-labels",
    response_class=Response,
    responses=_binary(PDF, ZPL) | refusals(NotFoundError),
)
def print_unit_labels(
    work: Work,
    _: Printer,
    item: Annotated[str, Query(min_length=1, max_length=100)],
    serial: Annotated[list[str], Query(min_length=1, max_length=LABELS_MAX)],
    format: Literal["pdf", "zpl"] = "pdf",  # noqa: A002 - the URL's word
) -> Response:
    """Labels of units, as PDF or as ZPL for a label printer."""
    row = master_data.get(work, Item, item)
    if format == "pdf":
        return _file(documents.unit_labels(row, serial), PDF, "unit-labels.pdf")
    labels = "".join(
        zpl.unit_label(
            serial=number, item=row.id, name=row.name, code=documents.unit_code(row, number)
        )
        for number in serial
    )
    return _file(labels.encode(), ZPL, "unit-labels.zpl")
