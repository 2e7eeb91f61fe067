"""What a carrier holds after some putting-in and taking-out, for edges and central alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from lineside.contracts.commands import CarrierContent
from lineside.contracts.units import Thing, ThingKind

ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierMove:
    """One thing went into a carrier or came out of it."""

    into: bool
    content: Thing
    quantity: Decimal = ONE
    unit: str = "pcs"
    order: str = ""


def contents_after(
    before: Iterable[CarrierContent], moves: Iterable[CarrierMove]
) -> tuple[CarrierContent, ...]:
    """The contents after moves in order of time.

    Nobody knows all moves: where more came out than was known to be in, nothing is left, and a
    unit is in it once however often it was put in.
    """
    held = {one.thing: one for one in before}
    for move in moves:
        known = held.get(move.content)
        inside = known.quantity if known is not None else Decimal(0)
        left = inside + move.quantity if move.into else inside - move.quantity
        if move.content.kind is ThingKind.UNIT:
            left = min(left, ONE)
        if left <= 0:
            held.pop(move.content, None)
            continue
        unit = known.unit if known is not None else move.unit
        order = (known.order if known is not None else "") or move.order
        held[move.content] = CarrierContent(
            thing=move.content, quantity=left, unit=unit, order=order
        )
    return tuple(held.values())
