"""Hand-written SQL of orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select, text

from lineside.central.kit.together import Statement
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.orders.entities import Order, applied_document
from lineside.central.mes.orders.notices import RevisionsAsked
from lineside.central.mes.orders.schemas import AmountsOut, EdgeAppliedOut, ProgressOut, SourceOut

ZERO = Decimal(0)


def edges_applied(work: UnitOfWork, orders: list[str]) -> dict[str, list[EdgeAppliedOut]]:
    """How far each edge is with some orders; two queries for any number of orders."""
    return documents_applied(work, "work_order", orders)


def documents_applied(
    work: UnitOfWork, kind: str, ids: list[str]
) -> dict[str, list[EdgeAppliedOut]]:
    """How far each edge is with some documents of a kind."""
    if not ids:
        return {}
    wanted: dict[tuple[str, str], int] = work.ask(RevisionsAsked(kind=kind, ids=tuple(ids))) or {}
    table = applied_document
    rows = work.connection.execute(
        select(table.c.id, table.c.edge, table.c.revision, table.c.refused).where(
            table.c.kind == kind, table.c.id.in_(ids)
        )
    ).all()
    applied = {(row.id, row.edge): row for row in rows}
    found: dict[str, list[EdgeAppliedOut]] = defaultdict(list)
    for key in sorted(wanted.keys() | applied.keys()):
        answer = applied.get(key)
        found[key[0]].append(
            EdgeAppliedOut(
                edge=key[1],
                wanted=wanted.get(key, 0),
                applied=0 if answer is None else answer.revision,
                refused="" if answer is None else answer.refused,
            )
        )
    return found


_UNITS = text("""
    WITH last AS (
        SELECT DISTINCT ON (order_no, operation, item, unit, issuer, kind)
               order_no, operation, item, unit, issuer, kind, result, station, occurred_at
        FROM unit_step
        WHERE order_no = ANY(:orders) AND NOT voided AND kind IN ('started', 'finished', 'disposed')
        ORDER BY order_no, operation, item, unit, issuer, kind, occurred_at DESC, seq DESC
    ), attempts AS (
        SELECT order_no, operation, item, unit, issuer, bool_or(result <> 'pass') AS failed_once
        FROM unit_step
        WHERE order_no = ANY(:orders) AND NOT voided AND kind = 'finished'
        GROUP BY order_no, operation, item, unit, issuer
    ), unit AS (
        SELECT order_no, operation, item, unit, issuer,
               max(station) AS station,
               bool_or(kind = 'started') AS started,
               max(result) FILTER (WHERE kind = 'finished') AS result,
               max(result) FILTER (WHERE kind = 'disposed') AS disposition,
               min(occurred_at) AS first_at, max(occurred_at) AS last_at
        FROM last GROUP BY order_no, operation, item, unit, issuer
    )
    SELECT u.order_no, u.operation, u.station,
           count(*) FILTER (WHERE u.started) AS started,
           count(*) FILTER (WHERE u.result IS NOT NULL) AS finished,
           count(*) FILTER (WHERE u.result = 'pass' AND NOT a.failed_once
                            AND u.disposition IS DISTINCT FROM 'scrap') AS good,
           count(*) FILTER (WHERE u.result = 'pass' AND a.failed_once
                            AND u.disposition IS DISTINCT FROM 'scrap') AS recovered,
           count(*) FILTER (WHERE u.disposition = 'scrap') AS scrap,
           count(*) FILTER (WHERE u.result <> 'pass' AND (u.disposition = 'rework'
                            OR (u.disposition IS NULL AND u.result = 'rework'))) AS rework,
           count(*) FILTER (WHERE u.result = 'fail' AND u.disposition IS NULL) AS suspect,
           min(u.first_at) AS first_at, max(u.last_at) AS last_at
    FROM unit u LEFT JOIN attempts a USING (order_no, operation, item, unit, issuer)
    GROUP BY u.order_no, u.operation, u.station
""")

_AMOUNTS = text("""
    SELECT order_no, operation, station, source, kind, sum(amount) AS amount,
           min(occurred_at) AS first_at, max(occurred_at) AS last_at
    FROM order_quantity
    WHERE order_no = ANY(:orders) AND NOT voided
    GROUP BY order_no, operation, station, source, kind
""")


_OPERATIONS = """
    SELECT o.id, step ->> 'operation' AS operation, step ->> 'name' AS name,
           step ->> 'name_zh' AS name_zh
    FROM work_order o, jsonb_array_elements(o.steps) AS step WHERE o.id = ANY(%(orders)s)
"""


class _Reported:
    """What one source at one station reported for one operation."""

    def __init__(self) -> None:
        self.kinds: dict[str, Decimal] = defaultdict(Decimal)
        self.started = self.finished = 0
        self.first_at: int | None = None
        self.last_at: int | None = None

    def seen(self, first_at: int | None, last_at: int | None) -> None:
        times = [at for at in (self.first_at, first_at) if at is not None]
        self.first_at = min(times) if times else None
        times = [at for at in (self.last_at, last_at) if at is not None]
        self.last_at = max(times) if times else None

    def amounts(self) -> dict[str, Decimal]:
        """R19 of the OEE sheet; suspect stands apart until somebody decides."""
        kinds = self.kinds
        scrap = kinds["scrap"] + kinds["rework_scrap"]
        rework = kinds["rework"] - kinds["rework_scrap"]
        suspect = kinds["suspect"]
        good = kinds["produced"] - scrap - rework - suspect
        return {
            "good": good,
            "scrap": scrap,
            "rework": rework,
            "suspect": suspect,
            "delivered": good + kinds["rework_good"],
        }


Found = dict[tuple[str, str, str], _Reported]
"""By operation, station and source."""


def orders_progress(work: UnitOfWork, orders: Sequence[Order]) -> dict[str, list[ProgressOut]]:
    """Progress of orders by operation, in routing order; operations nobody planned come last.

    Three queries for any number of orders.
    """
    by_order: dict[str, Found] = {order.id: defaultdict(_Reported) for order in orders}
    values = {"orders": list(by_order)}
    for row in work.connection.execute(_UNITS, values):
        reported = by_order[row.order_no][row.operation, row.station, "unit"]
        reported.started, reported.finished = row.started, row.finished
        # A unit in rework counts as produced and rework; recovered, as produced, rework and good
        # again.
        reported.kinds["produced"] += (
            row.good + row.recovered + row.scrap + row.rework + row.suspect
        )
        reported.kinds["rework_good"] += row.recovered
        reported.kinds["rework"] += row.rework + row.recovered
        reported.kinds["scrap"] += row.scrap
        reported.kinds["suspect"] += row.suspect
        reported.seen(row.first_at, row.last_at)
    for row in work.connection.execute(_AMOUNTS, values):
        reported = by_order[row.order_no][row.operation, row.station, row.source]
        reported.kinds[row.kind] += row.amount
        reported.seen(row.first_at, row.last_at)
    rules = _station_rules(work, {key[1] for found in by_order.values() for key in found})
    return {order.id: _by_operation(order, by_order[order.id], rules) for order in orders}


def _by_operation(
    order: Order, found: Found, rules: dict[str, tuple[str, str]]
) -> list[ProgressOut]:
    forced = {str(move["operation"]) for move in order.moves if move["forced"]}
    planned = [str(step["operation"]) for step in order.steps]
    operations = planned + sorted({key[0] for key in found} - set(planned))
    return [_progress(operation, found, rules, forced) for operation in operations]


def _station_rules(work: UnitOfWork, stations: set[str]) -> dict[str, tuple[str, str]]:
    rows = work.connection.execute(
        text("SELECT id, counts_from, edge FROM station WHERE id = ANY(:ids)"),
        {"ids": sorted(stations)},
    )
    return {row.id: (row.counts_from, row.edge) for row in rows}


def _progress(
    operation: str,
    found: Found,
    rules: dict[str, tuple[str, str]],
    moved_by_force: set[str],
) -> ProgressOut:
    here = {key[1:]: reported for key, reported in found.items() if key[0] == operation}
    sources: list[SourceOut] = []
    total: dict[str, Decimal] = defaultdict(Decimal)
    progress = ProgressOut(operation=operation)
    for (station, source), reported in sorted(here.items()):
        counts_from, edge = rules.get(station, ("", ""))
        used = _counted_sources(
            counts_from, {found_source for at, found_source in here if at == station}
        )
        counted = source in used
        if source == "declaration" and "counter" in used:
            reported.kinds["produced"] = ZERO  # the counter tells; people add what it cannot see
        amounts = reported.amounts()
        if counted:
            for name, amount in amounts.items():
                total[name] += amount
        progress.units_started += reported.started
        progress.units_finished += reported.finished
        sources.append(
            SourceOut(station=station, edge=edge, source=source, counted=counted, **amounts)
        )
    firsts = [reported.first_at for reported in here.values() if reported.first_at is not None]
    lasts = [reported.last_at for reported in here.values() if reported.last_at is not None]
    return progress.model_copy(
        update={
            **{name: total[name] for name in AmountsOut.model_fields},
            "sources": sources,
            "first_at": min(firsts, default=None),
            "last_at": max(lasts, default=None),
            "flags": ["moved_by_force"] if operation in moved_by_force else [],
        }
    )


def _counted_sources(counts_from: str, present: set[str]) -> set[str]:
    """Which sources of a station make the figure; a counter knows nothing of scrap, people do."""
    if not counts_from:
        guesses = ("unit", "counter", "declaration")
        counts_from = next((guess for guess in guesses if guess in present), "declaration")
    if counts_from == "booking":
        return {"declaration"}
    if counts_from == "counter":
        return {"counter", "declaration"}
    return {counts_from}


def operation_names(orders: Sequence[str]) -> Statement:
    """Names of the operations of orders: columns id, operation, name, name_zh."""
    return _OPERATIONS, {"orders": sorted(set(orders))}
