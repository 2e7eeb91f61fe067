"""What was made beside a unit: before and after it on the same station, and what they share.

From a complaint to its root cause (R-110): a fault of a lot, a tool, a carrier or a machine shows
in the pieces beside it in time. Every neighbour says what it shares with the unit; nothing is
guessed where an edge did not tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from lineside.central.kit.http import refusals
from lineside.central.kit.schema import Instant, Out
from lineside.central.kit.together import Statement, read_together
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.platform.access.principal import Principal, require
from lineside.central.trace.errors import NothingKnownError
from lineside.central.trace.operations import NO_TOOL

EACH_SIDE = 5
EACH_SIDE_MAX = 50
ATTEMPTS_MAX = 40
COMPANIONS_MAX = 50

router = APIRouter(prefix="/api/v1/trace", tags=["trace"], route_class=TransactionRoute)
Reader = Annotated[Principal, Depends(require("trace.read"))]
Key = tuple[str, str, str]
"""Item, id, issuer of a unit."""


class SharedOut(Out):
    """Something that two units have in common.

    Attributes:
        what: `lot`, `carrier`, `tool`, `person`, `order`.
        id: Its number; of a tool its number on this station.
    """

    what: str
    id: str


class NeighbourOut(Out):
    """A unit that was finished on the same station.

    Attributes:
        started_at: Null where the station does not tell the start.
        shares: What it has in common with the sought unit at this station; lots and carriers
            anywhere.
    """

    item: str
    id: str
    issuer: str
    order: str
    operation: str
    started_at: Instant | None
    finished_at: Instant
    result: str
    by: list[str]
    shares: list[SharedOut]


class BesideOut(Out):
    """One attempt of the unit at a station, with those before and after; nearest first."""

    station: str
    order: str
    operation: str
    finished_at: Instant
    tools: list[str]
    before: list[NeighbourOut]
    after: list[NeighbourOut]


class UnitOut(Out):
    """Who a unit is; `issuer` is empty for our own."""

    item: str
    id: str
    issuer: str


class CompanionsOut(Out):
    """Other units of a lot that went into this one, or of a carrier that it was in.

    Attributes:
        what: `lot` or `carrier`.
        certain: False where the lot only may have gone into it.
        count: Other units, all of them.
        units: The first of them by number.
    """

    what: str
    item: str
    id: str
    issuer: str
    certain: bool
    count: int
    units: list[UnitOut]


class NeighboursOut(Out):
    """Everything that was made beside a unit; empty where no station finished it."""

    item: str
    id: str
    issuer: str
    beside: list[BesideOut]
    companions: list[CompanionsOut]


_UNIT = """
    SELECT item, id, issuer FROM thing
    WHERE kind = 'unit' AND id = %(id)s
      AND (CAST(%(item)s AS text) IS NULL OR item = %(item)s)
      AND (CAST(%(issuer)s AS text) IS NULL OR issuer = %(issuer)s)
    ORDER BY item, issuer LIMIT 2
"""
_ATTEMPT_COLUMNS = """
    l.station, l.order_no, l.operation, l.item, l.id, l.issuer, l.by, l.occurred_at AS finished_at,
    coalesce(l.detail ->> 'result', 'pass') AS result,
    (SELECT max(b.occurred_at) FROM thing_line b
     WHERE b.id = l.id AND b.kind = l.kind AND b.item = l.item AND b.issuer = l.issuer
       AND b.type = 'unit_started' AND NOT b.voided AND b.station = l.station
       AND b.order_no = l.order_no AND b.operation = l.operation
       AND b.occurred_at <= l.occurred_at) AS started_at
"""
_OWN = f"""
    SELECT {_ATTEMPT_COLUMNS} FROM thing_line l
    WHERE l.id = %(id)s AND l.kind = 'unit' AND l.item = %(item)s AND l.issuer = %(issuer)s
      AND l.type = 'unit_finished' AND NOT l.voided AND l.station <> ''
    ORDER BY l.occurred_at DESC, l.seq DESC LIMIT {ATTEMPTS_MAX}
"""  # noqa: S608 - only our own column names


def _side(name: str, comparison: str, order: str) -> str:
    return f"""
        SELECT '{name}' AS side, own.n, found.*
        FROM unnest(CAST(%(stations)s AS text[]), CAST(%(moments)s AS bigint[]))
             WITH ORDINALITY AS own (station, moment, n)
        CROSS JOIN LATERAL (
            SELECT {_ATTEMPT_COLUMNS} FROM thing_line l
            WHERE l.station = own.station AND l.occurred_at {comparison} own.moment
              AND l.type = 'unit_finished' AND l.kind = 'unit' AND NOT l.voided
              AND (l.id, l.item, l.issuer) <> (%(id)s, %(item)s, %(issuer)s)
            ORDER BY l.occurred_at {order}, l.seq {order} LIMIT %(rows)s
        ) AS found
    """  # noqa: S608 - only our own words


# Of those that were finished at the same instant, all count as after.
_BESIDE = _side("before", "<", "DESC") + " UNION ALL " + _side("after", ">=", "ASC")
_LOTS = """
    SELECT product_item AS item, product_id AS id, product_issuer AS issuer,
           source_item, source_id, source_issuer,
           bool_or(certainty = 'this one') AS certain
    FROM genealogy_link
    WHERE product_kind = 'unit' AND source_kind = 'lot' AND NOT voided
      AND product_id = ANY(%(ids)s)
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 4, 5, 6
"""
_CARRIERS = """
    SELECT DISTINCT content_item AS item, content_id AS id, content_issuer AS issuer,
           carrier_item, carrier_id
    FROM carrier_content
    WHERE content_kind = 'unit' AND direction = 'in' AND NOT voided AND content_id = ANY(%(ids)s)
    ORDER BY carrier_item, carrier_id
"""
_TOOLS = """
    SELECT span.n, s.value
    FROM unnest(CAST(%(stations)s AS text[]), CAST(%(starts)s AS bigint[]),
                CAST(%(ends)s AS bigint[])) WITH ORDINALITY AS span (station, start, until, n)
    CROSS JOIN LATERAL (
        SELECT value, occurred_at FROM station_signal
        WHERE station = span.station AND role = 'tool'
          AND occurred_at > span.start AND occurred_at <= span.until
        UNION ALL
        (SELECT value, occurred_at FROM station_signal
         WHERE station = span.station AND role = 'tool' AND occurred_at <= span.start
         ORDER BY occurred_at DESC, seq DESC LIMIT 1)
    ) AS s
    ORDER BY span.n, s.occurred_at
"""
_LOT_COMPANIONS = f"""
    SELECT lot.n, count(*) AS count,
           (array_agg(ARRAY[u.item, u.id, u.issuer] ORDER BY u.id))[1:{COMPANIONS_MAX}] AS units
    FROM unnest(CAST(%(items)s AS text[]), CAST(%(numbers)s AS text[]),
                CAST(%(issuers)s AS text[])) WITH ORDINALITY AS lot (item, id, issuer, n)
    CROSS JOIN LATERAL (
        SELECT DISTINCT l.product_item AS item, l.product_id AS id, l.product_issuer AS issuer
        FROM genealogy_link l
        WHERE l.source_id = lot.id AND l.source_item = lot.item AND l.source_issuer = lot.issuer
          AND l.source_kind = 'lot' AND l.product_kind = 'unit' AND NOT l.voided
          AND (l.product_id, l.product_item, l.product_issuer) <> (%(id)s, %(item)s, %(issuer)s)
    ) AS u GROUP BY lot.n
"""  # noqa: S608 - a number of our own
_CARRIER_COMPANIONS = f"""
    SELECT box.n, count(*) AS count,
           (array_agg(ARRAY[u.item, u.id, u.issuer] ORDER BY u.id))[1:{COMPANIONS_MAX}] AS units
    FROM unnest(CAST(%(carriers)s AS text[])) WITH ORDINALITY AS box (id, n)
    CROSS JOIN LATERAL (
        SELECT DISTINCT c.content_item AS item, c.content_id AS id, c.content_issuer AS issuer
        FROM carrier_content c
        WHERE c.carrier_id = box.id AND c.content_kind = 'unit' AND c.direction = 'in'
          AND NOT c.voided
          AND (c.content_id, c.content_item, c.content_issuer) <> (%(id)s, %(item)s, %(issuer)s)
    ) AS u GROUP BY box.n
"""  # noqa: S608 - a number of our own


@router.get("/neighbours", responses=refusals(NothingKnownError))
def read_neighbours(
    work: Work,
    _: Reader,
    serial: Annotated[str, Query(min_length=1, max_length=100)],
    item: Annotated[str | None, Query(max_length=100, description="Only of this item")] = None,
    issuer: Annotated[str | None, Query(max_length=100, description="Only of this issuer")] = None,
    each_side: Annotated[int, Query(ge=1, le=EACH_SIDE_MAX)] = EACH_SIDE,
) -> NeighboursOut:
    """What was made just before and after a unit at each of its stations, and what they share."""
    return neighbours(work, serial, item=item, issuer=issuer, each_side=each_side)


def neighbours(
    work: UnitOfWork,
    serial: str,
    *,
    item: str | None = None,
    issuer: str | None = None,
    each_side: int = EACH_SIDE,
) -> NeighboursOut:
    """Neighbours of one unit; of several with the number, of the first by item and issuer.

    Args:
        work: Reads only.
        serial: The unit's number, exactly.
        item: Only of this item; None: any.
        issuer: Only of this issuer; None: any.
        each_side: How many before and how many after, at each station.

    Raises:
        NothingKnownError: No event names it.
    """
    narrowed = {"id": serial, "item": item, "issuer": issuer}
    [found] = read_together(work.connection, [(_UNIT, narrowed)])
    if not found:
        raise NothingKnownError("unit", serial)
    unit: Key = (found[0].item, found[0].id, found[0].issuer)
    values = {"item": unit[0], "id": unit[1], "issuer": unit[2]}
    [own] = read_together(work.connection, [(_OWN, values)])
    own = list(reversed(own))
    places = {
        "stations": [row.station for row in own],
        "moments": [row.finished_at for row in own],
        "rows": each_side,
    }
    [beside] = read_together(work.connection, [(_BESIDE, values | places)])
    ids = {"ids": sorted({unit[1], *(row.id for row in beside)})}
    told = read_together(
        work.connection, [(_LOTS, ids), (_CARRIERS, ids), _tools_of([*own, *beside])]
    )
    shared = _Shared(unit, *told)
    attempts: list[BesideOut] = []
    for n, row in enumerate(own):
        here = [(len(own) + k, one) for k, one in enumerate(beside) if one.n == n + 1]
        attempts.append(_beside(shared, n, row, here))
    return NeighboursOut(**values, beside=attempts, companions=_companions(work, values, shared))


def _tools_of(rows: Sequence[Any]) -> Statement:
    """The tools of each attempt; one without a start has none that are known."""
    return _TOOLS, {
        "stations": [row.station for row in rows],
        "starts": [_start(row) for row in rows],
        "ends": [row.finished_at if row.started_at is not None else -1 for row in rows],
    }


def _start(row: Any) -> int:  # noqa: ANN401 - a row
    return -1 if row.started_at is None else row.started_at


class _Shared:
    """What each unit and each attempt has, to be compared."""

    def __init__(
        self, unit: Key, lots: Iterable[Any], carriers: Iterable[Any], tools: Iterable[Any]
    ) -> None:
        self.lots: dict[Key, dict[Key, bool]] = defaultdict(dict)
        self.carriers: dict[Key, dict[str, str]] = defaultdict(dict)
        self.tools: dict[int, list[str]] = defaultdict(list)
        self.unit = unit
        for row in lots:
            lot = (row.source_item, row.source_id, row.source_issuer)
            self.lots[row.item, row.id, row.issuer][lot] = row.certain
        for row in carriers:
            self.carriers[row.item, row.id, row.issuer][row.carrier_id] = row.carrier_item
        for row in tools:
            known = self.tools[row.n - 1]
            if not NO_TOOL.fullmatch(row.value) and row.value not in known:
                known.append(row.value)

    def between(self, n: int, own: Any, k: int, other: Any) -> list[SharedOut]:  # noqa: ANN401
        """What an attempt of the unit and one of another unit have in common."""
        key = (other.item, other.id, other.issuer)
        mine = self.lots[self.unit]
        pairs = [("lot", lot[1]) for lot in self.lots[key] if lot in mine]
        pairs += [("carrier", one) for one in self.carriers[key] if one in self.carriers[self.unit]]
        pairs += [("tool", one) for one in self.tools[k] if one in self.tools[n]]
        pairs += [("person", one) for one in other.by if one in own.by]
        pairs += [("order", one) for one in [other.order_no] if one and one == own.order_no]
        return [SharedOut(what=what, id=number) for what, number in pairs]


def _beside(shared: _Shared, n: int, own: Any, here: list[tuple[int, Any]]) -> BesideOut:  # noqa: ANN401
    sides: dict[str, list[NeighbourOut]] = {"before": [], "after": []}
    for k, row in here:
        sides[row.side].append(
            NeighbourOut(
                item=row.item,
                id=row.id,
                issuer=row.issuer,
                order=row.order_no,
                operation=row.operation,
                started_at=row.started_at,
                finished_at=row.finished_at,
                result=row.result,
                by=row.by,
                shares=shared.between(n, own, k, row),
            )
        )
    sides["before"].sort(key=lambda one: -one.finished_at)
    sides["after"].sort(key=lambda one: one.finished_at)
    return BesideOut(
        station=own.station,
        order=own.order_no,
        operation=own.operation,
        finished_at=own.finished_at,
        tools=shared.tools[n],
        before=sides["before"],
        after=sides["after"],
    )


def _companions(work: UnitOfWork, unit: dict[str, str], shared: _Shared) -> list[CompanionsOut]:
    lots = list(shared.lots[shared.unit].items())
    carriers = list(shared.carriers[shared.unit].items())
    of_lots = unit | {
        "items": [lot[0] for lot, _ in lots],
        "numbers": [lot[1] for lot, _ in lots],
        "issuers": [lot[2] for lot, _ in lots],
    }
    of_carriers = unit | {"carriers": [carrier for carrier, _ in carriers]}
    in_lots, in_carriers = read_together(
        work.connection, [(_LOT_COMPANIONS, of_lots), (_CARRIER_COMPANIONS, of_carriers)]
    )
    lot_rows = {row.n - 1: row for row in in_lots}
    carrier_rows = {row.n - 1: row for row in in_carriers}
    found = [
        _group("lot", lot, certain=certain, row=lot_rows.get(n))
        for n, (lot, certain) in enumerate(lots)
    ]
    found += [
        _group("carrier", (item, number, ""), certain=True, row=carrier_rows.get(n))
        for n, (number, item) in enumerate(carriers)
    ]
    return found


def _group(what: str, key: Key, *, certain: bool, row: Any) -> CompanionsOut:  # noqa: ANN401
    return CompanionsOut(
        what=what,
        item=key[0],
        id=key[1],
        issuer=key[2],
        certain=certain,
        count=0 if row is None else row.count,
        units=[]
        if row is None
        else [UnitOut(item=one[0], id=one[1], issuer=one[2]) for one in row.units],
    )
