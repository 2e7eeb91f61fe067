"""What came out of a product again: shortens or ends the links by which it went in.

Computed anew for the pairs concerned, because another edge's removal may arrive before the link,
and a removal may be taken back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select, tuple_, update

from lineside.central.trace.tables import component_removal, genealogy_link

RELATIONS = ("consumed", "fitted")
PAIRS_AT_ONCE = 1000
Pair = tuple[str, str]
"""Numbers of product and source."""
Key = tuple[str, str, str, str, str]
"""Item and number of the product; item, number and issuer of the source."""
Row = Any


def apply_removals(connection: Connection, pairs: Iterable[Pair]) -> None:
    """Distribute the removals of some pairs over their links.

    A removal takes from the links that stand at its time, oldest first; one without quantity takes
    all that is left. A link ends with the removal that leaves nothing of it.
    """
    wanted = sorted(set(pairs))
    for start in range(0, len(wanted), PAIRS_AT_ONCE):
        _apply(connection, wanted[start : start + PAIRS_AT_ONCE])


def _apply(connection: Connection, pairs: list[Pair]) -> None:
    table = component_removal
    removals: defaultdict[Key, list[Row]] = defaultdict(list)
    for row in connection.execute(
        select(table)
        .where(tuple_(table.c.product_id, table.c.source_id).in_(pairs))
        .order_by(table.c.occurred_at, table.c.edge, table.c.epoch, table.c.seq)
    ):
        removals[_key(row)].append(row)
    if not removals:
        return
    link = genealogy_link
    links: defaultdict[Key, list[Row]] = defaultdict(list)
    numbers = [(key[1], key[3]) for key in removals]
    for row in connection.execute(
        select(link)
        .where(
            tuple_(link.c.product_id, link.c.source_id).in_(numbers),
            link.c.relation.in_(RELATIONS),
            link.c.voided.is_(False),
        )
        .order_by(link.c.valid_from, link.c.edge, link.c.epoch, link.c.seq)
    ):
        links[_key(row)].append(row)
    for key, found in removals.items():
        standing = [removal for removal in found if not removal.voided]
        for row, values in _ends(links[key], standing):
            connection.execute(
                update(link)
                .where(link.c.edge == row.edge, link.c.epoch == row.epoch, link.c.seq == row.seq)
                .values(**values)
            )


def _key(row: Row) -> Key:
    return row.product_item, row.product_id, row.source_item, row.source_id, row.source_issuer


def _ends(links: list[Row], removals: list[Row]) -> list[tuple[Row, dict[str, Any]]]:
    """The links that have another end now, with their columns."""
    nothing: dict[str, Any] = {
        "valid_until": None,
        "removed_quantity": Decimal(0),
        "removed_edge": None,
        "removed_epoch": None,
        "removed_seq": None,
    }
    ends = [dict(nothing) for _ in links]
    for removal in removals:
        left: Decimal | None = removal.quantity
        for row, end in zip(links, ends, strict=True):
            if row.valid_from > removal.occurred_at or end["valid_until"] is not None:
                continue
            inside = row.quantity - end["removed_quantity"]
            out = inside if left is None else min(inside, left)
            if left is not None and out <= 0:
                continue
            left = None if left is None else left - out
            end |= {
                "removed_quantity": end["removed_quantity"] + out,
                "removed_edge": removal.edge,
                "removed_epoch": removal.epoch,
                "removed_seq": removal.seq,
            }
            if out == inside:
                end["valid_until"] = removal.occurred_at
    return [
        (row, end)
        for row, end in zip(links, ends, strict=True)
        if any(getattr(row, name) != value for name, value in end.items())
    ]
