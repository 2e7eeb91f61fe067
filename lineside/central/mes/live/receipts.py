"""The delivery receipt: how far central has what each edge recorded, in one sentence for anyone."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Response

from lineside.central.kit.reading_route import Read, ReadingRoute
from lineside.central.kit.shapes import InstantText, Shape, documented, encode, json_answer
from lineside.central.kit.together import Reads, read_as_one
from lineside.central.mes.live.routes import SILENT_AFTER, EdgeReader
from lineside.contracts.clock import format_rfc3339
from lineside.contracts.receipt import receipt_sentence

router = APIRouter(prefix="/api/v1/mes", tags=["live"], route_class=ReadingRoute)

# What an edge lost of its disk before central had it rises as a certificate in the fact's place.
_RECEIPTS = """
    SELECT e.id AS edge, greatest(e.heard_at, l.received_at) AS heard_at,
           greatest(w.durable_through, w.reported_head, l.head_seq, 0) AS head_seq,
           coalesce(w.durable_through, 0) AS durable_through,
           coalesce(w.backed_up_through, 0) AS backed_up_through,
           (SELECT coalesce(sum(r.count), 0) FROM ingest_refusal r WHERE r.edge = e.id)
               AS refused,
           (SELECT count(*) FROM quarantine q WHERE q.edge = e.id AND q.settled_at IS NULL)
               AS unreadable,
           (SELECT coalesce(sum(g.last_seq - g.first_seq + 1), 0) FROM event_gap g
             WHERE g.edge = e.id AND g.lane = 'facts')
           + (SELECT count(*) FROM raw_event c
               WHERE c.edge = e.id AND c.lane = 'facts' AND c.type = 'gap_found'
                 AND convert_from(c.data, 'UTF8')::jsonb ->> 'device' = 'journal') AS dropped
    FROM edge e
    LEFT JOIN lane_watermark w ON w.edge = e.id AND w.lane = 'facts' AND w.epoch = e.epoch
    LEFT JOIN edge_live l ON l.edge = e.id
    WHERE e.revoked_at IS NULL
    ORDER BY e.id
"""


class ReceiptRow(msgspec.Struct):
    """An edge's delivery, as the tables of ingest have it."""

    edge: str
    heard_at: int | None
    head_seq: int
    durable_through: int
    backed_up_through: int
    refused: int
    unreadable: int
    dropped: int


class SentenceOut(Shape):
    """The same sentence in Chinese and English."""

    zh: str
    en: str


class ReceiptOut(Shape):
    """How far central has what an edge recorded.

    Attributes:
        heard_at: When the edge last spoke; null: never.
        silent: It has not spoken for 15 s; it may have recorded more since.
        head_seq: Last fact that the edge told of.
        durable_through: Central has every fact up to it, committed, but for the dropped ones.
        pending: Facts between the two, kept by the edge until central has them.
        backed_up_through: Up to it the facts are also in a backup that was restored on trial.
        refused: Messages refused at the door; the facts in them are sent again.
        unreadable: Facts that are stored and that this program cannot read yet.
        dropped: Facts that nobody has any more, ever; each is declared and shown.
    """

    edge: str
    heard_at: InstantText | None
    silent: bool
    head_seq: int
    durable_through: int
    pending: int
    backed_up_through: int
    refused: int
    unreadable: int
    dropped: int
    text: SentenceOut


ReceiptDocument = documented(ReceiptOut)


def receipts(work: Reads) -> list[ReceiptOut]:
    """The receipt of every edge that is not revoked, by its id."""
    (rows,) = read_as_one(work.connection, [(_RECEIPTS, {})], [ReceiptRow])
    now = work.now()
    return [_receipt(row, now) for row in rows]


def _receipt(row: ReceiptRow, now: int) -> ReceiptOut:
    pending = max(0, row.head_seq - row.durable_through)
    text = receipt_sentence(
        through=row.durable_through, pending=pending, dropped=row.dropped, edge=row.edge
    )
    return ReceiptOut(
        edge=row.edge,
        heard_at=None if row.heard_at is None else format_rfc3339(row.heard_at),
        silent=row.heard_at is None or now - row.heard_at > SILENT_AFTER,
        head_seq=row.head_seq,
        durable_through=row.durable_through,
        pending=pending,
        backed_up_through=row.backed_up_through,
        refused=row.refused,
        unreadable=row.unreadable,
        dropped=row.dropped,
        text=SentenceOut(zh=text.zh, en=text.en),
    )


@router.get("/receipts", response_model=list[ReceiptDocument])
async def delivery_receipts(read: Read, _: EdgeReader) -> Response:
    """How far central has what each edge recorded; what is missing is counted and never hidden."""
    return json_answer(await read(lambda work: encode(receipts(work))))
