"""What may be printed, and from what."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.central.errors import InvalidInputError, NotFoundError
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.master_data.service import item_info
from lineside.central.mes.orders.errors import OrderStateError
from lineside.central.mes.orders.service import get_order
from lineside.central.mes.printing import documents, zpl
from lineside.central.platform.identity.service import badge_holders


def traveller(work: UnitOfWork, order: str) -> bytes:
    """The traveller of a released order, PDF.

    Raises:
        OrderNotFoundError: No such order.
        OrderStateError: It is not released, so nobody knows its operations.
    """
    row = get_order(work, order)
    if not row.steps:
        raise OrderStateError(order, row.state, "printed")
    printed = documents.PrintedOrder(
        id=row.id,
        quantity=row.quantity,
        unit=row.unit,
        due_at=row.due_at,
        routing_revision=row.routing_revision,
        steps=row.steps,
    )
    return documents.traveller(printed, item_info(work, row.item))


def badges(work: UnitOfWork, persons: Sequence[str], *, site: str) -> bytes:
    """Badges of some people, PDF, in this order.

    Raises:
        NotFoundError: Somebody is not known.
        InvalidInputError: Somebody has no badge.
    """
    holders = badge_holders(work, persons)
    for wanted in persons:
        if wanted not in holders:
            raise NotFoundError("person", wanted)
        if not holders[wanted].badge:
            raise InvalidInputError(
                f"Person {wanted} has no badge.",
                field="query.person",
                said="printing.no_badge",
                values={"person": wanted},
            )
    return documents.badges([holders[wanted] for wanted in persons], site=site)


def unit_labels_pdf(work: UnitOfWork, item: str, serials: Sequence[str]) -> bytes:
    """Labels of units, PDF.

    Raises:
        NotFoundError: No such item.
    """
    return documents.unit_labels(item_info(work, item), serials)


def unit_labels_zpl(work: UnitOfWork, item: str, serials: Sequence[str]) -> bytes:
    """Labels of units for a label printer, ZPL.

    Raises:
        NotFoundError: No such item.
    """
    known = item_info(work, item)
    labels = "".join(
        zpl.unit_label(
            serial=serial,
            item=known.item,
            name=known.name,
            code=documents.unit_code(known, serial),
        )
        for serial in serials
    )
    return labels.encode()
