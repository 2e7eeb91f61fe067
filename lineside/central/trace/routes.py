"""REST of trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from lineside.central.kit.csv_answer import CSV_RESPONSE, CsvWanted, csv_response
from lineside.central.kit.http import refusals
from lineside.central.kit.schema import decimal_text
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.platform.access.principal import Principal, require
from lineside.central.trace import schemas, service
from lineside.central.trace.errors import NothingKnownError
from lineside.contracts.clock import format_rfc3339

router = APIRouter(prefix="/api/v1/trace", tags=["trace"], route_class=TransactionRoute)
Reader = Annotated[Principal, Depends(require("trace.read"))]
ItemQuery = Annotated[str | None, Query(max_length=100, description="Only of this item")]
IssuerQuery = Annotated[
    str | None, Query(max_length=100, description="Only of this issuer; empty: our own")
]
RESPONSES = CSV_RESPONSE | refusals(NothingKnownError)
CSV_HEADER = (
    "part", "kind", "item", "id", "issuer", "type", "occurred_at", "occurred_until", "station",
    "order", "operation", "by", "shift", "quantity", "unit", "certainty", "other_kind",
    "other_item", "other_id", "other_issuer", "valid_until", "detail", "flags", "voided", "edge",
    "epoch", "seq",
)  # fmt: skip


def _answer(found: schemas.TraceOut, number: str, *, as_csv: bool) -> Response | schemas.TraceOut:
    if as_csv:
        name = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in number)
        return csv_response(f"trace-{name}", CSV_HEADER, _csv_rows(found))
    return found


@router.get("/units", responses=RESPONSES, response_model=schemas.TraceOut)
def trace_unit(
    work: Work,
    _: Reader,
    as_csv: CsvWanted,
    serial: Annotated[str, Query(min_length=1, max_length=100)],
    item: ItemQuery = None,
    issuer: IssuerQuery = None,
) -> Response | schemas.TraceOut:
    """The complete history of a unit, backward and forward, or the candidates."""
    found = service.trace(work, kind="unit", number=serial, item=item, issuer=issuer)
    return _answer(found, serial, as_csv=as_csv)


@router.get("/lots", responses=RESPONSES, response_model=schemas.TraceOut)
def trace_lot(
    work: Work,
    _: Reader,
    as_csv: CsvWanted,
    lot: Annotated[str, Query(min_length=1, max_length=100)],
    item: ItemQuery = None,
    issuer: IssuerQuery = None,
) -> Response | schemas.TraceOut:
    """The complete history of a lot: what it was made from, everything that it went into."""
    found = service.trace(work, kind="lot", number=lot, item=item, issuer=issuer)
    return _answer(found, lot, as_csv=as_csv)


@router.get("/known")
def known(work: Work, _: Reader) -> list[schemas.EdgeKnownOut]:
    """What of each edge a trace knows now, and how many events are still to come."""
    return service.known_edges(work)


@router.get("/units/{serial:path}", responses=RESPONSES, response_model=schemas.TraceOut)
def trace_unit_short(
    serial: str,
    work: Work,
    _: Reader,
    as_csv: CsvWanted,
    item: ItemQuery = None,
    issuer: IssuerQuery = None,
) -> Response | schemas.TraceOut:
    """Short form with the serial number in the path; it may contain `/`."""
    found = service.trace(work, kind="unit", number=serial, item=item, issuer=issuer)
    return _answer(found, serial, as_csv=as_csv)


@router.get("/lots/{lot:path}", responses=RESPONSES, response_model=schemas.TraceOut)
def trace_lot_short(
    lot: str,
    work: Work,
    _: Reader,
    as_csv: CsvWanted,
    item: ItemQuery = None,
    issuer: IssuerQuery = None,
) -> Response | schemas.TraceOut:
    """Short form with the lot number in the path; it may contain `/`."""
    found = service.trace(work, kind="lot", number=lot, item=item, issuer=issuer)
    return _answer(found, lot, as_csv=as_csv)


def _csv_rows(found: schemas.TraceOut) -> Iterator[tuple[object, ...]]:
    if found.history is None:
        for thing in found.candidates:
            yield ("candidate", thing.kind, thing.item, thing.id, thing.issuer, *("",) * 22)
        return
    for node in found.history.made_from.nodes:
        for line in node.lines:
            yield _line_row(node, line)
    for part, graph in (
        ("made_from", found.history.made_from),
        ("went_into", found.history.went_into),
    ):
        for link in graph.links:
            yield _link_row(part, graph, link)


def _line_row(node: schemas.NodeOut, line: schemas.LineOut) -> tuple[object, ...]:
    until = None if line.occurred_until is None else format_rfc3339(line.occurred_until)
    detail = json.dumps(line.detail, ensure_ascii=False, sort_keys=True)
    return (
        "line", node.kind, node.item, node.id, node.issuer, line.type,
        format_rfc3339(line.occurred_at), until, line.station, line.order, line.operation,
        " ".join(line.by), line.shift, "", "", "", "", "", "", "", "", detail,
        " ".join(line.flags), line.voided, line.evidence.edge, line.evidence.epoch,
        line.evidence.seq,
    )  # fmt: skip


def _link_row(part: str, graph: schemas.GraphOut, link: schemas.LinkOut) -> tuple[object, ...]:
    product, source = graph.nodes[link.product], graph.nodes[link.source]
    until = None if link.valid_until is None else format_rfc3339(link.valid_until)
    return (
        part, product.kind, product.item, product.id, product.issuer, link.relation,
        format_rfc3339(link.valid_from), "", link.station, link.order, link.operation, "", "",
        decimal_text(link.quantity), link.unit, link.certainty, source.kind, source.item,
        source.id, source.issuer, until, "", "", "", link.evidence.edge, link.evidence.epoch,
        link.evidence.seq,
    )  # fmt: skip
