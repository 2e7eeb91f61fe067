"""New units, lots and carriers get the next number of this edge; labels are printed again."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from lineside.contracts.commands import NumberBlock
from lineside.contracts.events import (
    Event,
    LabelPrinted,
    LabelReprinted,
    LotCreated,
    SerialAssigned,
)
from lineside.contracts.numbers import written
from lineside.contracts.units import NumberTaken, Quantity, Thing, ThingKind
from lineside.edge_agent.projections.entries import amount
from lineside.edge_agent.projections.floor import JobOn
from lineside.edge_agent.terminal.numbers_shown import NumbersLeft
from lineside.edge_agent.terminal.situation import (
    CANCEL,
    Decision,
    Situation,
    accepted,
    ask,
    option,
    refused,
)

KINDS = {"unit": "serial", "lot": "lot", "carrier": "sscc"}
SKIPPED_MAX = 1_000
REPRINT_REASONS = (
    ("damaged", "标签损坏", "Label damaged"),
    ("lost", "标签丢失", "Label lost"),
    ("printer", "打印不清", "Badly printed"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Next:
    """The next number, and what is left after it."""

    text: str
    taken: NumberTaken
    left: int
    low: bool


def numbers_left(s: Situation) -> list[NumbersLeft]:
    """What the station may give now: carriers, units and lots of the items of its orders."""
    items = list(dict.fromkeys(job.item for job in s.state.floor.jobs.values()))
    found: list[NumbersLeft] = []
    for thing in KINDS:
        for item in [""] if thing == "carrier" else items:
            blocks = _blocks(s, thing, item)
            if blocks:
                left = _left(s, blocks)
                found.append(NumbersLeft(thing=thing, item=item, left=left, low=_low(blocks, left)))
    return found


def _blocks(s: Situation, thing: str, item: str) -> list[NumberBlock]:
    """Blocks of this journal, the item's own before those for every item, in order of number."""
    mine = [
        block
        for block in s.plant.number_blocks(KINDS[thing])
        if block.item in {"", item} and block.epoch == s.epoch
    ]
    return sorted(mine, key=lambda block: (block.item != item, block.prefix, block.first))


def _left(s: Situation, blocks: list[NumberBlock]) -> int:
    return sum(block.last + 1 - _first_free(s, block) for block in blocks)


def _first_free(s: Situation, block: NumberBlock) -> int:
    through = s.numbers.through(block.block)
    return block.first if through is None else min(through, block.last) + 1


def _low(blocks: list[NumberBlock], left: int) -> bool:
    return left <= max((block.low for block in blocks), default=0)


def _next(s: Situation, thing: str, item: str) -> _Next | Decision:
    """The next number that nothing here has yet."""
    blocks = _blocks(s, thing, item)
    skipped = 0
    for block in blocks:
        for number in range(_first_free(s, block), block.last + 1):
            text = written(block.kind, prefix=block.prefix, width=block.width, number=number)
            if skipped < SKIPPED_MAX and _known(s, thing, item, text):
                skipped += 1
                continue
            if thing == "unit" and s.plant.fits(item, text) is False:
                return refused("number.bad_form", number=text, item=item)
            left = _left(s, blocks) - skipped - 1
            return _Next(
                text=text,
                taken=NumberTaken(block=block.block, number=number),
                left=left,
                low=_low(blocks, left),
            )
    code = "number.no_block" if not s.plant.number_blocks(KINDS[thing]) else "number.empty"
    return refused(code, kind=thing, item=item or "-")


def _known(s: Situation, thing: str, item: str, text: str) -> bool:
    """Whether somebody gave the number by hand before."""
    if thing == "unit":
        return item in s.units.items_of(text) or s.plant.passport(item, text) is not None
    if thing == "lot":
        return any(one.lot.item == item for one in s.plant.lots(text))
    return False


def new_number(
    s: Situation,
    *,
    thing: str,
    item: str = "",
    lot: str = "",
    lot_issuer: str = "",
    quantity: Decimal | None = None,
    unit: str = "pcs",
) -> Decision:
    """A unit, lot or carrier comes into being and gets its number and its label.

    Args:
        s: The station now.
        thing: `unit`, `lot` or `carrier`.
        item: What it is; empty: what the station's order makes.
        lot: The lot of which a unit is a piece; empty: of none.
        lot_issuer: Who gave that lot its number.
        quantity: What is in a new lot.
        unit: Of the quantity.
    """
    job: JobOn | None = None
    if thing != "carrier" and not item:
        found = _job(s)
        if isinstance(found, Decision):
            return found
        job, item = found, found.item
    if thing == "lot" and quantity is None:
        return ask("number.quantity_needed", [CANCEL], item=item)
    number = _next(s, thing, "" if thing == "carrier" else item)
    if isinstance(number, Decision):
        return number
    job = job or next((one for one in s.state.floor.jobs.values() if one.item == item), None)
    order = job.order if job is not None else ""
    made = Thing(kind=ThingKind(thing), item="" if thing == "carrier" else item, id=number.text)
    events: list[Event] = []
    if thing == "unit":
        of = Thing(kind=ThingKind.LOT, item=item, id=lot, issuer=lot_issuer) if lot else None
        events.append(s.tell(SerialAssigned, unit=made, lot=of, order=order, taken=number.taken))
    elif thing == "lot":
        inside = Quantity(value=quantity or Decimal(0), unit=unit)
        events.append(
            s.tell(LotCreated, lot=made, quantity=inside, order=order, taken=number.taken)
        )
    events.append(
        s.tell(
            LabelPrinted,
            thing=made,
            template=thing,
            taken=number.taken if thing == "carrier" else None,
        )
    )
    inside = f"{amount(quantity)} {unit}" if quantity is not None else ""
    return accepted(
        f"number.{thing}_low" if number.low else f"number.{thing}", events,
        **{"serial" if thing == "unit" else thing: number.text}, number=number.text,
        item=item or "-", order=order, left=str(number.left), quantity=inside,
    )  # fmt: skip


def _job(s: Situation) -> JobOn | Decision:
    jobs = {job.item: job for job in s.state.floor.jobs.values()}
    if not jobs:
        return refused("number.no_order")
    chosen = jobs.get(s.confirm)
    if chosen is not None:
        return chosen
    if len(jobs) > 1:
        options = [
            option(item, item, item, f"CMD-{n}") for n, item in enumerate(list(jobs)[:9], start=1)
        ]
        return ask("number.which_item", [*options, CANCEL])
    return next(iter(jobs.values()))


def reprint(
    s: Situation, *, number: str = "", thing: str = "", item: str = "", reason: str = ""
) -> Decision:
    """A label is printed again, with the reason and the number of the copy.

    Args:
        s: The station now.
        number: Whose label; empty: the one that this station printed last.
        thing: `unit`, `lot` or `carrier`, where several have this number.
        item: What it is, where several have this number.
        reason: Code of `REPRINT_REASONS` or own words; empty: it is asked for.
    """
    found = _labelled(s, number, thing, item)
    if isinstance(found, Decision):
        return found
    known = {code: code for code, _, _ in REPRINT_REASONS}
    why = reason or known.get(s.confirm, "")
    if not why:
        options = [
            option(code, zh, en, f"CMD-{n}")
            for n, (code, zh, en) in enumerate(REPRINT_REASONS, start=1)
        ]
        return ask("number.reprint_reason", [*options, CANCEL], number=found.id)
    copy = max(s.numbers.copies(found), 1) + 1
    event = s.changed(reason=why).tell(
        LabelReprinted, thing=found, template=found.kind.value, copy=copy
    )
    return accepted("number.reprinted", [event], number=found.id, copy=str(copy), reason=why)


def _labelled(s: Situation, number: str, thing: str, item: str) -> Thing | Decision:
    if not number:
        last = s.numbers.last_label(s.station.id)
        return last if last is not None else refused("number.no_label", number="-")
    found = [
        one
        for one in s.numbers.labelled(number)
        if (not thing or one.kind.value == thing) and (not item or one.item == item)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        items = ", ".join(sorted(one.item or one.kind.value for one in found))
        return refused("number.several", number=number, items=items)
    if thing:  # its first label was printed elsewhere
        return Thing(kind=ThingKind(thing), item=item, id=number)
    return refused("number.no_label", number=number)
