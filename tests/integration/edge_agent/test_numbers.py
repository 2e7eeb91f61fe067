"""Numbers that an edge gives: each once, whatever happens, and it says when they run out."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lineside.contracts.commands import NumberBlock
from lineside.edge_agent.projections.numbers import MARK

PROGRAM = Path(__file__).with_name("numbers_program.py")


def block(line, first: int = 1, last: int = 100, **values: Any):
    """Central has given a block to this edge's journal."""
    values = {"kind": "serial", "item": "SP-18", "prefix": "SP18-", "width": 4, **values}
    name = f"{values['kind']}-{first}"
    epoch = values.pop("epoch", line.agent.journal.epoch)
    document = NumberBlock(block=name, first=first, last=last, epoch=epoch, low=20, **values)
    line.send("number_block", name, document)
    return name


async def new(line, station: str = "TURN", thing: str = "unit", **fields):
    return await line.act("new_number", station, thing=thing, **fields)


@pytest.fixture
async def ready(line):
    """A person and an order are on the station."""
    await line.must("B-1")
    await line.must("WO-1")
    return line


async def test_a_new_unit_gets_the_next_number_and_a_label(ready):
    block(ready)
    answer = await new(ready)
    assert (answer["code"], answer["params"]["number"]) == ("number.unit", "SP18-0001")
    (assigned,) = ready.events("serial_assigned")
    (label,) = ready.events("label_printed")
    assert (assigned.taken.number, assigned.order) == (1, "WO-1")
    assert (label.thing, label.copy, label.act.id) == (assigned.unit, 1, assigned.act.id)
    assert (await ready.scan("CMD-NEWUNIT"))["params"]["number"] == "SP18-0002"
    screen = await ready.screen()
    assert screen["numbers"] == [{"thing": "unit", "item": "SP-18", "left": 98, "low": False}]


async def test_a_number_that_is_taken_back_is_not_given_again(ready):
    block(ready)
    await new(ready)
    assert (await ready.act("void", seq=0))["answer"] == "accepted"
    assert (await new(ready))["params"]["number"] == "SP18-0002"


async def test_the_same_act_again_takes_no_second_number(ready):
    block(ready)
    body = {"id": "once", "station": "TURN", "kind": "new_number", "thing": "unit"}
    first = (await ready.http.post("/api/acts", json=body)).json()
    again = (await ready.http.post("/api/acts", json=body)).json()
    assert first["params"] == again["params"]
    assert len(ready.events("serial_assigned")) == 1


async def test_two_stations_at_once_get_different_numbers(ready):
    block(ready, item="", last=200)
    answers = await asyncio.gather(
        *(new(ready, station, item="SP-18") for station in ("TURN", "GRIND", "BENCH") * 10)
    )
    numbers = [answer["params"]["number"] for answer in answers]
    assert sorted(numbers) == [f"SP18-{n:04d}" for n in range(1, 31)]


async def test_a_number_that_somebody_gave_by_hand_is_passed_over(ready):
    block(ready)
    await ready.must("LOT-BAR-1")
    await ready.must("SP18-0001")
    assert (await new(ready))["params"]["number"] == "SP18-0002"


async def test_low_and_empty_are_said_clearly(ready):
    assert (await new(ready))["code"] == "number.no_block"
    block(ready, last=22)
    assert (await new(ready))["code"] == "number.unit"
    low = await new(ready)
    assert (low["code"], low["params"]["left"]) == ("number.unit_low", "20")
    assert "20" in low["why"]["en"]
    for _ in range(20):
        await new(ready)
    empty = await new(ready)
    assert (empty["answer"], empty["code"]) == ("refused", "number.empty")
    block(ready, 23, 30)
    assert (await new(ready))["params"]["number"] == "SP18-0023"


async def test_a_block_for_another_journal_of_this_edge_is_not_used(ready):
    """The journal before this one may have taken from it."""
    block(ready, epoch="another")
    assert (await new(ready))["code"] == "number.empty"


async def test_a_new_lot_needs_its_quantity(ready):
    block(ready, kind="lot", prefix="L", width=6)
    assert (await new(ready, thing="lot"))["answer"] == "ask"
    answer = await new(ready, thing="lot", quantity="40")
    assert answer["params"]["number"] == "L000001"
    (created,) = ready.events("lot_created")
    assert (created.lot.id, str(created.quantity.value), created.order) == (
        "L000001", "40", "WO-1",
    )  # fmt: skip


async def test_a_new_carrier_is_an_sscc_with_its_check_digit(ready):
    block(ready, kind="sscc", item="", prefix="39506000", width=9)
    answer = await ready.scan("CMD-NEWCARRIER")
    assert answer["params"]["number"] == "395060000000000016"
    (label,) = ready.events("label_printed")
    assert label.taken.number == 1
    assert (await ready.scan("]C100" + "395060000000000016"))["code"] == "carrier.content_empty"


async def test_a_reprint_has_a_reason_and_counts_copies(ready):
    block(ready)
    await new(ready)
    asked = await ready.scan("CMD-REPRINT")
    assert asked["answer"] == "ask"
    done = await ready.scan(asked["options"][0]["command"])
    assert (done["code"], done["params"]["copy"]) == ("number.reprinted", "2")
    await ready.act("reprint", number="SP18-0001", reason="fell off")
    copies = [(one.copy, one.reason) for one in ready.events("label_reprinted")]
    assert copies == [(2, "damaged"), (3, "fell off")]
    assert (await ready.act("reprint", number="X"))["code"] == "number.no_label"


async def test_after_a_restart_without_figures_the_next_number_is_given(line_at, tmp_path):
    """Figures are computed again, and events are pruned: the journal's own mark stands."""
    async with line_at(tmp_path) as line:
        await line.must("WO-1")
        name = block(line)
        await new(line)
        assert line.agent.journal.baselines()[f"{MARK}{name}"] == b"1"
    for file in (tmp_path / "data").glob("figures.db*"):
        file.unlink()
    async with line_at(tmp_path) as line:
        assert (await new(line, item="SP-18", id="later"))["params"]["number"] == "SP18-0002"


def test_a_number_is_never_given_twice_across_kills(tmp_path):
    """The program is killed again and again in the middle of giving numbers."""
    seen: list[str] = []
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, PROGRAM, tmp_path], stdout=subprocess.PIPE, text=True
        ) as program:
            assert program.stdout is not None
            wanted = len(seen) + 15
            for row in program.stdout:
                if row.startswith('"') and row.endswith("\n"):  # else it is the log
                    seen.append(json.loads(row))
                if len(seen) == wanted:
                    os.kill(program.pid, signal.SIGKILL)
    assert len(seen) >= 60
    assert len(set(seen)) == len(seen)
