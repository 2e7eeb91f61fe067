"""A station that counts by a scale: one load is one weighing, its weight is a fact."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from lineside.contracts.commands import OperationStep, WorkOrder
from lineside.contracts.samples import Quality, SignalSample
from lineside.edge_agent.startup import UNENROLLED

PACK = """
[[device]]
id = "scale-1"
driver = "scripted"
[[station]]
id = "PACK"
device = "scale-1"
state_from = "acts"
counts_from = "scale"
[station.scale]
signal = "weight"
unit_signal = "unit"
net_signal = "net"
empty_below = 0.02
settle_s = 1
piece_weight = 0.125
tare = 0.5
pieces_max = 400
"""


class Scale:
    """What the scale of the packing station shows, second by second."""

    def __init__(self, line: Any) -> None:
        self.line = line
        (self._station,) = [one for one in line.agent.lines if "scale-1" in one.devices]

    async def show(
        self, weight: str | None, *, rest: bool = True, unit: str = "kg", net: bool = False
    ) -> None:
        """One line of the scale; a second passes after it."""
        now = self.line.clock.now()
        good = Quality.GOOD if rest else Quality.UNCERTAIN
        values = [
            ("weight", weight, Quality.BAD if weight is None else good),
            ("unit", unit, Quality.GOOD),
            ("net", net, Quality.GOOD),
        ]
        batch = [
            SignalSample(
                signal=name, value=value, quality=quality, read_at=now,
                status="overload" if value is None else "",
            )
            for name, value, quality in values
        ]  # fmt: skip
        await self._station.take("scale-1", batch)
        self.line.advance(1)

    async def load(self, weight: str, **more: Any) -> None:
        """Empty, a load arrives, comes to rest."""
        await self.show("0.000", **more)
        await self.show(weight, rest=False, **more)
        await self.show(weight, **more)
        await self.show(weight, **more)


@pytest.fixture
async def scale(line_at, tmp_path) -> AsyncIterator[Scale]:
    """A packing station with two orders: one whose pieces are lighter than the station says."""
    async with line_at(tmp_path, more=PACK) as line:
        plain = OperationStep(operation="90", name="packing", stations=("PACK",), edge=UNENROLLED)
        light = OperationStep(
            operation="90", name="packing", stations=("PACK",), edge=UNENROLLED,
            piece_weight=Decimal(5), tare=Decimal(100), weight_unit="g",
        )  # fmt: skip
        for number, step in (("WO-20", plain), ("WO-21", light)):
            order = WorkOrder(
                order=number, item="RING", quantity=Decimal(100), steps=(step,),
                serial_tracked=False,
            )  # fmt: skip
            line.send("work_order", number, order)
        await line.act("sign_on", "PACK", badge="B-1")
        yield Scale(line)


async def test_a_load_at_rest_is_booked_once_with_its_weight(scale):
    """However long it stays; the same act holds the weight and the pieces."""
    await scale.line.act("start_order", "PACK", order="WO-20")
    await scale.load("5.498")
    for _ in range(3):
        await scale.show("5.499")

    (weighed,) = scale.line.events("weighed")
    (declared,) = scale.line.events("quantity_declared")
    assert (weighed.weight.value, weighed.weight.unit) == (Decimal("5.498"), "kg")
    assert (weighed.tare, weighed.piece_weight, weighed.pieces) == (
        Decimal("0.5"), Decimal("0.125"), Decimal(40),
    )  # fmt: skip
    assert weighed.verdict.allowed
    assert weighed.act == declared.act
    assert (declared.kind, declared.quantity.value, declared.order) == ("produced", 40, "WO-20")
    assert declared.by == ("P-1",)
    screen = await scale.line.screen("PACK")
    assert screen["jobs"][0]["good"] == "40"
    assert screen["figures"]["produced"] == "40"
    entry = screen["entries"][0]
    assert (entry["kind"], entry["change"], entry["verdict"]) == ("weighed", "declare", "accepted")
    assert "5.498 kg" in entry["text"]["zh"]


async def test_the_operation_says_what_a_piece_weighs_before_the_station_does(scale):
    """In its own unit; a scale that shows net weight has the tare taken off already."""
    await scale.line.act("start_order", "PACK", order="WO-21")
    await scale.load("0.350")
    await scale.load("0.250", net=True)
    assert [one.pieces for one in scale.line.events("weighed")] == [50, 50]
    assert [one.tare for one in scale.line.events("weighed")] == [Decimal("0.1"), 0]
    assert scale.line.events("quantity_declared")[1].flags == ()
    await scale.load("0.110")
    over = scale.line.events("quantity_declared")[2]
    assert (over.quantity.value, over.flags) == (2, ("over_quantity",))


@pytest.mark.parametrize(
    ("weight", "unit", "code"),
    [
        ("5.560", "kg", "weight.no_whole_number"),  # 40.48 pieces
        ("0.400", "kg", "weight.no_whole_number"),  # less than the container
        ("60.5", "kg", "weight.too_many"),
        ("12.125", "lb", "weight.unit"),
    ],
)
async def test_an_implausible_weight_counts_nothing_and_says_why(scale, weight, unit, code):
    """The refusal is a fact, stands in the list, and is shown on the open page."""
    stream = scale.line.agent.desk.stream("PACK")
    await anext(stream)
    await scale.line.act("start_order", "PACK", order="WO-20")
    await scale.load(weight, unit=unit)

    (weighed,) = scale.line.events("weighed")
    assert (weighed.verdict.allowed, weighed.verdict.code) == (False, code)
    assert weighed.pieces is None
    assert scale.line.events("quantity_declared") == []
    shown = await anext(stream)
    assert (shown.event, shown.answer.code) == ("verdict", code)
    for words in (shown.answer.what, shown.answer.why, shown.answer.todo):
        assert words.zh
        assert "{" not in words.zh + words.en
    assert weight in shown.answer.why.en
    await stream.aclose()
    entry = (await scale.line.screen("PACK"))["entries"][0]
    assert (entry["verdict"], entry["code"], entry["undoable"]) == ("refused", code, False)


async def test_what_is_put_on_a_counted_load_is_refused_until_the_scale_was_empty(scale):
    """Taking pieces off by hand is no load; putting more on is no second count of the first."""
    await scale.line.act("start_order", "PACK", order="WO-20")
    await scale.load("1.750")
    for weight in ("1.500", "1.000", "1.000", "2.000", "2.000"):
        await scale.show(weight)
    assert [one.verdict.code for one in scale.line.events("weighed")] == [
        "weight.counted",
        "weight.changed",
    ]
    await scale.load("2.000")
    assert [one.quantity.value for one in scale.line.events("quantity_declared")] == [10, 12]


async def test_a_load_that_nobody_saw_arrive_is_told_and_not_counted(scale):
    """After a start of the agent it may be booked already."""
    await scale.line.act("start_order", "PACK", order="WO-20")
    await scale.show("1.750")
    await scale.show("1.750")
    await scale.show("1.750")
    assert scale.line.events("weighed") == []
    (gap,) = scale.line.events("gap_found")
    assert "weigh again" in gap.detail
    await scale.load("1.750")
    assert scale.line.events("weighed")[0].pieces == 10


async def test_an_overload_is_told_once_and_is_never_zero(scale):
    """Nor is the scale taken for empty by it."""
    await scale.line.act("start_order", "PACK", order="WO-20")
    await scale.load("1.750")
    await scale.show(None)
    await scale.show(None)
    await scale.show("1.750")
    await scale.show("1.750")
    assert len(scale.line.events("weighed")) == 1
    (gap,) = scale.line.events("gap_found")
    assert "overload" in gap.detail


async def test_a_load_without_any_order_counts_with_the_weight_of_the_station(scale):
    """As a declaration does, until somebody says whose they are."""
    await scale.load("1.750")
    assert scale.line.events("quantity_declared")[0].order == ""
    screen = await scale.line.screen("PACK")
    assert screen["entries"][0]["verdict"] == "accepted"
    assert screen["figures"]["produced"] == "0"  # R18: production without an order stands apart


async def test_a_weighing_is_taken_back_or_changed_like_a_report(scale):
    """A person knows better: both versions stay."""
    await scale.line.act("start_order", "PACK", order="WO-20")
    await scale.load("1.750")
    entry = (await scale.line.screen("PACK"))["entries"][0]
    answer = await scale.line.act(
        "correct", "PACK", seq=entry["seq"], reason="two others lay on it",
        replacement={"kind": "declare", "id": "i", "station": "PACK", "quantity": "8",
                     "quantity_kind": "produced"},
    )  # fmt: skip
    assert answer["code"] == "entry.corrected"
    assert (await scale.line.screen("PACK"))["jobs"][0]["good"] == "8"
    await scale.line.act("void", "PACK", reason="wrong order")
    screen = await scale.line.screen("PACK")
    assert (screen["jobs"][0]["good"], screen["figures"]["produced"]) == ("0", "0")


async def test_a_typed_weight_counts_as_well_and_only_where_a_scale_counts(scale):
    """A scale without a cable."""
    await scale.line.act("start_order", "PACK", order="WO-20")
    typed = await scale.line.act("weigh", "PACK", weight="1.75")
    assert (typed["code"], typed["params"]["quantity"]) == ("weight.counted", "10")
    elsewhere = await scale.line.act("weigh", "OVEN", weight="1.75")
    assert elsewhere["code"] == "weight.not_here"
