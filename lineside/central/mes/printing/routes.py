"""Prints over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from lineside.central.errors import NotFoundError
from lineside.central.kit.http import refusals
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.mes.orders.errors import OrderNotFoundError, OrderStateError
from lineside.central.mes.printing import command_sheet, service
from lineside.central.platform.access.principal import Principal, require

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
    return _file(service.traveller(work, order), PDF, f"traveller-{order}.pdf")


@router.get("/badges", response_class=Response, responses=_binary(PDF) | refusals(NotFoundError))
def print_badges(
    work: Work,
    request: Request,
    _: PeopleReader,
    person: Annotated[list[str], Query(min_length=1, max_length=LABELS_MAX)],
) -> Response:
    """Badges of some people, as PDF."""
    site: str = request.app.state.central.config.site.name
    return _file(service.badges(work, person, site=site), PDF, "badges.pdf")


@router.get("/commands", response_class=Response, responses=_binary(PDF))
def print_commands(
    work: Work,
    request: Request,
    _: Printer,
    code: Annotated[
        Literal["qr", "code128"], Query(description="code128: for scanners of lines alone")
    ] = "qr",
) -> Response:
    """The sheet of the terminal's command codes, with the site's reasons and defects, as PDF."""
    site: str = request.app.state.central.config.site.name
    sheet = command_sheet.site_sheet(work, site=site, lines=code == "code128")
    return _file(sheet, PDF, "command-codes.pdf")


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
    if format == "pdf":
        return _file(service.unit_labels_pdf(work, item, serial), PDF, "unit-labels.pdf")
    return _file(service.unit_labels_zpl(work, item, serial), ZPL, "unit-labels.zpl")
