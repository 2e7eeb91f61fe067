"""Rules of carriers: their types, what is in them, and which edges must be told.

An edge is sent a carrier's contents only where what it saw itself is not all: contents that it put
in itself it knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from lineside.central.errors import AlreadyExistsError, NotFoundError
from lineside.central.kit.revisions import check_revision
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.carriers.entities import CarrierTypeRow, carrier_move
from lineside.central.mes.carriers.schemas import CarrierTypeBase, CarrierTypeIn
from lineside.central.mes.master_data.service import current_epochs, edge_ids
from lineside.central.mes.notices import DocumentWanted
from lineside.central.mes.orders.errors import OrderNotFoundError
from lineside.central.mes.orders.notices import RevisionsAsked
from lineside.central.mes.orders.service import edges_needing, edges_of, get_order
from lineside.contracts import commands
from lineside.contracts.carriers import CarrierMove, contents_after
from lineside.contracts.clock import Microseconds
from lineside.contracts.commands import CarrierContent
from lineside.contracts.units import Thing, ThingKind

MOVES_MAX = 5_000
Row = Any


def create_type(work: UnitOfWork, body: CarrierTypeIn) -> CarrierTypeRow:
    """A new type; every edge gets it.

    Raises:
        AlreadyExistsError: The id is taken.
    """
    if work.session.get(CarrierTypeRow, body.id) is not None:
        raise AlreadyExistsError("Carrier type", body.id)
    row = CarrierTypeRow(**body.model_dump(), revision=1)
    work.session.add(row)
    work.session.flush()
    for edge in edge_ids(work):
        _send_type(work, edge, row)
    return row


def change_type(
    work: UnitOfWork, carrier_type: str, body: CarrierTypeBase, *, expected: int
) -> CarrierTypeRow:
    """Replace a type's rules; what is in carriers already stays in.

    Raises:
        NotFoundError: No such type.
        RevisionStaleError: It was changed meanwhile.
    """
    row = work.session.get(CarrierTypeRow, carrier_type, with_for_update=True)
    if row is None:
        raise NotFoundError("carrier type", carrier_type)
    check_revision(row.revision, expected)
    for name, value in body.model_dump().items():
        setattr(row, name, value)
    row.revision += 1
    work.session.flush()
    for edge in edge_ids(work):
        _send_type(work, edge, row)
    return row


def send_types(work: UnitOfWork, edge: str) -> None:
    """A new edge gets all types."""
    for row in work.session.scalars(select(CarrierTypeRow).order_by(CarrierTypeRow.id)):
        _send_type(work, edge, row)


def _send_type(work: UnitOfWork, edge: str, row: CarrierTypeRow) -> None:
    document = commands.CarrierType(
        carrier_type=row.id,
        name=row.name,
        name_zh=row.name_zh,
        pattern=row.pattern,
        capacity=row.capacity,
        item_mix=row.item_mix,
        order_mix=row.order_mix,
    )
    body = document if row.active else None
    work.publish(DocumentWanted(edge=edge, kind="carrier_type", id=row.id, body=body))


def moves_of(work: UnitOfWork, carriers: Iterable[str]) -> dict[str, list[Row]]:
    """Moves of some carriers in order of time, those that were taken back among them."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    table = carrier_move
    for row in work.connection.execute(
        select(table)
        .where(table.c.carrier.in_(sorted(set(carriers))))
        .order_by(table.c.occurred_at, table.c.edge, table.c.epoch, table.c.seq)
    ):
        found[row.carrier].append(row)
    return found


def contents_of(rows: Sequence[Row], until: Microseconds | None = None) -> list[CarrierContent]:
    """What is in a carrier after its moves, or was at a moment."""
    moves = (
        _move(row) for row in rows if not row.voided and (until is None or row.occurred_at <= until)
    )
    return list(contents_after((), moves))


def _move(row: Row) -> CarrierMove:
    return CarrierMove(
        into=row.direction == "in",
        content=Thing(
            kind=ThingKind(row.content_kind),
            item=row.content_item,
            id=row.content,
            issuer=row.content_issuer,
        ),
        quantity=row.quantity,
        unit=row.unit,
        order=row.order_no,
    )


def tell_edges(work: UnitOfWork, carriers: Iterable[str]) -> None:
    """Send the contents of carriers to the edges that must know and cannot know by themselves."""
    moves = moves_of(work, carriers)
    asked = RevisionsAsked(kind="carrier_passport", ids=tuple(moves))
    having: dict[tuple[str, str], int] = work.ask(asked) or {}
    epochs = current_epochs(work)
    known: dict[tuple[str, str], list[str]] = {}
    for carrier, rows in sorted(moves.items()):
        truth = contents_of(rows)
        edges = {row.edge for row in rows} | {edge for name, edge in having if name == carrier}
        for one in truth:
            key = (one.order, one.thing.item)
            if key not in known:
                known[key] = _edges_ahead(work, *key)
            edges |= set(known[key])
        for edge in sorted(edges):
            own = [row for row in rows if row.edge == edge]
            _tell(work, edge, carrier, truth, own, epochs.get(edge, ""))


def _edges_ahead(work: UnitOfWork, order: str, item: str) -> list[str]:
    """Edges of the order's operations, and those whose orders consume the item."""
    try:
        own = edges_of(get_order(work, order)) if order else []
    except OrderNotFoundError:
        own = []
    return [*own, *edges_needing(work, item)]


def _tell(
    work: UnitOfWork,
    edge: str,
    carrier: str,
    truth: list[CarrierContent],
    own: list[Row],
    epoch: str,
) -> None:
    document: commands.CarrierPassport | None = None
    if _by_thing(contents_of(own)) != _by_thing(truth):
        document = commands.CarrierPassport(
            carrier=Thing(kind=ThingKind.CARRIER, item="", id=carrier),
            contents=tuple(sorted(truth, key=_key)),
            as_of=max((row.occurred_at for row in own), default=0),
            epoch=epoch if any(row.epoch == epoch for row in own) else "",
            through=max((row.seq for row in own if row.epoch == epoch), default=0),
        )
    work.publish(DocumentWanted(edge=edge, kind="carrier_passport", id=carrier, body=document))


def _key(content: CarrierContent) -> tuple[str, str, str]:
    return content.thing.item, content.thing.id, content.thing.issuer


def _by_thing(contents: list[CarrierContent]) -> dict[Thing, CarrierContent]:
    return {one.thing: one for one in contents}
