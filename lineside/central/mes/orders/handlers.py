"""Unit passports: what another edge must know of a unit that is routed there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.notices import DocumentWanted
from lineside.central.mes.orders.entities import Order, unit_step
from lineside.central.mes.orders.notices import ItemsNeeded
from lineside.central.mes.orders.service import edges_needing
from lineside.central.projections.base import StoredEvent
from lineside.contracts import commands
from lineside.contracts import events as ev
from lineside.contracts.units import Thing, ThingKind

PASSPORTS_ON_RELEASE_MAX = 5000
UnitKey = tuple[str, str, str]


def passport_id(thing: Thing) -> str:
    """Id of a unit's or lot's passport document."""
    return f"{thing.item}|{thing.id}|{thing.issuer}"


class Passports:
    """Writes the passport of each unit that another edge waits for.

    A passport is a whole document, so writing it again says the same; the reader has no tables.
    """

    name = "mes_passports"
    version = 1
    tables: tuple[Table, ...] = ()
    follows: tuple[str, ...] = ("mes_orders",)
    event_types: tuple[type[ev.Event], ...] = (
        ev.UnitFinished,
        ev.UnitDisposed,
        ev.ComponentFitted,
        ev.ComponentRemoved,
        ev.EventVoided,
        ev.EventCorrected,
    )

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Write the passports of the units that these events are about."""
        keys: dict[UnitKey, None] = {}
        for stored in events:
            match stored.event:
                case ev.UnitFinished(unit=unit) | ev.UnitDisposed(unit=unit):
                    keys[unit.item, unit.id, unit.issuer] = None
                case ev.ComponentFitted(component=unit) | ev.ComponentRemoved(component=unit) if (
                    unit.kind is ThingKind.UNIT
                ):
                    keys[unit.item, unit.id, unit.issuer] = None
                case _:
                    continue
        for key in keys:
            write_passport(work, key)


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """What the reported steps of a unit amount to.

    Attributes:
        status: `in_process`, `finished` or `scrapped`.
        passed: Operations passed, in order of time.
        order: The order of its last step; empty when no step names one.
        at: Time of the last step.
        at_edge: Edge of its last finished operation.
        consumed_by: Serial of what it was fitted into.
        edges: Edges that reported steps.
    """

    status: str
    passed: tuple[str, ...]
    order: str
    at: int
    at_edge: str
    consumed_by: str
    edges: frozenset[str]


def unit_status(work: UnitOfWork, key: UnitKey) -> UnitStatus | None:
    """Status of a unit by all steps that are known; None for a unit without steps."""
    table = unit_step
    rows = work.connection.execute(
        select(table)
        .where(
            table.c.item == key[0],
            table.c.unit == key[1],
            table.c.issuer == key[2],
            table.c.voided.is_(False),
        )
        .order_by(table.c.occurred_at, table.c.seq)
    ).all()
    if not rows:
        return None
    passed: dict[str, None] = {}
    status, order, at_edge, consumed_by = "in_process", "", "", ""
    for row in rows:
        order = row.order_no if row.kind in {"started", "finished", "disposed"} else order
        if row.kind == "finished":
            at_edge = row.edge
            passed.pop(row.operation, None)
            if row.result == "pass":
                passed[row.operation] = None
            status = "finished" if row.last_operation and row.result == "pass" else "in_process"
        elif row.kind == "disposed" and row.result == "scrap":
            status = "scrapped"
        elif row.kind == "fitted":
            consumed_by = row.result
        elif row.kind == "removed":
            consumed_by = ""
    return UnitStatus(
        status=status,
        passed=tuple(passed),
        order=order,
        at=rows[-1].occurred_at,
        at_edge=at_edge,
        consumed_by=consumed_by,
        edges=frozenset(row.edge for row in rows if row.kind not in {"fitted", "removed"}),
    )


def write_passport(work: UnitOfWork, key: UnitKey, *, only_edge: str = "") -> None:
    """Put a unit's passport for every other edge that needs it."""
    found = unit_status(work, key)
    if found is None:
        return
    order = work.session.get(Order, found.order) if found.order else None
    steps: list[Any] = order.steps if order is not None else []
    status = found.status
    if steps and status == "in_process" and set(found.passed) >= {s["operation"] for s in steps}:
        status = "finished"
    unit = Thing(kind=ThingKind.UNIT, item=key[0], id=key[1], issuer=key[2])
    document = commands.UnitPassport(
        unit=unit,
        status=status,
        order=found.order,
        passed=found.passed,
        as_of=found.at,
        consumed_by=found.consumed_by,
    )
    closed = order is not None and order.state in {"finished", "cancelled"}
    edges = set(edges_needing(work, key[0])) | _next_edges([] if closed else steps, found)
    for edge in sorted(edges - (found.edges if len(found.edges) == 1 else frozenset())):
        if not only_edge or edge == only_edge:
            work.publish(
                DocumentWanted(edge=edge, kind="unit_passport", id=passport_id(unit), body=document)
            )


def _next_edges(steps: list[Any], found: UnitStatus) -> set[str]:
    """Edges of the unit's own order that come after what it has passed."""
    if not steps:
        return set()
    done = set(found.passed)
    ahead = {str(step["edge"]) for step in steps if step["operation"] not in done}
    return ahead | ({found.at_edge} if found.status == "scrapped" and found.at_edge else set())


def send_units_needed(work: UnitOfWork, notice: ItemsNeeded) -> None:
    """An order that needs items was released: the edge gets passports of units that exist."""
    table = unit_step
    rows = work.connection.execute(
        select(table.c.item, table.c.unit, table.c.issuer)
        .where(table.c.item.in_(notice.items), table.c.kind == "finished")
        .distinct()
        .limit(PASSPORTS_ON_RELEASE_MAX)
    ).all()
    for row in rows:
        key: UnitKey = (row.item, row.unit, row.issuer)
        status = unit_status(work, key)
        if status is not None and not status.consumed_by and status.status != "scrapped":
            write_passport(work, key, only_edge=notice.edge)
