"""REST of trace."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from lineside.central.kit.csv_answer import CSV_RESPONSE, CsvWanted, csv_response
from lineside.central.kit.http import refusals
from lineside.central.kit.reading_route import Plain, Read, ReadingRoute, answered_by
from lineside.central.kit.shapes import documented, encode, json_answer
from lineside.central.kit.together import Reads
from lineside.central.platform.access.principal import Principal, require
from lineside.central.trace import schemas, service
from lineside.central.trace.errors import NothingKnownError

router = APIRouter(prefix="/api/v1/trace", tags=["trace"], route_class=ReadingRoute)
Reader = Annotated[Principal, Depends(require("trace.read"))]
NUMBER_MAX = 100
NumberQuery = Annotated[str, Query(min_length=1, max_length=NUMBER_MAX)]
ItemQuery = Annotated[str | None, Query(max_length=NUMBER_MAX, description="Only of this item")]
IssuerQuery = Annotated[
    str | None, Query(max_length=NUMBER_MAX, description="Only of this issuer; empty: our own")
]
RESPONSES = CSV_RESPONSE | refusals(NothingKnownError)
CSV_HEADER = (
    "part", "kind", "item", "id", "issuer", "type", "occurred_at", "occurred_until", "station",
    "order", "operation", "by", "shift", "quantity", "unit", "certainty", "other_kind",
    "other_item", "other_id", "other_issuer", "valid_until", "detail", "flags", "voided", "edge",
    "epoch", "seq",
)  # fmt: skip


TraceDocument = documented(schemas.TraceOut)
KnownDocument = documented(schemas.EdgeKnownOut)


async def _trace(
    read: Read, as_csv: bool, kind: str, number: str, item: str | None, issuer: str | None
) -> Response:
    def found(work: Reads) -> Response:
        answer = service.trace(work, kind=kind, number=number, item=item, issuer=issuer)
        if not as_csv:
            return json_answer(encode(answer))
        name = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in number)
        return csv_response(f"trace-{name}", CSV_HEADER, _csv_rows(answer))

    return await read(found)


def _plainly(kind: str, name: str) -> Plain:
    """The trace of a number that stands in the parameter `name`, for requests without frills."""

    def plain(parameters: Mapping[str, str]) -> Callable[[Reads], bytes] | None:
        given = dict(parameters)
        number = given.pop(name, "")
        item, issuer = given.pop("item", None), given.pop("issuer", None)
        long = max(len(number), len(item or ""), len(issuer or "")) > NUMBER_MAX
        if not number or given or long:
            return None
        return lambda work: encode(
            service.trace(work, kind=kind, number=number, item=item, issuer=issuer)
        )

    return plain


@router.get("/units", responses=RESPONSES, response_model=TraceDocument)
@answered_by("trace.read", _plainly("unit", "serial"))
async def trace_unit(
    read: Read,
    _: Reader,
    as_csv: CsvWanted,
    serial: NumberQuery,
    item: ItemQuery = None,
    issuer: IssuerQuery = None,
) -> Response:
    """The complete history of a unit, backward and forward, or the candidates."""
    return await _trace(read, as_csv, "unit", serial, item, issuer)


@router.get("/lots", responses=RESPONSES, response_model=TraceDocument)
@answered_by("trace.read", _plainly("lot", "lot"))
async def trace_lot(
    read: Read,
    _: Reader,
    as_csv: CsvWanted,
    lot: NumberQuery,
    item: ItemQuery = None,
    issuer: IssuerQuery = None,
) -> Response:
    """The complete history of a lot: what it was made from, everything that it went into."""
    return await _trace(read, as_csv, "lot", lot, item, issuer)


@router.get("/carriers", responses=RESPONSES, response_model=TraceDocument)
async def trace_carrier(
    read: Read,
    _: Reader,
    as_csv: CsvWanted,
    carrier: NumberQuery,
    item: ItemQuery = None,
    issuer: IssuerQuery = None,
) -> Response:
    """The history of a carrier: what went in and out, where, and who did it."""
    return await _trace(read, as_csv, "carrier", carrier, item, issuer)


@router.get("/known", response_model=list[KnownDocument])
async def known(read: Read, _: Reader) -> Response:
    """What of each edge a trace knows now, and how many events are still to come."""
    return json_answer(await read(lambda work: encode(service.known_edges(work))))


@router.get("/units/{serial:path}", responses=RESPONSES, response_model=TraceDocument)
async def trace_unit_short(
    serial: str,
    read: Read,
    _: Reader,
    as_csv: CsvWanted,
    item: ItemQuery = None,
    issuer: IssuerQuery = None,
) -> Response:
    """Short form with the serial number in the path; it may contain `/`."""
    return await _trace(read, as_csv, "unit", serial, item, issuer)


@router.get("/lots/{lot:path}", responses=RESPONSES, response_model=TraceDocument)
async def trace_lot_short(
    lot: str,
    read: Read,
    _: Reader,
    as_csv: CsvWanted,
    item: ItemQuery = None,
    issuer: IssuerQuery = None,
) -> Response:
    """Short form with the lot number in the path; it may contain `/`."""
    return await _trace(read, as_csv, "lot", lot, item, issuer)


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
    detail = json.dumps(line.detail, ensure_ascii=False, sort_keys=True)
    return (
        "line", node.kind, node.item, node.id, node.issuer, line.type,
        line.occurred_at, line.occurred_until, line.station, line.order, line.operation,
        " ".join(line.by), line.shift, "", "", "", "", "", "", "", "", detail,
        " ".join(line.flags), line.voided, line.evidence.edge, line.evidence.epoch,
        line.evidence.seq,
    )  # fmt: skip


def _link_row(part: str, graph: schemas.GraphOut, link: schemas.LinkOut) -> tuple[object, ...]:
    product, source = graph.nodes[link.product], graph.nodes[link.source]
    return (
        part, product.kind, product.item, product.id, product.issuer, link.relation,
        link.valid_from, "", link.station, link.order, link.operation, "", "",
        link.quantity, link.unit, link.certainty, source.kind, source.item,
        source.id, source.issuer, link.valid_until, "", "", "", link.evidence.edge,
        link.evidence.epoch, link.evidence.seq,
    )  # fmt: skip
