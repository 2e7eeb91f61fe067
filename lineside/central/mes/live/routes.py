"""What stations do at this moment, as their edges say it: ahead of the facts, and provisional."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Response

from lineside.central.kit.reading_route import Read, ReadingRoute
from lineside.central.kit.shapes import InstantText, Shape, documented, encode, json_answer
from lineside.central.kit.together import Reads, read_as_one
from lineside.central.platform.access.principal import Principal, require
from lineside.contracts.clock import US_PER_SECOND, format_rfc3339

router = APIRouter(prefix="/api/v1/mes", tags=["live"], route_class=ReadingRoute)
EdgeReader = Annotated[Principal, Depends(require("edges.read"))]
SILENT_AFTER = 15 * US_PER_SECOND

_LIVE = """
    SELECT l.edge, l.sent_at, l.received_at, l.head_seq, l.stations,
           coalesce(w.durable_through, 0) AS durable_through
    FROM edge_live l
    JOIN edge e ON e.id = l.edge AND e.revoked_at IS NULL
    LEFT JOIN lane_watermark w ON w.edge = l.edge AND w.lane = 'facts' AND w.epoch = e.epoch
    ORDER BY l.edge
"""


class LiveRow(msgspec.Struct):
    """The newest state of an edge."""

    edge: str
    sent_at: int
    received_at: int
    head_seq: int
    durable_through: int
    stations: dict[str, dict[str, str]]


class StationLiveOut(Shape):
    """What a station does now, by its edge's word.

    Attributes:
        state, detail: State of the machine and what the controller adds to it.
        orders: Numbers of the orders on it.
        provisional: Facts that led here are still on their way: `known_seq` of `head_seq` are here.
            Figures and histories do not know them yet.
        silent: The edge has not spoken for 15 s; the state is the last that was heard.
    """

    edge: str
    station: str
    state: str
    detail: str
    orders: str
    sent_at: InstantText
    received_at: InstantText
    head_seq: int
    known_seq: int
    provisional: bool
    silent: bool


StationLiveDocument = documented(StationLiveOut)


def stations_now(work: Reads) -> list[StationLiveOut]:
    """The newest state of every station, by edge and station."""
    (rows,) = read_as_one(work.connection, [(_LIVE, {})], [LiveRow])
    now = work.now()
    return [_station(row, station, now) for row in rows for station in sorted(row.stations)]


def _station(row: LiveRow, station: str, now: int) -> StationLiveOut:
    said = row.stations[station]
    return StationLiveOut(
        edge=row.edge,
        station=station,
        state=said.get("state", ""),
        detail=said.get("detail", ""),
        orders=said.get("orders", ""),
        sent_at=format_rfc3339(row.sent_at),
        received_at=format_rfc3339(row.received_at),
        head_seq=row.head_seq,
        known_seq=row.durable_through,
        provisional=row.head_seq > row.durable_through,
        silent=now - row.received_at > SILENT_AFTER,
    )


@router.get("/live", response_model=list[StationLiveDocument])
async def live(read: Read, _: EdgeReader) -> Response:
    """What every station does now; provisional where its facts have not arrived yet."""
    return json_answer(await read(lambda work: encode(stations_now(work))))
