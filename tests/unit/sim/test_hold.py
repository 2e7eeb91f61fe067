import asyncio

import httpx
import pytest

from lineside.contracts.clock import SystemClock
from lineside.sim.hold import Hold
from lineside.sim.ledger import LedgerServer, Simulator, SimulatorAwayError
from lineside.sim.truth import Truth


async def test_a_held_plant_is_quiet_when_the_pieces_in_hand_are_done():
    hold = Hold()
    await hold.begin("M1")
    asked = asyncio.create_task(hold.ask(lease_s=60))
    await asyncio.sleep(0.1)
    assert not asked.done()
    hold.end("M1")
    assert await asked
    next_piece = asyncio.create_task(hold.begin("M1"))
    await asyncio.sleep(0.05)
    assert not next_piece.done()
    hold.release()
    held_s = hold.held_s
    assert held_s >= 0.05
    await next_piece
    assert not hold.quiet
    await asyncio.sleep(0.05)
    assert hold.held_s == held_s  # it does not grow while the plant works


async def test_a_plant_that_does_not_come_to_rest_says_so():
    hold = Hold()
    await hold.begin("M1")
    assert not await hold.ask(lease_s=60, patience_s=0.1)
    assert hold.busy == {"M1"}
    hold.release()


async def test_a_judge_who_never_comes_back_does_not_stop_the_plant():
    hold = Hold()
    assert await hold.ask(lease_s=0.1)
    await asyncio.wait_for(hold.begin("M1"), 5)


async def test_the_end_of_the_shift_ends_a_hold_and_is_quiet_itself():
    hold = Hold()
    await hold.begin("M1")
    await hold.ask(lease_s=60, patience_s=0)
    waiting = asyncio.create_task(hold.begin("M2"))
    hold.close()
    await asyncio.wait_for(waiting, 5)
    hold.end("M1")
    hold.end("M2")
    assert hold.quiet
    assert await hold.ask(lease_s=60)


async def test_the_ledger_is_read_from_outside_and_the_plant_held_meanwhile():
    truth, hold, scanned = Truth(), Hold(), []

    async def scan(station, code):
        if station != "M1":
            raise KeyError(station)
        scanned.append(code)

    async with LedgerServer(truth, hold, clock=SystemClock(), scan=scan, attended=False) as door:
        simulator = Simulator(door.address)
        assert (await asyncio.to_thread(simulator.ledger)).moving
        assert await asyncio.to_thread(simulator.hold) == []
        truth.state("M1", "RUN", 5)
        ledger = await asyncio.to_thread(simulator.ledger)
        assert not ledger.moving
        assert not ledger.attended
        assert ledger.truth.states["M1"] == [(5, "RUN")]
        async with httpx.AsyncClient(base_url=door.address) as http:
            await http.post("/scan", json={"station": "M1", "code": "B-1"})
            answer = await http.post("/scan", json={"station": "M2", "code": "B-1"})
        assert scanned == [b"B-1"]
        assert answer.status_code == 422
        await asyncio.to_thread(simulator.go)
        assert not hold.asked
    with pytest.raises(SimulatorAwayError, match="Is the plant still running"):
        await asyncio.to_thread(simulator.ledger)
