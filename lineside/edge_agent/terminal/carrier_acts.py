"""Carriers: what is put in, what is taken out, what a scanned carrier leads to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from lineside.contracts.commands import CarrierContent
from lineside.contracts.events import PutInCarrier, TakenOutOfCarrier
from lineside.contracts.units import Quantity, Thing, ThingKind
from lineside.edge_agent.projections.entries import amount
from lineside.edge_agent.terminal import order_acts
from lineside.edge_agent.terminal.carrier_contents import (
    carrier_of,
    carrier_thing,
    contents,
    type_of,
)
from lineside.edge_agent.terminal.situation import (
    CANCEL,
    Decision,
    Situation,
    accepted,
    ask,
    option,
    refused,
)
from lineside.edge_agent.terminal.unit_acts import usable
from lineside.edge_agent.terminal.views import Option

SHOWN = 8
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Content:
    """What a person names: a serial number, a lot number, or nothing."""

    serial: str = ""
    lot: str = ""
    item: str = ""
    issuer: str = ""

    @property
    def number(self) -> str:
        """The number that was named."""
        return self.serial or self.lot


def put_in(
    s: Situation,
    *,
    carrier: str,
    content: Content,
    quantity: Decimal | None = None,
    unit: str = "",
) -> Decision:
    """A unit or part of a lot goes into a carrier, if its type allows it.

    Args:
        s: The station now.
        carrier: Its number.
        content: What; nothing named: the unit that this station finished last.
        quantity: Of a lot; None: what its passport says is in it.
        unit: Of the quantity; empty: the lot's.
    """
    thing = _named(s, content)
    if isinstance(thing, Decision):
        return thing
    if thing.kind is ThingKind.LOT:
        passport = next((one for one in s.plant.lots(thing.id) if one.lot == thing), None)
        quantity = quantity or (passport.quantity if passport is not None else None)
        unit = unit or (passport.unit if passport is not None else "pcs")
        if quantity is None:
            return ask("carrier.quantity_needed", [CANCEL], lot=thing.id, carrier=carrier)
    else:
        quantity, unit = ONE, "pcs"
    order = order_of(s, thing)
    wrong = _may_not_travel(s, thing, carrier) or _no_room(s, carrier, thing, quantity, order)
    if wrong is not None:
        return wrong
    event = s.tell(
        PutInCarrier,
        content=thing,
        carrier=carrier_thing(carrier),
        quantity=Quantity(value=quantity, unit=unit),
        order=order,
    )
    inside = sum((one.quantity for one in contents(s, carrier)), quantity)
    return accepted(
        "carrier.put_in", [event], number=thing.id, carrier=carrier, item=thing.item,
        quantity=f"{amount(quantity)} {unit}", count=amount(inside), order=order or "-",
    )  # fmt: skip


def _may_not_travel(s: Situation, thing: Thing, carrier: str) -> Decision | None:
    if held := s.held(carrier_thing(carrier)):
        return refused("carrier.held", carrier=carrier, reason=held)
    if thing.kind is ThingKind.LOT:
        held = s.held(thing)
        return refused("material.held", lot=thing.id, reason=held) if held else None
    if (wrong := usable(s, thing)) is not None:
        return wrong
    steps = s.units.steps(thing.item, thing.id)
    if steps and steps[-1].finished_at is None:
        return refused("carrier.in_work", serial=thing.id, station=steps[-1].station)
    there = carrier_of(s, thing)
    if there == carrier:
        return refused("carrier.in_already", serial=thing.id, carrier=carrier)
    if there:
        return refused("carrier.elsewhere", serial=thing.id, carrier=carrier, other=there)
    return None


def _no_room(
    s: Situation, carrier: str, thing: Thing, quantity: Decimal, order: str
) -> Decision | None:
    """What the carrier's type does not allow together with what is in it."""
    inside = contents(s, carrier)
    kind = type_of(s, carrier)
    other = next((one for one in inside if one.thing.item != thing.item), None)
    if other is not None and not kind.item_mix:
        return refused(
            "carrier.other_item", carrier=carrier, item=thing.item, inside=other.thing.item
        )
    other = next((one for one in inside if one.order and one.order != order), None)
    if other is not None and order and not kind.order_mix:
        return refused("carrier.other_order", carrier=carrier, order=order, inside=other.order)
    total = sum((one.quantity for one in inside), quantity)
    if kind.capacity is not None and total > kind.capacity:
        return refused("carrier.full", carrier=carrier, capacity=amount(kind.capacity))
    return None


def take_out(
    s: Situation, *, carrier: str, content: Content, quantity: Decimal | None = None
) -> Decision:
    """A unit or part of a lot leaves a carrier; nothing named: everything."""
    if held := s.held(carrier_thing(carrier)):
        return refused("carrier.held", carrier=carrier, reason=held)
    inside = contents(s, carrier)
    wanted = [one for one in inside if _is_meant(one.thing, content)]
    if not wanted:
        return _not_in(s, carrier, content)
    if quantity is not None and (len(wanted) > 1 or quantity > wanted[0].quantity):
        left = amount(sum((one.quantity for one in wanted), Decimal(0)))
        return refused("carrier.too_much", carrier=carrier, number=content.number, left=left)
    events = [
        s.tell(
            TakenOutOfCarrier,
            content=one.thing,
            carrier=carrier_thing(carrier),
            quantity=Quantity(value=quantity or one.quantity, unit=one.unit),
            order=one.order,
        )
        for one in wanted
    ]
    if not content.number:
        return accepted("carrier.emptied", events, carrier=carrier, count=str(len(events)))
    out = f"{amount(quantity or wanted[0].quantity)} {wanted[0].unit}"
    return accepted(
        "carrier.taken_out", events, number=content.number, carrier=carrier, quantity=out
    )


def _is_meant(thing: Thing, content: Content) -> bool:
    if not content.number:
        return True
    kind = ThingKind.UNIT if content.serial else ThingKind.LOT
    return (
        thing.kind is kind
        and thing.id == content.number
        and content.item in {"", thing.item}
        and content.issuer in {"", thing.issuer}
    )


def _not_in(s: Situation, carrier: str, content: Content) -> Decision:
    if not content.number:
        return refused("carrier.empty", carrier=carrier)
    thing = _named(s, content)
    there = "" if isinstance(thing, Decision) else carrier_of(s, thing)
    return refused("carrier.not_in", number=content.number, carrier=carrier, other=there)


def toggle(s: Situation, *, carrier: str, content: Content) -> Decision:
    """A carrier and then a thing was scanned: what is in it comes out, what is not goes in."""
    inside = any(_is_meant(one.thing, content) for one in contents(s, carrier))
    move = take_out if inside else put_in
    return move(s, carrier=carrier, content=content)


def _named(s: Situation, content: Content) -> Thing | Decision:
    """The thing that is meant; numbers repeat across items, so several are never merged."""
    if not content.number:
        last = s.state.last_finished
        return last.thing if last is not None else refused("carrier.nothing_finished")
    if content.serial:
        items = {*s.units.items_of(content.serial)}
        items |= {one.unit.item for one in s.plant.passports(content.serial)}
        kind = ThingKind.UNIT
    else:
        items = {one.lot.item for one in s.plant.lots(content.lot)}
        kind = ThingKind.LOT
    known = {Thing(kind=kind, item=item, id=content.number) for item in items}
    if kind is ThingKind.LOT:
        known = {one.lot for one in s.plant.lots(content.lot)}
    known |= {one for one in s.numbers.labelled(content.number) if one.kind is kind}
    known |= {one for one in s.carriers.things(content.number) if one.kind is kind}
    found = [one for one in known if _is_meant(one, content)]
    if len(found) == 1:
        return found[0]
    if not found:
        return refused("carrier.unknown_content", number=content.number)
    names = ", ".join(sorted(f"{one.item} {one.issuer}".strip() for one in found))
    return refused("carrier.several", number=content.number, items=names)


def order_of(s: Situation, thing: Thing) -> str:
    """The order that a thing belongs to: its last one, else the only one on the station."""
    if thing.kind is ThingKind.UNIT:
        steps = [one for one in s.units.steps(thing.item, thing.id) if one.order]
        if steps:
            return steps[-1].order
        passport = s.plant.passport(thing.item, thing.id)
        if passport is not None and passport.order:
            return passport.order
    orders = {job.order for job in s.state.floor.jobs.values() if job.item == thing.item}
    return orders.pop() if len(orders) == 1 else ""


def carrier_scanned(s: Situation, carrier: str, *, act: str) -> Decision:
    """What is in the carrier, and the question what shall be done; a scanned piece answers it."""
    match s.confirm:
        case "put":
            return put_in(s, carrier=carrier, content=Content())
        case "take_all":
            return take_out(s, carrier=carrier, content=Content())
        case _:
            pass
    inside = contents(s, carrier)
    if s.confirm.startswith(_START):
        order = s.confirm.removeprefix(_START)
        return order_acts.start_order(s.changed(confirm=""), order=order, booking=act)
    options = [*_puts(s), *_takes(inside), *_starts(s, inside), CANCEL]
    shown = ", ".join(one.thing.id for one in inside[:SHOWN])
    more = f" … +{len(inside) - SHOWN}" if len(inside) > SHOWN else ""
    orders = ", ".join(sorted({one.order for one in inside if one.order}))
    return ask(
        "carrier.content" if inside else "carrier.content_empty", options, carrier=carrier,
        count=amount(sum((one.quantity for one in inside), Decimal(0))), content=shown + more,
        items=", ".join(sorted({one.thing.item for one in inside})), orders=orders,
    )  # fmt: skip


_START = "start:"


def _puts(s: Situation) -> list[Option]:
    last = s.state.last_finished
    if last is None or s.state.last_result not in {"", "pass"} or carrier_of(s, last.thing):
        return []
    return [option("put", f"放入 {last.serial}", f"Put {last.serial} in", "CMD-PUT")]


def _takes(inside: tuple[CarrierContent, ...]) -> list[Option]:
    return [option("take_all", "全部取出", "Take everything out", "CMD-TAKEALL")] if inside else []


def _starts(s: Situation, inside: tuple[CarrierContent, ...]) -> list[Option]:
    """The next operation may begin with the first carrier that comes."""
    found: list[Option] = []
    for order in dict.fromkeys(one.order for one in inside if one.order):
        running = s.state.job_of(order) is not None
        if running or isinstance(order_acts.workable(s, order, ""), Decision):
            continue
        command = f"CMD-START-{len(found) + 1}"
        found.append(option(f"{_START}{order}", f"开始工单 {order}", f"Start {order}", command))
    return found[:3]
