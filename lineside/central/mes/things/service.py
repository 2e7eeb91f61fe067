"""Rules of lots and holds."""

from __future__ import annotations

import secrets
from decimal import Decimal

from sqlalchemy import select

from lineside.central.errors import AlreadyExistsError, NotFoundError
from lineside.central.kit.revisions import check_revision
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.master_data.service import edge_ids, need_item
from lineside.central.mes.notices import DocumentWanted
from lineside.central.mes.orders.notices import ItemsNeeded
from lineside.central.mes.orders.service import edges_needing
from lineside.central.mes.things.entities import HoldRecord, Lot
from lineside.central.mes.things.schemas import HoldIn, LotIn, LotPatch
from lineside.contracts import commands
from lineside.contracts.units import Thing, ThingKind

LotKey = tuple[str, str, str]


def create_lot(work: UnitOfWork, body: LotIn) -> Lot:
    """A new lot; edges that consume its item get its passport.

    Raises:
        AlreadyExistsError: The issuer's lot of this item exists.
        UnknownReferenceError: No such item.
    """
    need_item(work, body.item, field="body.item")
    if work.session.get(Lot, (body.item, body.lot, body.issuer)) is not None:
        raise AlreadyExistsError(
            "Lot",
            f"{body.lot} of item {body.item}",
            hint="If another supplier gave the same number, name him as issuer.",
        )
    now = work.now()
    row = Lot(
        item=body.item,
        lot=body.lot,
        issuer=body.issuer,
        quantity=body.quantity,
        unit=body.unit,
        status=body.status,
        source="central",
        order_no="",
        created_at=now,
        changed_at=now,
        revision=1,
    )
    work.session.add(row)
    work.session.flush()
    send_lot(work, row)
    return row


def change_lot(work: UnitOfWork, body: LotPatch, *, expected: int) -> Lot:
    """Change quantity or status of a lot.

    Raises:
        NotFoundError: No such lot.
        RevisionStaleError: It was changed meanwhile.
    """
    row = work.session.get(Lot, (body.item, body.lot, body.issuer), with_for_update=True)
    if row is None:
        raise NotFoundError("lot", body.lot)
    check_revision(row.revision, expected)
    row.quantity = body.quantity if "quantity" in body.model_fields_set else row.quantity
    row.status = row.status if body.status is None else body.status
    row.changed_at = work.now()
    row.revision += 1
    work.session.flush()
    send_lot(work, row)
    return row


def lot_created(
    work: UnitOfWork, lot: Thing, *, quantity: Decimal, unit: str, edge: str, order: str, at: int
) -> None:
    """Take over a lot that an edge created; one that stands here already keeps what it is."""
    row = work.session.get(Lot, (lot.item, lot.id, lot.issuer))
    if row is None:
        row = Lot(
            item=lot.item,
            lot=lot.id,
            issuer=lot.issuer,
            quantity=quantity,
            unit=unit,
            status="released",
            source=edge,
            order_no=order,
            created_at=at,
            changed_at=at,
            revision=1,
        )
        work.session.add(row)
        work.session.flush()
    send_lot(work, row)


def send_lot(work: UnitOfWork, row: Lot, *, only_edge: str = "") -> None:
    """Put a lot's passport where open orders consume its item."""
    thing = Thing(kind=ThingKind.LOT, item=row.item, id=row.lot, issuer=row.issuer)
    document = commands.LotPassport(
        lot=thing,
        status=row.status,
        quantity=row.quantity,
        unit=row.unit,
        as_of=row.changed_at,
    )
    for edge in edges_needing(work, row.item):
        if edge != row.source and (not only_edge or edge == only_edge):
            identity = f"{thing.item}|{thing.id}|{thing.issuer}"
            work.publish(DocumentWanted(edge=edge, kind="lot_passport", id=identity, body=document))


def send_lots_needed(work: UnitOfWork, notice: ItemsNeeded) -> None:
    """An order that needs items was released: its edge gets the lots that are not used up."""
    for row in work.session.scalars(
        select(Lot).where(Lot.item.in_(notice.items), Lot.status != "used_up")
    ):
        send_lot(work, row, only_edge=notice.edge)


def hold_thing(work: UnitOfWork, body: HoldIn, *, by: str) -> HoldRecord:
    """Hold a thing everywhere."""
    row = HoldRecord(
        id=f"H-{secrets.token_hex(5).upper()}",
        kind=body.kind,
        item=body.item,
        thing_id=body.id,
        issuer=body.issuer,
        reason=body.reason,
        since=work.now(),
        held_by=by,
        source="central",
        released_at=None,
        released_by="",
        revision=1,
    )
    return _hold(work, row)


def held_at_edge(
    work: UnitOfWork, thing: Thing, *, hold: str, reason: str, by: str, edge: str, at: int
) -> None:
    """Take over a hold that was set at an edge; the others get it, too."""
    if work.session.get(HoldRecord, hold) is None:
        _hold(
            work,
            HoldRecord(
                id=hold,
                kind=thing.kind.value,
                item=thing.item,
                thing_id=thing.id,
                issuer=thing.issuer,
                reason=reason,
                since=at,
                held_by=by,
                source=edge,
                released_at=None,
                released_by="",
                revision=1,
            ),
        )


def _hold(work: UnitOfWork, row: HoldRecord) -> HoldRecord:
    work.session.add(row)
    work.session.flush()
    for edge in edge_ids(work):
        send_hold(work, row, edge)
    return row


def send_hold(work: UnitOfWork, row: HoldRecord, edge: str) -> None:
    """Put a hold for one edge, or take it away when it is over."""
    document = commands.Hold(
        hold=row.id,
        thing=Thing(kind=ThingKind(row.kind), item=row.item, id=row.thing_id, issuer=row.issuer),
        reason=row.reason,
        since=row.since,
    )
    body = document if row.released_at is None else None
    work.publish(DocumentWanted(edge=edge, kind="hold", id=row.id, body=body))


def send_holds(work: UnitOfWork, edge: str) -> None:
    """Put all open holds for an edge that is new."""
    for row in work.session.scalars(select(HoldRecord).where(HoldRecord.released_at.is_(None))):
        send_hold(work, row, edge)


def release_hold(
    work: UnitOfWork, hold: str, *, by: str, expected: int | None = None, at: int | None = None
) -> HoldRecord:
    """End a hold everywhere. Releasing it twice changes nothing.

    Raises:
        NotFoundError: No such hold.
        RevisionStaleError: It was changed meanwhile.
    """
    row = work.session.get(HoldRecord, hold, with_for_update=True)
    if row is None:
        raise NotFoundError("hold", hold)
    check_revision(row.revision, expected)
    if row.released_at is not None:
        return row
    row.released_at, row.released_by = work.now() if at is None else at, by
    row.revision += 1
    work.session.flush()
    for edge in edge_ids(work):
        send_hold(work, row, edge)
    return row
