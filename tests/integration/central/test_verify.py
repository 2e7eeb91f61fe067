"""`kpi verify` agrees with the figures, and says so when something is wrong."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from lineside.central.commands.kpi import compare
from lineside.central.kit.unit_of_work import unit_of_work
from lineside.contracts import events as ev
from lineside.contracts.units import Quantity

MINUTE = 60_000_000


@pytest.fixture
def plant(client):
    for path, body in (
        ("edges", {"id": "e1"}),
        ("stations", {"id": "M1", "edge": "e1"}),
    ):
        assert client.post(f"/api/v1/mes/{path}", json=body).is_success
    shifts = [
        {"id": "early", "local_start": "06:00", "local_end": "14:00",
         "breaks": [{"local_start": "09:00", "minutes": 15}]},
        {"id": "late", "local_start": "14:00", "local_end": "22:00"},
    ]  # fmt: skip
    body = {"time_zone": "Asia/Shanghai", "shifts": shifts}
    assert client.put("/api/v1/mes/calendar", json=body).is_success


def busy_days(seed: int, begin: int) -> list[ev.Event]:
    """Two days of a machine with stops, orders, a counter that rolls over, resets and errs."""
    dice = random.Random(seed)
    at, value = begin, 65_000
    found: list[ev.Event] = []
    while at < begin + 2 * 24 * 60 * MINUTE:
        at += dice.randrange(1, 12 * MINUTE)
        base: dict[str, Any] = {"occurred_at": at, "recorded_at": at, "station": "M1"}
        job: dict[str, Any] = {"order": f"WO-{dice.randrange(3)}", "operation": "10"}
        match dice.randrange(6):
            case 0 | 1:
                state = dice.choice(list(ev.MachineState))
                found.append(ev.StateChanged(state=state, **base))
            case 2:
                found.append(ev.OrderStarted(item="A", ideal_cycle_s=Decimal(10), **job, **base))
            case 3:
                found.append(ev.OrderFinished(**job, **base))
            case 4:
                kind = dice.choice(["scrap", "rework", "rework_scrap", "produced"])
                amount = Quantity(value=Decimal(dice.randrange(1, 4)))
                found.append(ev.QuantityDeclared(kind=kind, quantity=amount, **base))
            case _:
                value = (value + dice.randrange(0, 200)) % 65_536
                shown = dice.choice([value] * 8 + [0, 30_000])
                found.append(
                    ev.CounterRead(counter="c", value=shown, max_per_min=Decimal(60), **base)
                )
    return found


@pytest.mark.parametrize("seed", range(4))
def test_two_independent_computations_agree(client, plant, report, engine, clock, at, seed) -> None:
    begin = at("00:00:00")
    report("e1", *busy_days(seed, begin))
    with unit_of_work(engine, clock) as work:
        outcome = compare(work, start=begin, end=begin + 2 * 24 * 60 * MINUTE)
    assert outcome.different == []
    assert outcome.compared >= 4
    assert outcome.left_out == {}


def test_a_figure_that_lost_an_event_is_found(client, plant, report, engine, clock, at) -> None:
    begin = at("00:00:00")
    report("e1", *busy_days(1, begin))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM kpi_event WHERE kind = 'state' AND seq % 3 = 0"))
    with unit_of_work(engine, clock) as work:
        assert compare(work, start=begin, end=begin + 24 * 60 * MINUTE).different
