"""首件: after set-up, tool or material change an operation waits for a second person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

FIRST = """
[[station]]
id = "PRESS"
device = "plc"
counts_from = "counter"
state_from = "signals"
[station.state]
signal = "p_state"
profile = "packml"
[[station.counter]]
name = "total"
signal = "p_total"
max_per_min = 240
[[station.discrete]]
signal = "p_tool"
role = "tool"
"""


class Press:
    """A press that counts, and what the operation says about its first piece."""

    def __init__(self, line: Any) -> None:
        self.line = line
        self.total = 0

    def rule(self, order: str = "WO-5", station: str = "PRESS", **rule: Any) -> None:
        """Central sends the order with its rule; its first operation is done at the station."""
        known = self.line.agent.desk._plant.order(order)
        step = structs.replace(known.steps[0], stations=(station,), first_piece=True, **rule)
        self.line.send("work_order", order, structs.replace(known, steps=(step, *known.steps[1:])))

    async def make(self, pieces: int, **signals: Any) -> None:
        """Some pieces in some seconds."""
        self.line.advance(10)
        self.total += pieces
        await self.line.signals(p_state=6, p_total=self.total, **signals)

    async def job(self) -> tuple[str, str, str, str]:
        """First piece, good, scrap, and to be decided."""
        (job,) = (await self.line.screen("PRESS"))["jobs"]
        return job["first_piece"], job["good"], job["scrap"], job["rework"]


@pytest.fixture
async def press(line_at, tmp_path) -> AsyncIterator[Press]:
    async with line_at(tmp_path, more=FIRST) as line:
        made = Press(line)
        await line.signals(p_state=6, p_total=0, p_tool="T1")
        await line.act("sign_on", "PRESS", badge="B-1")
        yield made


async def test_what_a_counter_counts_before_the_release_is_suspect(press):
    """The released piece itself is good; the ones before it wait for a decision."""
    press.rule()
    await press.line.act("start_order", "PRESS", order="WO-5")
    await press.make(3)
    assert await press.job() == ("needed", "0", "0", "3")
    await press.line.act("first_piece", "PRESS")
    own = await press.line.act("release_first_piece", "PRESS", badge="B-1")
    assert own["code"] == "first_piece.same_person"
    await press.make(2)
    assert await press.job() == ("presented", "0", "0", "5")
    done = await press.line.act("release_first_piece", "PRESS", badge="B-2")
    assert done["code"] == "first_piece.released"
    assert await press.job() == ("released", "1", "0", "4")
    await press.make(10)
    assert await press.job() == ("released", "11", "0", "4")

    figures = (await press.line.screen("PRESS"))["figures"]
    assert (figures["produced"], figures["good"]) == ("15", "11")
    marks = [e for e in press.line.events("quantity_declared") if "before_release" in e.flags]
    assert {(e.kind, e.quantity.outcome.value) for e in marks} == {("rework", "suspect")}
    assert [(e.quantity.value, e.corrects is not None) for e in marks] == [
        (3, False), (2, False), (2, True),
    ]  # fmt: skip


async def test_the_operation_may_say_that_they_are_start_up_scrap(press):
    """Or nothing at all: then the release is all that is asked for."""
    press.rule(before_release="startup_scrap")
    await press.line.act("start_order", "PRESS", order="WO-5")
    await press.make(3)
    assert await press.job() == ("needed", "0", "3", "0")
    outcomes = {e.quantity.outcome.value for e in press.line.events("quantity_declared")}
    assert outcomes == {"startup_scrap"}
    press.rule(before_release="")
    await press.make(2)
    assert await press.job() == ("needed", "2", "3", "0")


async def test_a_tool_or_another_lot_makes_it_wait_where_the_operation_says_so(press):
    """By default only a set-up does; a first value after a connection is no change."""
    press.rule(first_piece_after=("setup", "tool", "material"))
    await press.line.act("start_order", "PRESS", order="WO-5")

    async def released() -> None:
        await press.make(1)
        await press.line.act("first_piece", "PRESS")
        await press.line.act("release_first_piece", "PRESS", badge="B-2")
        assert (await press.job())[0] == "released"
        press.line.advance(5)

    await released()
    await press.line.signals(p_tool="T1")
    assert (await press.job())[0] == "released"
    await press.line.signals(p_tool="T2")
    assert (await press.job())[0] == "needed"
    await released()
    await press.line.act("mount", "PRESS", lot="C-1", item="COIL", position="coil", quantity="50")
    assert (await press.job())[0] == "needed"
    await released()
    await press.line.act("mount", "PRESS", lot="C-1", item="COIL", position="coil", quantity="40")
    assert (await press.job())[0] == "released"
    await press.line.act("mount", "PRESS", lot="C-2", item="COIL", position="coil", quantity="50")
    assert (await press.job())[0] == "needed"
    assert (await press.job())[3] == "0"

    press.rule(first_piece_after=("setup",))
    assert (await press.job())[0] == "released"


async def test_a_piece_presented_before_the_next_change_is_not_released_after_it(press):
    """Else the release of an old piece would free a new tool."""
    press.rule(first_piece_after=("setup", "tool"))
    await press.line.act("start_order", "PRESS", order="WO-5")
    await press.make(1)
    await press.line.act("first_piece", "PRESS")
    press.line.advance(5)
    await press.line.signals(p_tool="T2")
    late = await press.line.act("release_first_piece", "PRESS", badge="B-2")
    assert late["code"] == "first_piece.none"
    assert (await press.job())[0] == "needed"


async def test_a_piece_with_a_number_waits_and_a_bad_one_makes_place_for_another(press):
    """The first piece is presented by itself; while it waits no other begins."""
    press.rule("WO-2", "BENCH", components=())
    line = press.line
    await line.act("sign_on", "BENCH", badge="B-1")
    await line.act("start_order", "BENCH", order="WO-2")
    line.advance(5)
    await line.act("start_unit", "BENCH", serial="HV22-0001")
    await line.act("finish_unit", "BENCH")
    (job,) = (await line.screen("BENCH"))["jobs"]
    assert (job["first_piece"], job["good"], job["rework"]) == ("presented", "0", "1")
    blocked = await line.act("start_unit", "BENCH", serial="HV22-0002")
    assert blocked["code"] == "first_piece.waiting"

    await line.act("defect", "BENCH", serial="HV22-0001", code="DIM", scrap=True)
    assert (await line.screen("BENCH"))["jobs"][0]["first_piece"] == "needed"
    line.advance(5)
    await line.act("start_unit", "BENCH", serial="HV22-0002")
    await line.act("finish_unit", "BENCH", result="fail")
    assert (await line.screen("BENCH"))["jobs"][0]["first_piece"] == "needed"
    line.advance(5)
    await line.act("start_unit", "BENCH", serial="HV22-0003")
    await line.act("finish_unit", "BENCH")
    await line.act("release_first_piece", "BENCH", badge="B-2")

    (job,) = (await line.screen("BENCH"))["jobs"]
    assert (job["first_piece"], job["good"], job["scrap"], job["rework"]) == (
        "released", "1", "2", "0",
    )  # fmt: skip
    marked = [e.thing.id for e in line.events("quantity_declared")
              if "before_release" in e.flags and e.thing is not None]  # fmt: skip
    assert marked == ["HV22-0001", "HV22-0003"]


async def test_declared_pieces_are_marked_as_well_and_a_release_is_not_taken_back(press):
    """What to do instead stands on the page."""
    press.rule("WO-5", "OVEN")
    line = press.line
    await line.act("sign_on", "OVEN", badge="B-1")
    await line.act("start_order", "OVEN", order="WO-5")
    line.advance(5)
    await line.act("declare", "OVEN", quantity_kind="produced", quantity="4")
    (job,) = (await line.screen("OVEN"))["jobs"]
    assert (Decimal(job["good"]), job["rework"]) == (0, "4")
    await line.act("first_piece", "OVEN")
    await line.act("release_first_piece", "OVEN", badge="B-2")
    (job,) = (await line.screen("OVEN"))["jobs"]
    assert (job["good"], job["rework"]) == ("1", "3")
    entry = (await line.screen("OVEN"))["entries"][0]
    assert (entry["kind"], entry["undoable"]) == ("first_piece_released", False)
    assert "CMD-FIRST" in entry["why_not"]["en"]
