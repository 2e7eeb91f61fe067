"""Carriers at a terminal: what goes in and out, what may not, and what comes from another line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lineside.contracts.commands import (
    CarrierContent,
    CarrierPassport,
    CarrierType,
    ClosedUnits,
    Hold,
    UnitPassport,
)
from lineside.contracts.units import Thing, ThingKind

BOX: dict[str, Any] = {"kind": ThingKind.CARRIER, "item": ""}


def spool(number: int) -> Thing:
    return Thing(kind=ThingKind.UNIT, item="SP-18", id=f"SP18-{number:04d}")


def known(line, *numbers: int, order: str = "WO-1", status: str = "in_process") -> None:
    """Spools that another line turned."""
    for number in numbers:
        unit = spool(number)
        line.send(
            "unit_passport", unit.id,
            UnitPassport(unit=unit, status=status, order=order, passed=("10",)),
        )  # fmt: skip


def box(line, *numbers: int, carrier: str = "CAR-1", through: int = 0, order: str = "WO-1"):
    """What other lines put into a carrier, as central tells it."""
    contents = tuple(CarrierContent(thing=spool(number), order=order) for number in numbers)
    document = CarrierPassport(
        carrier=Thing(id=carrier, **BOX), contents=contents,
        epoch=line.agent.journal.epoch, through=through,
    )  # fmt: skip
    line.send("carrier_passport", carrier, document)


def kind(line, **rules) -> None:
    line.send("carrier_type", "box", CarrierType(carrier_type="box", pattern=r"CAR-\d+", **rules))


@pytest.fixture
async def ready(line):
    """A person and an order at the grinder; four spools that were turned elsewhere."""
    await line.must("B-1", "GRIND")
    await line.must("WO-1", "GRIND")
    known(line, 1, 2, 3, 4)
    return line


async def put(line, number: int, carrier: str = "CAR-1"):
    return await line.act("put_in", "GRIND", carrier=carrier, serial=spool(number).id)


async def test_a_carrier_and_a_piece_are_scanned_and_it_is_in_and_the_same_takes_it_out(ready):
    asked = await ready.scan("CAR-1", "GRIND")
    assert (asked["answer"], asked["code"]) == ("ask", "carrier.content_empty")
    done = await ready.scan("SP18-0001", "GRIND")
    assert (done["answer"], done["code"]) == ("accepted", "carrier.put_in")
    (event,) = ready.events("put_in_carrier")
    assert (event.content, event.carrier.id, event.order) == (spool(1), "CAR-1", "WO-1")

    shown = await ready.scan("CAR-1", "GRIND")
    assert shown["code"] == "carrier.content"
    assert "SP18-0001" in shown["why"]["en"]
    assert (await ready.scan("SP18-0001", "GRIND"))["code"] == "carrier.taken_out"
    assert (await ready.scan("CAR-1", "GRIND"))["code"] == "carrier.content_empty"


async def test_without_a_carrier_before_it_a_piece_is_processed_as_ever(ready):
    await ready.scan("CAR-1", "GRIND")
    await ready.scan("CMD-NO", "GRIND")
    assert (await ready.must("SP18-0001", "GRIND"))["code"] == "unit.started"


async def test_the_piece_finished_last_goes_in_with_two_scans(ready):
    await ready.must("SP18-0001", "GRIND")
    await ready.act("finish_unit", "GRIND")
    asked = await ready.scan("CAR-1", "GRIND")
    assert [one["command"] for one in asked["options"]] == ["CMD-PUT", "CMD-NO"]
    assert (await ready.must("CMD-PUT", "GRIND"))["params"]["number"] == "SP18-0001"


async def test_an_sscc_is_a_carrier_as_well(ready):
    asked = await ready.scan("]C100395060000000000016", "GRIND")
    assert asked["code"] == "carrier.content_empty"
    await ready.must("SP18-0001", "GRIND")
    (event,) = ready.events("put_in_carrier")
    assert event.carrier.id == "395060000000000016"


async def test_a_piece_in_one_carrier_is_refused_in_another_with_the_way_out(ready):
    assert (await put(ready, 1))["answer"] == "accepted"
    answer = await put(ready, 1, "CAR-2")
    assert (answer["code"], answer["params"]["other"]) == ("carrier.elsewhere", "CAR-1")
    assert "CAR-1" in answer["todo"]["en"]
    assert "CAR-1" in answer["todo"]["zh"]
    assert (await put(ready, 1))["code"] == "carrier.in_already"


async def test_what_another_line_put_in_counts_as_well(ready):
    box(ready, 1, 2, carrier="CAR-9")
    assert (await put(ready, 1))["params"]["other"] == "CAR-9"
    await ready.act("take_out", "GRIND", carrier="CAR-9", serial="SP18-0001")
    assert (await put(ready, 1))["answer"] == "accepted"


async def test_a_passport_that_includes_our_own_acts_is_not_added_to_them(ready):
    await put(ready, 1)
    box(ready, 1, 2, through=ready.agent.journal.head())
    assert (await ready.scan("CAR-1", "GRIND"))["params"]["count"] == "2"
    await ready.scan("CMD-NO", "GRIND")
    await put(ready, 3)
    assert (await ready.scan("CAR-1", "GRIND"))["params"]["count"] == "3"


async def test_capacity_and_mixing_are_as_declared(ready):
    kind(ready, capacity=Decimal(2))
    known(ready, 5, order="WO-7")
    await put(ready, 1)
    assert (await put(ready, 5))["code"] == "carrier.other_order"
    await put(ready, 2)
    assert (await put(ready, 3))["code"] == "carrier.full"
    lot = {"carrier": "CAR-1", "lot": "LOT-SPR-1", "quantity": "1"}
    assert (await ready.act("put_in", "GRIND", **lot))["code"] == "carrier.other_item"
    kind(ready, capacity=Decimal(3), item_mix=True, order_mix=True)
    assert (await ready.act("put_in", "GRIND", **lot))["code"] == "carrier.put_in"


async def test_a_carrier_of_no_type_holds_one_item_without_limit(ready):
    for number in (1, 2, 3, 4):
        assert (await put(ready, number))["answer"] == "accepted"
    lot = {"carrier": "CAR-1", "lot": "LOT-SPR-1", "quantity": "1"}
    assert (await ready.act("put_in", "GRIND", **lot))["code"] == "carrier.other_item"


async def test_part_of_a_lot_goes_in_and_part_of_that_comes_out(ready):
    lot = {"carrier": "CAR-1", "lot": "LOT-SPR-1"}
    await ready.act("put_in", "GRIND", quantity="30", **lot)
    answer = await ready.act("take_out", "GRIND", quantity="12", **lot)
    assert answer["code"] == "carrier.taken_out"
    assert (await ready.scan("CAR-1", "GRIND"))["params"]["count"] == "18"
    answer = await ready.act("take_out", "GRIND", quantity="20", **lot)
    assert (answer["code"], answer["params"]["left"]) == ("carrier.too_much", "18")


async def test_what_may_not_be_used_may_not_travel(ready):
    ready.send("hold", "H-1", Hold(hold="H-1", thing=spool(1), reason="crack", since=0))
    assert (await put(ready, 1))["code"] == "unit.held"
    carrier = Thing(id="CAR-1", **BOX)
    ready.send("hold", "H-2", Hold(hold="H-2", thing=carrier, reason="wet", since=0))
    assert (await put(ready, 2))["code"] == "carrier.held"
    await ready.must("SP18-0003", "GRIND")
    assert (await put(ready, 3, "CAR-2"))["code"] == "carrier.in_work"
    assert (await put(ready, 77, "CAR-2"))["code"] == "carrier.unknown_content"


async def test_a_move_that_is_taken_back_did_not_happen(ready):
    await put(ready, 1)
    await ready.act("void", "GRIND", seq=0)
    assert (await put(ready, 1, "CAR-2"))["answer"] == "accepted"


async def test_the_next_operation_starts_on_the_first_carrier(line):
    """Partial transfer: operation 10 runs on elsewhere while its first carrier is worked off."""
    await line.must("B-1", "GRIND")
    known(line, 1, 2)
    box(line, 1, 2)
    asked = await line.scan("CAR-1", "GRIND")
    start = next(one for one in asked["options"] if one["command"].startswith("CMD-START"))
    assert (await line.must(start["command"], "GRIND"))["code"] == "order.started"
    asked = await line.scan("CAR-1", "GRIND")
    assert not [one for one in asked["options"] if one["command"].startswith("CMD-START")]
    assert (await line.must("SP18-0001", "GRIND"))["code"] == "carrier.taken_out"
    started = await line.must("SP18-0001", "GRIND")
    assert (started["code"], started["degraded"]) == ("unit.started", "")


async def test_everything_comes_out_in_one_act(ready):
    for number in (1, 2, 3):
        await put(ready, number)
    await ready.scan("CAR-1", "GRIND")
    answer = await ready.must("CMD-TAKEALL", "GRIND")
    assert (answer["code"], answer["params"]["count"]) == ("carrier.emptied", "3")
    acts = {event.act.id for event in ready.events("taken_out_of_carrier")}
    assert len(acts) == 1


async def test_contents_stand_after_a_restart(line_at, tmp_path):
    async with line_at(tmp_path) as line:
        await line.must("B-1", "GRIND")
        known(line, 1)
        await put(line, 1)
        begin = line.clock.now() + 60_000_000
    for file in (tmp_path / "data").glob("figures.db*"):
        file.unlink()
    async with line_at(tmp_path, begin=begin) as line:
        fields = {"carrier": "CAR-2", "serial": "SP18-0001", "id": "later"}
        answer = await line.act("put_in", "GRIND", **fields)
        assert answer["code"] == "carrier.elsewhere"


async def test_a_late_scan_of_a_closed_order_says_so(ready):
    """Its passport was withdrawn; the number is still known."""
    ready.send("unit_passport", spool(1).id, None)
    closed = ClosedUnits(
        order="WO-8", item="SP-18", state="finished", closed_at=1, units=(spool(1).id,)
    )
    ready.send("closed_units", "WO-8|0", closed)
    answer = await ready.scan("SP18-0001", "GRIND")
    assert (answer["answer"], answer["code"]) == ("refused", "unit.order_closed")
    assert "WO-8" in answer["why"]["en"]
    assert (await ready.must("SP18-0002", "GRIND"))["code"] == "unit.started"
